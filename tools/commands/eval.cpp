// tinyfiqa eval: how well scores agree with labels.
#include "commands/commands.hpp"
#include "jobs/score_run.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/eval_report.hpp"
#include "reports/predictions.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

struct EvalCommand {
  DataOptions data;
  ModelOptions model;
  ViewOptions views;
  std::string split, predictions, prediction_path = "path", prediction_score = "score";
  std::string format = "text", out;
  int threads = 0, resamples = 1000;
  std::uint64_t seed = 1;

  int run();

 private:
  Result<Dataset> labels() const;
  Status score_images(const Dataset& labels, EvalReport& report) const;
  Status join_predictions(const Dataset& labels, EvalReport& report) const;
  Status make_folder() const;
  void print_failures(const EvalReport& report) const;
};

/// The labelled rows, those of --split if it is given.
Result<Dataset> EvalCommand::labels() const {
  DataOptions options = data;
  options.dataset.check_files = predictions.empty();
  auto labels = read_data(options);
  if (!labels || split.empty()) return labels;
  auto& samples = labels->samples;
  samples.erase(std::remove_if(samples.begin(), samples.end(),
                               [&](const Sample& s) { return split_name(s.split) != split; }),
                samples.end());
  if (!samples.empty()) return labels;
  return Status::error(Errc::bad_argument, data.csv, ": no row of split ", split,
                       "; the column split says which rows are (--split-column names another)");
}

Status EvalCommand::score_images(const Dataset& labels, EvalReport& report) const {
  const auto options = score_options(views);
  if (!options) return options.status();
  const auto source = QualitySource::open(model, *options, threads);
  if (!source) return source.status();
  if (const Status s = source->check_landmarks(data.csv, any_landmarks(labels)); !s) return s;
  return report.score(labels, *source, threads);
}

/// Predictions belong to the label with the same path, as the CSV has it or below --images.
Status EvalCommand::join_predictions(const Dataset& labels, EvalReport& report) const {
  auto found = read_predictions(predictions, prediction_path, prediction_score);
  if (!found) return found.status();
  report.predictions = predictions;
  for (const Sample& sample : labels.samples) {
    auto at = find_prediction(*found, sample);
    EvalRow row{sample.path, sample.score, 0, {}};
    if (at == found->end()) {
      row.status = Status::error(Errc::not_found, "no prediction in ", predictions);
    } else {
      at->second.used = true;
      row.prediction = at->second.value;
      if (!at->second.problem.empty()) row.status = Status::error(Errc::bad_format, at->second.problem);
    }
    report.rows.push_back(std::move(row));
  }
  const auto unused =
      std::count_if(found->begin(), found->end(), [](const auto& p) { return !p.second.used; });
  if (unused > 0 && split.empty())
    print_note(std::to_string(unused) + " predictions have no label and were left out");
  return Status();
}

Status EvalCommand::make_folder() const {
  std::error_code error;
  if (!out.empty()) fs::create_directories(out, error);
  if (out.empty() || fs::is_directory(out)) return Status();
  return Status::error(Errc::cannot_write, "--out ", out, ": can't make this folder: ", error.message());
}

void EvalCommand::print_failures(const EvalReport& report) const {
  std::size_t shown = 0;
  for (const EvalRow& row : report.rows) {
    if (row.status.ok() || shown++ >= 10) continue;
    const std::string message = row.status.message();
    const bool named = message.find(row.path) != std::string::npos;
    std::fprintf(stderr, "%s%s%s\n", named ? "" : row.path.c_str(), named ? "" : ": ", message.c_str());
  }
  if (report.failed > 10) std::fprintf(stderr, "and %zu more\n", report.failed - 10);
  if (report.failed > 0)
    std::fprintf(stderr, "tinyfiqa: %zu of %zu have no score and were left out\n", report.failed,
                 report.rows.size());
}

int EvalCommand::run() {
  const auto fail = [](const Status& status, ExitCode code = exit_usage) {
    print_error(status);
    return code;
  };
  if (const Status status = make_folder(); !status) return fail(status);
  const auto rows = labels();
  if (!rows) return fail(rows.status());
  EvalReport report;
  report.data = data.csv;
  report.digest = digest(*rows);
  report.split = split;
  report.bootstrap.resamples = resamples;
  report.bootstrap.seed = seed;
  report.bootstrap.threads =
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const Status scored = predictions.empty() ? score_images(*rows, report) : join_predictions(*rows, report);
  if (!scored) return fail(scored);
  const Status measured = report.measure();
  print_failures(report);
  if (!measured) return fail(measured, exit_some_failed);
  const std::string text = format == "json" ? report.json() : format == "csv" ? report.csv() : report.text();
  std::fputs(text.c_str(), stdout);
  if (!out.empty())
    if (const Status status = report.write(out); !status) return fail(status, exit_some_failed);
  return report.failed > 0 ? exit_some_failed : exit_done;
}

void add_output_options(const Command& sub, EvalCommand& command) {
  sub.add_option("--out", command.out, "Folder for scores.csv, metrics.json and scatter.svg")
      .type_name("DIR");
  sub.add_option("--format", command.format, "text, json or csv")
      .one_of({"text", "json", "csv"})
      .show_default();
  sub.add_option("--threads", command.threads, "Threads; default: one for each core").range(1, 1024);
  sub.add_option("--resamples", command.resamples, "Bootstrap resamples for the intervals")
      .range(1, 1000000)
      .show_default();
  sub.add_option("--seed", command.seed, "Seed of the resamples").show_default();
}

}  // namespace

void add_eval(const Command& app, int& exit_code) {
  auto command = std::make_shared<EvalCommand>();
  const Command sub = app.add_command("eval", "Compare scores with labels: SRCC, PLCC, Kendall, RMSE");
  command->data.add_to(sub);
  sub.add_option("--split", command->split, "Take only rows whose split is this one: train, val or test")
      .one_of({"train", "val", "test"});
  command->model.add_to(sub, model_choices());
  command->views.add_to(sub);
  const Option predictions =
      sub.add_option(
             "--predictions", command->predictions,
             "Scores from a CSV instead of a network: columns path and score, as score --format csv writes")
          .type_name("CSV");
  sub.add_option("--prediction-path-column", command->prediction_path, "Its column of paths")
      .type_name("NAME")
      .needs(predictions)
      .show_default();
  sub.add_option("--prediction-column", command->prediction_score, "Its column of scores")
      .type_name("NAME")
      .needs(predictions)
      .show_default();
  for (const char* option : {"--model", "--weights", "--isa", "--size", "--tta"})
    predictions.excludes(sub.option(option));
  add_output_options(sub, *command);
  sub.footer(
      "The final score is the mean of SRCC and PLCC. Intervals hold 95 % of the bootstrap resamples.\n"
      "Exit status: 0 all done, 1 some images have no score, 2 wrong usage or unusable labels.\n\n"
      "Example:\n  tinyfiqa eval --data examples/faces/labels.csv --out /tmp/evaluation\n  tinyfiqa eval "
      "--data "
      "labels.csv --images faces --predictions scores.csv --format json");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
