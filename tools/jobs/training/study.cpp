#include "jobs/training/study.hpp"

#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/scoring/eval_run.hpp"
#include "jobs/training/training_rows.hpp"

#include <algorithm>
#include <cstdio>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {
/// True if one of the study's trainings has a saved state. A study that failed before its first state, for
/// example because of too few rows, can be started again.
bool holds_training(const std::string& folder) {
  const auto has_state = [](const fs::directory_entry& e) {
    return fs::exists(TrainOutput(e.path().string()).state_path());
  };
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), has_state);
}
}  // namespace

Status Study::begin(const TrainArguments& arguments, FaceCrop wanted,
                    const std::vector<std::string>& command_line) {
  arguments_ = arguments;
  auto folder = RunFolder::open(arguments.out, "run.json");
  if (!folder) return folder.status();
  folder_ = std::move(*folder);
  auto rows = read_training_rows(arguments, wanted,
                                 [&](const Dataset& all) { return arguments.split(all).status(); });
  if (!rows) return rows.status();
  rows_ = std::make_shared<const Dataset>(std::move(*rows));
  const auto split = arguments.split(*rows_);
  if (!split) return split.status();
  held_out_name_ = split->test.empty() ? "validation" : "test";
  held_out_.path = rows_->path;
  for (const std::size_t row : split->test.empty() ? split->val : split->test)
    held_out_.samples.push_back(rows_->samples[row]);
  if (!arguments.resume.empty()) return {};
  if (holds_training(arguments.out))
    return Status::error(Errc::bad_argument, arguments.out, " already contains a training; continue the ",
                         command_, " with --resume ", arguments.out, ", or choose another --out");
  return TrainOutput(arguments.out)
      .write_run({{"tinyfiqa", TINYFIQA_VERSION},
                  {"command_line", command_line},
                  {"directory", fs::current_path().string()},
                  {"data", arguments.data.csv},
                  {"data_digest", digest(*rows_)}});
}

int Study::train(TrainArguments arguments) const {
  arguments.resume = fs::exists(TrainOutput(arguments.out).run_path()) ? arguments.out : "";
  const Ranks alone;
  TrainRun run(alone, std::move(arguments), {}, "tinyfiqa " + command_ + " --resume " + arguments_.out,
               rows_);
  const Status s = run.prepare();
  if (s.ok()) return run.train();
  print_error(s);
  return exit_usage;
}

Result<EvalReport> Study::evaluate(const std::vector<StudyMember>& members, const ScoreOptions& options,
                                   int resamples, const std::string& folder) const {
  const auto backend = backend_option(arguments_.isa);
  if (!backend) return backend.status();
  std::vector<std::shared_ptr<const Model>> models;
  for (const StudyMember& member : members) {
    auto model = read_model(member.weights, member.model, **backend);
    if (!model) return model.status();
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  EvalReport report;
  report.data = arguments_.data.csv;
  report.digest = digest(held_out_);
  report.split = held_out_name_;
  report.bootstrap.resamples = resamples;
  report.bootstrap.seed = arguments_.seed;
  const auto source = QualitySource::of(std::move(models), options);
  if (!source) return source.status();
  if (const Status s = score_labels(held_out_, *source, arguments_.threads, report); !s) return s;
  if (const Status s = report.measure(); !s) return s;
  if (report.failed > 0) print_note(std::to_string(report.failed) + " images have no score and are left out");
  std::error_code error;
  fs::create_directories(folder, error);
  if (const Status s = report.write(folder); !s) return s;
  return report;
}
