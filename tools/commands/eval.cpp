// tinyfiqa eval: compares scores with labels.
#include "commands/commands.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/output_path.hpp"
#include "jobs/scoring/eval_run.hpp"
#include "jobs/scoring/score_run.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/eval_report.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

using namespace tinyfiqa;

namespace {

struct EvalCommand {
  DataOptions data;
  ModelOptions model;
  ViewOptions views;
  PredictionFile predictions;
  std::string split;
  std::string format = "text", out;
  int threads = 0, resamples = 1000;
  std::uint64_t seed = 1;

  int run();

 private:
  Result<DataTable> labels() const;
  Status score(DataTable& labels, EvalReport& report) const;
  void print_failures(const EvalReport& report) const;
};

/// The labelled rows, or those of --split.
Result<DataTable> EvalCommand::labels() const {
  DataOptions options = data;
  options.dataset.check_files = predictions.csv.empty();
  auto labels = read_data(options);
  if (!labels || split.empty()) return labels;
  auto& samples = labels->data.samples;
  samples.erase(std::remove_if(samples.begin(), samples.end(),
                               [&](const Sample& s) { return split_name(s.split) != split; }),
                samples.end());
  if (!samples.empty()) return labels;
  return Status::error(Errc::bad_argument, data.csv, ": no row of split ", split,
                       "; check the column split, or name another column with --split-column");
}

/// Fills the rows of the report, from --predictions or by scoring the images.
Status EvalCommand::score(DataTable& labels, EvalReport& report) const {
  if (!predictions.csv.empty()) {
    const auto unused = join_predictions(labels.data, predictions, report);
    if (!unused) return unused.status();
    if (*unused > 0 && split.empty())
      print_note(std::to_string(*unused) + " predictions have no label and are left out");
    return Status();
  }
  const auto options = score_options(views);
  if (!options) return options.status();
  const auto source = QualitySource::open(model, *options, threads);
  if (!source) return source.status();
  const bool aligned = source->wants_aligned_faces();
  if (const Status s = find_table_faces({data, model.isa, threads}, aligned, labels.table, labels.data); !s)
    return s;
  if (const Status s = source->check_landmarks(labels.data); !s) return s;
  return score_labels(labels.data, *source, threads, report);
}

void EvalCommand::print_failures(const EvalReport& report) const {
  std::size_t shown = 0;
  for (const EvalRow& row : report.rows) {
    if (row.status.ok() || shown++ >= 10) continue;
    const std::string message = row.status.message();
    const bool named = message.find(row.path) != std::string::npos;
    std::fprintf(stderr, "%s\n", shown_text(named ? message : row.path + ": " + message).c_str());
  }
  if (report.failed > 10) std::fprintf(stderr, "and %zu more\n", report.failed - 10);
  if (report.failed > 0)
    std::fprintf(stderr, "tinyfiqa: %zu of %zu images have no score and are left out\n", report.failed,
                 report.rows.size());
}

int EvalCommand::run() {
  if (!out.empty())
    if (const Status status = make_output_folder(out, "scores.csv"); !status) return report_failure(status);
  auto rows = labels();
  if (!rows) return report_failure(rows.status());
  EvalReport report;
  report.data = data.csv;
  report.split = split;
  report.bootstrap.resamples = resamples;
  report.bootstrap.seed = seed;
  report.bootstrap.threads = thread_count(threads);
  if (const Status scored = score(*rows, report); !scored) return report_failure(scored);
  report.digest = digest(rows->data);
  const Status measured = report.measure();
  print_failures(report);
  if (!measured) return report_failure(measured, exit_some_failed);
  const std::string text = format == "json" ? report.json() : format == "csv" ? report.csv() : report.text();
  std::fputs(text.c_str(), stdout);
  if (!out.empty())
    if (const Status status = report.write(out); !status) return report_failure(status, exit_some_failed);
  return report.failed > 0 ? exit_some_failed : exit_done;
}

void add_output_options(const Command& sub, EvalCommand& command) {
  sub.add_option("--out", command.out, "Write scores.csv, metrics.json and scatter.svg to this folder")
      .type_name("DIR");
  sub.add_option("--format", command.format, "Print the result as text, json or csv")
      .one_of({"text", "json", "csv"})
      .show_default();
  add_threads_option(sub, command.threads);
  add_resamples_option(sub, command.resamples);
  sub.add_option("--seed", command.seed, "Seed the resamples").show_default();
}

}  // namespace

void add_eval(const Command& app, int& exit_code) {
  auto command = std::make_shared<EvalCommand>();
  const Command sub = app.add_command("eval", "Compare scores with labels: SRCC, PLCC, Kendall, RMSE");
  command->data.add_to(sub);
  sub.add_option("--split", command->split,
                 "Use only the rows of this split: train, val or test (default: all rows)")
      .one_of({"train", "val", "test"});
  command->model.add_to(sub, model_choices());
  command->model.add_precision_to(sub);
  command->views.add_to(sub);
  const Option predictions =
      sub.add_option("--predictions", command->predictions.csv,
                     "Read scores from this CSV instead of running a network: columns path and score, as "
                     "`score --format csv` writes them")
          .type_name("CSV");
  sub.add_option("--prediction-path-column", command->predictions.path_column,
                 "Read the paths of --predictions from this column")
      .type_name("NAME")
      .needs(predictions)
      .show_default();
  sub.add_option("--prediction-column", command->predictions.score_column,
                 "Read the scores of --predictions from this column")
      .type_name("NAME")
      .needs(predictions)
      .show_default();
  for (const char* option : {"--model", "--weights", "--isa", "--precision", "--size", "--tta"})
    predictions.excludes(sub.option(option));
  command->data.add_faces_to(sub);
  predictions.excludes(sub.option("--save-faces"));
  add_output_options(sub, *command);
  sub.footer(
      "The final score is the mean of SRCC and PLCC. The intervals contain 95 % of the bootstrap resamples.\n"
      "Exit status: 0 done, 1 some images have no score, 2 wrong usage or unusable labels.\n\n"
      "Example:\n"
      "  tinyfiqa eval --data examples/faces/labels.csv --out /tmp/evaluation\n"
      "  tinyfiqa eval --data labels.csv --images faces --predictions scores.csv --format json");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
