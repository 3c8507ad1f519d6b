// tinyfiqa ablation: Table 2 of P1 on the user's own labels. Four trainings, five rows.
#include "commands/commands.hpp"
#include "jobs/text_file.hpp"
#include "reports/study.hpp"

#include <cstdio>
#include <memory>

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

  void add_to(const Command& sub);
};

void AblationWords::add_to(const Command& sub) {
  sub.add_option(
         "--init-mobilenet", mobilenet_init,
         "Checkpoint that MobileNetV3-Small starts from, an ImageNet one too; default: random weights")
      .type_name("FILE");
  sub.add_option("--init-shufflenet", shufflenet_init, "The same for ShuffleNetV2").type_name("FILE");
  sub.add_option("--shufflenet", shufflenet, "Which width: shufflenet_v2_x0_5 or shufflenet_v2_x1_0")
      .one_of({"shufflenet_v2_x0_5", "shufflenet_v2_x1_0"})
      .show_default();
  sub.add_option("--out", train.out, "Folder for table.md, table.csv, and a folder for each training and row")
      .type_name("DIR");
  sub.add_option("--resume", train.resume,
                 "Go on with the ablation in this folder, with the options it was begun with")
      .type_name("DIR");
  sub.add_option("--resamples", resamples, "Bootstrap resamples for the intervals")
      .range(1, 1000000)
      .show_default();
  train.add_settings(sub);
}

class Ablation {
 public:
  Ablation(AblationWords words, std::vector<std::string> command_line)
      : words_(std::move(words)), command_line_(std::move(command_line)) {}

  int run();

 private:
  Status begin();
  TrainWords words_of(Network network, LossKind loss) const;
  int train(Network network, LossKind loss);
  Status score(const AblationRow& row);
  Status write_tables() const;
  std::string markdown() const;
  std::string csv() const;

  AblationWords words_;
  std::vector<std::string> command_line_;
  Study study_{"ablation"};
  std::vector<EvalReport> reports_;
};

Status Ablation::begin() {
  if (const Status s = resume_study(words_, command_line_); !s) return s;
  TrainWords probe = words_of(Network::mobilenet, LossKind::mse);
  if (const auto options = probe.settle(); !options) return options.status();
  return study_.begin(words_.train, command_line_);
}

TrainWords Ablation::words_of(Network network, LossKind loss) const {
  TrainWords w = words_.train;
  const bool mobilenet = network == Network::mobilenet;
  w.recipe = "ensemble";
  w.model = mobilenet ? "mobilenet_v3_small" : words_.shufflenet;
  w.init = mobilenet ? words_.mobilenet_init : words_.shufflenet_init;
  w.loss = loss_name(loss);
  if (!w.out.empty()) w.out += std::string(mobilenet ? "/mobilenet_" : "/shufflenet_") + *w.loss;
  return w;
}

int Ablation::train(Network network, LossKind loss) {
  TrainWords w = words_of(network, loss);
  std::printf("== %s, %s\n", w.model.c_str(), loss_name(loss));
  return study_.train(std::move(w));
}

Status Ablation::score(const AblationRow& row) {
  std::vector<StudyMember> members;
  for (const Network network : row.members) {
    const TrainWords w = words_of(network, row.loss);
    members.push_back({w.out + "/best.safetensors", w.model});
  }
  ScoreOptions options;
  options.views = row.views;
  options.height = words_.train.size.height;
  options.width = words_.train.size.width;
  auto report = study_.evaluate(members, options, words_.resamples, words_.train.out + "/" + row.folder);
  if (report) reports_.push_back(std::move(*report));
  return report.status();
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
  return text + "\n" + std::to_string(study_.held_out().samples.size()) + " " + study_.held_out_name() +
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
        i + 1, models.c_str(), loss_name(row.loss), row.views.size(), study_.held_out_name().c_str(),
        m.value.count, m.value.srcc, m.srcc.low, m.srcc.high, m.value.plcc, m.plcc.low, m.plcc.high,
        m.value.final_score, m.final_score.low, m.final_score.high, row.published_srcc, row.published_plcc);
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

void add_ablation(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto words = std::make_shared<AblationWords>();
  const Command sub =
      app.add_command("ablation", "Table 2 of P1 on your labels: networks, losses, ensemble, views");
  words->add_to(sub);
  sub.footer(
      "Trains MobileNetV3-Small and ShuffleNetV2, each with MSE and with MSECorrLoss, and compares the two "
      "alone, "
      "their mean,\ntheir mean after MSECorrLoss, and that averaged over flips, on the rows of split test, "
      "or without "
      "such on the\nvalidation rows. Settings are those of train's recipe ensemble. After Ctrl-C or a crash "
      "--resume "
      "goes on to the same\ntable.\n\n"
      "Example:\n  tinyfiqa ablation --data examples/faces/labels.csv --size 64x64 --epochs 1 --batch 2 "
      "--train-share 0.5 --out /tmp/tinyfiqa_ablation");
  sub.on_run([words, &exit_code, &command_line] { exit_code = Ablation(*words, command_line).run(); });
}
