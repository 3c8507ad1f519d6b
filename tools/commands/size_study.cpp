// tinyfiqa size-study: Table 6 of P2 on the user's own labels. The family's networks, what they cost and what
// they are worth.
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "jobs/speed.hpp"
#include "jobs/text_file.hpp"
#include "options/model_options.hpp"
#include "reports/study.hpp"
#include "reports/svg_chart.hpp"
#include "reports/verify_discard.hpp"

#include <cmath>
#include <cstdio>
#include <memory>

using namespace tinyfiqa;

namespace {

struct SizeStudyWords {
  TrainWords train;  ///< recipe, model and out are set for each training
  std::vector<std::string> members = {"tinyfqnet", "tinyfqnet_t6_w100", "tinyfqnet_t4_w35_112",
                                      "tinyfqnet_t6_w100_112"};
  DataOptions faces;  ///< what verifies
  EmbedOptions embed;
  DiscardOptions discard;
  bool folder_identities = false;
  int resamples = 1000;
  double seconds = 1;  ///< for the time of each network

  void add_to(const Command& sub);
  bool verifies() const { return !faces.csv.empty(); }
};

void SizeStudyWords::add_to(const Command& sub) {
  sub.add_option("--members", members,
                 "Networks to compare, by name (see info); default: P2's Table 6 but ResNet-50")
      .type_name("NAME")
      .show_default();
  sub.add_option("--out", train.out, "Folder for table.md, .csv and .svg, and a folder for each network")
      .type_name("DIR");
  sub.add_option("--resume", train.resume,
                 "Go on with the study in this folder, with the options it was begun with")
      .type_name("DIR");
  sub.add_option("--resamples", resamples, "Bootstrap resamples for the intervals")
      .range(1, 1000000)
      .show_default();
  sub.add_option("--seconds", seconds, "Time to measure the speed of each network")
      .range(0.0, 3600.0)
      .show_default();
  sub.add_option(
         "--faces", faces.csv,
         "CSV of faces of other people for error versus discard (columns path and identity, and maybe "
         "landmarks)")
      .type_name("CSV");
  sub.add_option("--faces-images", faces.dataset.image_root,
                 "Folder that the paths of --faces start from; default: the CSV's own")
      .type_name("DIR");
  sub.add_flag("--folder-identities", folder_identities,
               "The folder that an image of --faces is in says who it shows");
  embed.add_files_to(sub);
  discard.add_pairs_to(sub);
  train.split_by_identity = true;
  train.add_settings(sub);
}

/// A finished network.
struct SizeStudyRow {
  std::string name, size;
  Speed speed;
  MetricIntervals metrics;
};

class SizeStudy {
 public:
  SizeStudy(SizeStudyWords words, std::vector<std::string> command_line)
      : words_(std::move(words)), command_line_(std::move(command_line)) {}

  int run();

 private:
  Status begin();
  TrainWords words_of(const std::string& member) const;
  std::string weights_of(const std::string& member) const {
    return words_of(member).out + "/best.safetensors";
  }
  Status measure(const std::string& member);
  Status verify();
  Status write_tables() const;
  std::string markdown() const;
  std::string csv() const;
  std::string svg() const;

  SizeStudyWords words_;
  std::vector<std::string> command_line_;
  Study study_{"size-study"};
  std::vector<SizeStudyRow> rows_;
  VerifyReport verified_;  ///< a curve for each row, in their order
};

/// Everything that can be wrong is told before the first hour of training.
Status SizeStudy::begin() {
  if (const Status s = resume_study(words_, command_line_); !s) return s;
  if (words_.train.size.height > 0)
    return Status::error(Errc::bad_argument, "--size: each network has its own; name others with --members");
  for (const std::string& member : words_.members) {
    TrainWords probe = words_of(member);
    if (const auto options = probe.settle(); !options) return options.status();
  }
  if (!words_.verifies() && (!words_.embed.recogniser.empty() || !words_.discard.pairs.empty()))
    return Status::error(Errc::bad_argument, "--recogniser and --pairs go with --faces");
  if (words_.verifies() && words_.embed.recogniser.empty() && !words_.embed.saved())
    return Status::error(Errc::bad_argument,
                         "--faces needs --recogniser FILE, or --embeddings that are there");
  return study_.begin(words_.train, command_line_);
}

TrainWords SizeStudy::words_of(const std::string& member) const {
  TrainWords w = words_.train;
  w.recipe = "tinyfqnet";
  w.model = member;
  if (!w.out.empty()) w.out += "/" + member;
  return w;
}

Status SizeStudy::measure(const std::string& member) {
  const std::string weights = weights_of(member);
  auto report = study_.evaluate({{weights, member}}, ScoreOptions(), words_.resamples,
                                words_of(member).out + "/held_out");
  if (!report) return report.status();
  const auto backend = backend_option(words_.train.isa);
  if (!backend) return backend.status();
  const auto model = read_model(weights, member, **backend);
  if (!model) return model.status();
  const InputSpec& input = model->input();
  const auto speed = measure_speed(*model, 1, input.height, input.width, 1, words_.seconds);
  if (!speed) return speed.status();
  rows_.push_back(
      {member, std::to_string(input.height) + "x" + std::to_string(input.width), *speed, report->metrics});
  return {};
}

/// Error versus discard of all networks on --faces, judged by the recogniser.
Status SizeStudy::verify() {
  if (!words_.verifies()) return {};
  words_.faces.dataset.need_score = false;
  words_.embed.isa = words_.train.isa;
  words_.embed.threads = words_.train.threads;
  const auto known = read_known_faces(words_.faces, words_.folder_identities, words_.embed);
  if (!known) return known.status();
  std::vector<std::string> qualities;
  for (const std::string& member : words_.members) qualities.push_back(member + "=" + weights_of(member));
  DiscardOptions options = words_.discard;
  options.resamples = words_.resamples;
  options.seed = words_.train.seed;
  const auto methods = make_methods(known->data, known->embedded, qualities, words_.embed, options.seed);
  if (!methods) return methods.status();
  return compare_discarding(verify_faces(*known), *methods, options, verified_);
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[400];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}
std::string rate_name(double rate) { return format("1e%d", static_cast<int>(std::lround(std::log10(rate)))); }

std::string SizeStudy::markdown() const {
  std::string head = "| network | input | parameters | MMAC | us an image | SRCC |",
              line = "|---|---|---|---|---|---|";
  for (const DiscardTable& t : verified_.discard) {
    if (!t.supported) continue;
    head += " discard area, FMR " + rate_name(t.rate) + " |";
    line += "---|";
  }
  std::string text = head + "\n" + line + "\n";
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const SizeStudyRow& r = rows_[i];
    text += format("| %s | %s | %lld | %.2f | %.0f | %.4f (%.4f .. %.4f) |", r.name.c_str(), r.size.c_str(),
                   r.speed.params, static_cast<double>(r.speed.macs) * 1e-6, r.speed.median_us,
                   r.metrics.value.srcc, r.metrics.srcc.low, r.metrics.srcc.high);
    for (const DiscardTable& t : verified_.discard)
      if (t.supported) text += " " + relative_area30(t.curves[i]) + " |";
    text += "\n";
  }
  text += format("\nSRCC: %zu %s images. In brackets 95 %% bootstrap intervals. Time: one thread, median.\n",
                 study_.held_out().samples.size(), study_.held_out_name().c_str());
  if (words_.verifies())
    text += format("Discard area: %zu images, %zu genuine pairs, to 30 %%, divided by a useless order's.\n",
                   verified_.images, verified_.genuine);
  return text;
}

std::string SizeStudy::csv() const {
  std::string text = "network,input,params,macs,median_us,srcc,srcc_low,srcc_high,plcc,rmse";
  for (const DiscardTable& t : verified_.discard)
    if (t.supported)
      text += ",area30_" + rate_name(t.rate) + ",area30_low_" + rate_name(t.rate) + ",area30_high_" +
              rate_name(t.rate);
  text += "\n";
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const SizeStudyRow& r = rows_[i];
    const MetricIntervals& m = r.metrics;
    text += format("%s,%s,%lld,%lld,%.6g,%.9g,%.9g,%.9g,%.9g,%.9g", r.name.c_str(), r.size.c_str(),
                   r.speed.params, r.speed.macs, r.speed.median_us, m.value.srcc, m.srcc.low, m.srcc.high,
                   m.value.plcc, m.value.rmse);
    for (const DiscardTable& t : verified_.discard) {
      if (!t.supported) continue;
      const DiscardCurve& c = t.curves[i];
      text += format(",%.9g,%.9g,%.9g", c.area30, c.area30_interval.low, c.area30_interval.high);
    }
    text += "\n";
  }
  return text;
}

std::string SizeStudy::svg() const {
  ChartSeries srcc{"SRCC", {}, {}};
  for (const SizeStudyRow& r : rows_) {
    srcc.x.push_back(std::log10(static_cast<double>(r.speed.macs)));
    srcc.y.push_back(r.metrics.value.srcc);
  }
  std::vector<Chart> charts = {
      line_chart({"Agreement with the labels", "", "log10 of multiply-adds", "SRCC"}, {srcc})};
  std::vector<ChartSeries> areas;
  for (const DiscardTable& t : verified_.discard) {
    if (!t.supported) continue;
    areas.push_back({"FMR " + rate_name(t.rate), srcc.x, {}});
    for (const DiscardCurve& c : t.curves) areas.back().y.push_back(c.area30 / (0.3 * c.fnmr[0]));
  }
  if (!areas.empty())
    charts.push_back(line_chart({"Error versus discard", "area to 30 %, divided by a useless order's",
                                 "log10 of multiply-adds", "relative area"},
                                areas));
  return svg_document(charts);
}

Status SizeStudy::write_tables() const {
  const std::string& out = words_.train.out;
  if (const Status s = write_text(out + "/table.md", markdown()); !s) return s;
  if (const Status s = write_text(out + "/table.csv", csv()); !s) return s;
  return write_text(out + "/table.svg", svg());
}

int SizeStudy::run() {
  const auto fail = [](const Status& status, ExitCode code) {
    print_error(status);
    return code;
  };
  if (const Status s = begin(); !s) return fail(s, exit_usage);
  for (const std::string& member : words_.members) {
    std::printf("== %s\n", member.c_str());
    if (const int code = study_.train(words_of(member)); code != exit_done) return code;
  }
  for (const std::string& member : words_.members)
    if (const Status s = measure(member); !s) return fail(s, exit_some_failed);
  if (const Status s = verify(); !s) return fail(s, exit_some_failed);
  if (const Status s = write_tables(); !s) return fail(s, exit_some_failed);
  std::printf("\n%s", markdown().c_str());
  return exit_done;
}

}  // namespace

void add_size_study(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto words = std::make_shared<SizeStudyWords>();
  const Command sub =
      app.add_command("size-study", "Table 6 of P2 on your labels: sizes of the tinyFQnet family");
  words->add_to(sub);
  sub.footer(
      "Trains each network with train's recipe tinyfqnet and the same seed, split by identity, and puts its "
      "parameters,\nmultiply-adds and time beside its rank correlation on the rows of split test, or without "
      "such "
      "on the validation rows,\nand, with --faces, beside error versus discard on other people's faces, "
      "judged by "
      "--recogniser. After Ctrl-C or a\ncrash --resume goes on to the same table (times aside).\n\n"
      "Examples:\n  tinyfiqa size-study --data examples/faces/labels.csv --members tinyfqnet --epochs 1 "
      "--batch 2 "
      "--train-share 0.5\n    --out /tmp/tinyfiqa_sizes\n  tinyfiqa size-study --data labels.csv --images "
      "faces/ --epochs 20 --batch 64 --lr 0.05 "
      "--faces "
      "lfw.csv\n    --recogniser other.safetensors --embeddings lfw.npy --pairs pairs.txt --out sizes");
  sub.on_run([words, &exit_code, &command_line] { exit_code = SizeStudy(*words, command_line).run(); });
}
