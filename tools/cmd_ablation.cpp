// tinyfiqa ablation: Table 2 of P1 on the user's own labels. Four trainings, five rows.
#include "backends.hpp"
#include "commands.hpp"
#include "eval_report.hpp"
#include "text_file.hpp"
#include "train_run.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {

enum class Network { mobilenet, shufflenet };
constexpr Network networks[] = {Network::mobilenet, Network::shufflenet};

/// One row of the table, with what P1 published for it.
struct AblationRow {
  const char* name;
  const char* folder;
  std::vector<Network> members;
  LossKind loss;
  std::vector<View> views;
  double published_srcc, published_plcc;
};

const std::vector<AblationRow>& ablation_rows() {
  using Kind = LossKind;
  static const std::vector<View> one = {View::identity}, flips = {View::identity, View::hflip, View::vflip};
  static const std::vector<Network> both(std::begin(networks), std::end(networks));
  static const std::vector<AblationRow> rows = {
      {"MobileNetV3-Small, MSE", "row1", {Network::mobilenet}, Kind::mse, one, 0.9662, 0.9773},
      {"ShuffleNetV2, MSE", "row2", {Network::shufflenet}, Kind::mse, one, 0.9638, 0.9726},
      {"ensemble, MSE", "row3", both, Kind::mse, one, 0.9747, 0.9836},
      {"ensemble, MSECorrLoss", "row4", both, Kind::msecorr, one, 0.9774, 0.9868},
      {"ensemble, MSECorrLoss, flips", "row5", both, Kind::msecorr, flips, 0.9829, 0.9894}};
  return rows;
}

struct AblationWords {
  TrainWords train;  ///< recipe, model, init and loss are set for each training
  std::string mobilenet_init, shufflenet_init, shufflenet = "shufflenet_v2_x0_5";
  int resamples = 1000;

  void add_to(CLI::App& sub);
};

void AblationWords::add_to(CLI::App& sub) {
  sub.add_option(
         "--init-mobilenet", mobilenet_init,
         "Checkpoint that MobileNetV3-Small starts from, an ImageNet one too; default: random weights")
      ->type_name("FILE");
  sub.add_option("--init-shufflenet", shufflenet_init, "The same for ShuffleNetV2")->type_name("FILE");
  sub.add_option("--shufflenet", shufflenet, "Which width: shufflenet_v2_x0_5 or shufflenet_v2_x1_0")
      ->check(CLI::IsMember({"shufflenet_v2_x0_5", "shufflenet_v2_x1_0"}))
      ->capture_default_str();
  sub.add_option("--out", train.out, "Folder for table.md, table.csv, and a folder for each training and row")
      ->type_name("DIR");
  sub.add_option("--resume", train.resume,
                 "Go on with the ablation in this folder, with the options it was begun with")
      ->type_name("DIR");
  sub.add_option("--resamples", resamples, "Bootstrap resamples for the intervals")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  train.add_settings(sub);
}

class Ablation {
 public:
  Ablation(AblationWords words, std::vector<std::string> command_line)
      : words_(std::move(words)), command_line_(std::move(command_line)) {}

  int run();

 private:
  Status resume();
  Status begin();
  Status choose_held_out();
  TrainWords words_of(Network network, LossKind loss) const;
  int train(Network network, LossKind loss);
  Status score(const AblationRow& row);
  Status write_tables() const;
  std::string markdown() const;
  std::string csv() const;

  AblationWords words_;
  std::vector<std::string> command_line_;
  std::shared_ptr<const Dataset> rows_;
  Dataset held_out_;  ///< what the table is about
  std::string held_out_name_;
  std::vector<EvalReport> reports_;
};

Status Ablation::resume() {
  const std::string folder = fs::absolute(words_.train.resume).string();
  AblationWords begun;
  const Status s = resume_words(
      folder, [&](CLI::App& app) { begun.add_to(app); }, command_line_);
  if (!s) return s;
  begun.train.out = begun.train.resume = folder;
  words_ = std::move(begun);
  return {};
}

/// The data, and a folder that says how the ablation was begun.
Status Ablation::begin() {
  if (!words_.train.resume.empty())
    if (const Status s = resume(); !s) return s;
  TrainWords probe = words_of(Network::mobilenet, LossKind::mse);
  if (const auto options = probe.settle(); !options) return options.status();
  auto rows = read_data(words_.train.data);
  if (!rows) return rows.status();
  rows_ = std::make_shared<const Dataset>(std::move(*rows));
  if (const Status s = choose_held_out(); !s) return s;
  const std::string& out = words_.train.out;
  const TrainOutput output(out);
  std::error_code error;
  fs::create_directories(out, error);
  if (!fs::is_directory(out))
    return Status::error(Errc::cannot_write, "--out ", out, ": can't make this folder: ", error.message());
  if (!words_.train.resume.empty()) return {};
  if (fs::exists(output.run_path()))
    return Status::error(Errc::bad_argument, out,
                         " holds a training already: go on with an ablation by --resume ", out,
                         ", or choose another --out");
  return output.write_run({{"tinyfiqa", TINYFIQA_VERSION},
                           {"command_line", command_line_},
                           {"directory", fs::current_path().string()},
                           {"data", words_.train.data.csv},
                           {"data_digest", digest(*rows_)}});
}

/// The CSV's test rows; without such, the validation rows, which chose the best epoch too.
Status Ablation::choose_held_out() {
  const auto split = words_.train.split(*rows_);
  if (!split) return split.status();
  held_out_name_ = split->test.empty() ? "validation" : "test";
  held_out_.path = rows_->path;
  for (const std::size_t row : split->test.empty() ? split->val : split->test)
    held_out_.samples.push_back(rows_->samples[row]);
  return {};
}

TrainWords Ablation::words_of(Network network, LossKind loss) const {
  TrainWords w = words_.train;
  const bool mobilenet = network == Network::mobilenet;
  w.recipe = "ensemble";
  w.model = mobilenet ? "mobilenet_v3_small" : words_.shufflenet;
  w.init = mobilenet ? words_.mobilenet_init : words_.shufflenet_init;
  w.loss = loss_name(loss);
  if (!w.out.empty()) w.out += std::string(mobilenet ? "/mobilenet_" : "/shufflenet_") + *w.loss;
  w.resume = fs::exists(TrainOutput(w.out).run_path()) ? w.out : "";
  return w;
}

int Ablation::train(Network network, LossKind loss) {
  TrainWords w = words_of(network, loss);
  std::printf("== %s, %s\n", w.model.c_str(), loss_name(loss));
  TrainRun run(std::move(w), {}, "tinyfiqa ablation --resume " + words_.train.out, rows_);
  const Status s = run.prepare();
  if (s.ok()) return run.train();
  print_error(s);
  return exit_usage;
}

Status Ablation::score(const AblationRow& row) {
  const auto backend = backend_option(words_.train.isa);
  if (!backend) return backend.status();
  std::vector<std::shared_ptr<const Model>> models;
  for (const Network network : row.members) {
    const TrainWords w = words_of(network, row.loss);
    auto model = read_model(w.out + "/best.safetensors", w.model, **backend);
    if (!model) return model.status();
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  ScoreOptions options;
  options.views = row.views;
  options.height = words_.train.size.height;
  options.width = words_.train.size.width;
  EvalReport report;
  report.data = words_.train.data.csv;
  report.digest = digest(held_out_);
  report.split = held_out_name_;
  report.bootstrap.resamples = words_.resamples;
  report.bootstrap.seed = words_.train.seed;
  if (const Status s = report.score(held_out_, QualitySource::of(models, options), words_.train.threads); !s)
    return s;
  if (const Status s = report.measure(); !s) return s;
  if (report.failed > 0)
    print_note(std::to_string(report.failed) + " images have no score and were left out");
  const std::string folder = words_.train.out + "/" + row.folder;
  std::error_code error;
  fs::create_directories(folder, error);
  if (const Status s = report.write(folder); !s) return s;
  reports_.push_back(std::move(report));
  return {};
}

std::string Ablation::markdown() const {
  std::string text =
      "| networks and loss | SRCC | PLCC | final score | SRCC / PLCC in P1 |\n|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const AblationRow& row = ablation_rows()[i];
    const MetricIntervals& m = reports_[i].metrics;
    char line[320];
    std::snprintf(line, sizeof line,
                  "| %s | %.4f (%.4f .. %.4f) | %.4f (%.4f .. %.4f) | %.4f (%.4f .. %.4f) | %.4f / %.4f |\n",
                  row.name, m.value.srcc, m.srcc.low, m.srcc.high, m.value.plcc, m.plcc.low, m.plcc.high,
                  m.value.final_score, m.final_score.low, m.final_score.high, row.published_srcc,
                  row.published_plcc);
    text += line;
  }
  return text + "\n" + std::to_string(held_out_.samples.size()) + " " + held_out_name_ +
         " images; in brackets 95 % bootstrap intervals. P1's column is about other images.\n";
}

std::string Ablation::csv() const {
  std::string text =
      "row,networks,loss,views,split,images,srcc,srcc_low,srcc_high,plcc,plcc_low,plcc_high,final_score,"
      "final_score_low,final_score_high,published_srcc,published_plcc\n";
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const AblationRow& row = ablation_rows()[i];
    const MetricIntervals& m = reports_[i].metrics;
    std::string models;
    for (const std::string& name : reports_[i].models) models += (models.empty() ? "" : "+") + name;
    char line[400];
    std::snprintf(
        line, sizeof line, "%zu,%s,%s,%zu,%s,%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.4f,%.4f\n",
        i + 1, models.c_str(), loss_name(row.loss), row.views.size(), held_out_name_.c_str(), m.value.count,
        m.value.srcc, m.srcc.low, m.srcc.high, m.value.plcc, m.plcc.low, m.plcc.high, m.value.final_score,
        m.final_score.low, m.final_score.high, row.published_srcc, row.published_plcc);
    text += line;
  }
  return text;
}

Status Ablation::write_tables() const {
  if (const Status s = write_text(words_.train.out + "/table.md", markdown()); !s) return s;
  return write_text(words_.train.out + "/table.csv", csv());
}

int Ablation::run() {
  const auto fail = [](const Status& status, ExitCode code) {
    print_error(status);
    return code;
  };
  if (const Status s = begin(); !s) return fail(s, exit_usage);
  for (const LossKind loss : {LossKind::mse, LossKind::msecorr})
    for (const Network network : networks)
      if (const int code = train(network, loss); code != exit_done) return code;
  for (const AblationRow& row : ablation_rows())
    if (const Status s = score(row); !s) return fail(s, exit_some_failed);
  if (const Status s = write_tables(); !s) return fail(s, exit_some_failed);
  std::printf("\n%s", markdown().c_str());
  return exit_done;
}

}  // namespace

void add_ablation(CLI::App& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto words = std::make_shared<AblationWords>();
  CLI::App* sub =
      app.add_subcommand("ablation", "Table 2 of P1 on your labels: networks, losses, ensemble, views");
  words->add_to(*sub);
  sub->footer(
      "Trains MobileNetV3-Small and ShuffleNetV2, each with MSE and with MSECorrLoss, and compares the two "
      "alone, "
      "their mean,\ntheir mean after MSECorrLoss, and that averaged over flips, on the rows of split test, "
      "or without "
      "such on the\nvalidation rows. Settings are those of train's recipe ensemble. After Ctrl-C or a crash "
      "--resume "
      "goes on to the same\ntable.\n\n"
      "Example:\n  tinyfiqa ablation --data examples/faces/labels.csv --size 64x64 --epochs 1 --batch 2 "
      "--train-share 0.5 --out /tmp/tinyfiqa_ablation");
  sub->callback([words, &exit_code, &command_line] { exit_code = Ablation(*words, command_line).run(); });
}
