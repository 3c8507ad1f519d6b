#include "reports/study.hpp"

#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"

#include <algorithm>
#include <cstdio>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {
/// Whether one of the study's trainings has anything to go on with. (A first try that failed, for want of
/// rows, has not, and is in nobody's way.)
bool holds_training(const std::string& folder) {
  const auto has_state = [](const fs::directory_entry& e) {
    return fs::exists(TrainOutput(e.path().string()).state_path());
  };
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), has_state);
}
}  // namespace

Status Study::begin(const TrainWords& words, const std::vector<std::string>& command_line) {
  words_ = words;
  auto rows = read_data(words.data);
  if (!rows) return rows.status();
  rows_ = std::make_shared<const Dataset>(std::move(*rows));
  const auto split = words.split(*rows_);
  if (!split) return split.status();
  held_out_name_ = split->test.empty() ? "validation" : "test";
  held_out_.path = rows_->path;
  for (const std::size_t row : split->test.empty() ? split->val : split->test)
    held_out_.samples.push_back(rows_->samples[row]);
  const TrainOutput output(words.out);
  std::error_code error;
  fs::create_directories(words.out, error);
  if (!fs::is_directory(words.out))
    return Status::error(Errc::cannot_write, "--out ", words.out,
                         ": can't make this folder: ", error.message());
  if (!words.resume.empty()) return {};
  if (holds_training(words.out))
    return Status::error(Errc::bad_argument, words.out, " holds a training already: go on with the ",
                         command_, " by --resume ", words.out, ", or choose another --out");
  return output.write_run({{"tinyfiqa", TINYFIQA_VERSION},
                           {"command_line", command_line},
                           {"directory", fs::current_path().string()},
                           {"data", words.data.csv},
                           {"data_digest", digest(*rows_)}});
}

int Study::train(TrainWords words) const {
  words.resume = fs::exists(TrainOutput(words.out).run_path()) ? words.out : "";
  TrainRun run(std::move(words), {}, "tinyfiqa " + command_ + " --resume " + words_.out, rows_);
  const Status s = run.prepare();
  if (s.ok()) return run.train();
  print_error(s);
  return exit_usage;
}

Result<EvalReport> Study::evaluate(const std::vector<StudyMember>& members, const ScoreOptions& options,
                                   int resamples, const std::string& folder) const {
  const auto backend = backend_option(words_.isa);
  if (!backend) return backend.status();
  std::vector<std::shared_ptr<const Model>> models;
  for (const StudyMember& member : members) {
    auto model = read_model(member.weights, member.model, **backend);
    if (!model) return model.status();
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  EvalReport report;
  report.data = words_.data.csv;
  report.digest = digest(held_out_);
  report.split = held_out_name_;
  report.bootstrap.resamples = resamples;
  report.bootstrap.seed = words_.seed;
  const auto source = QualitySource::of(std::move(models), options);
  if (!source) return source.status();
  if (const Status s = report.score(held_out_, *source, words_.threads); !s) return s;
  if (const Status s = report.measure(); !s) return s;
  if (report.failed > 0)
    print_note(std::to_string(report.failed) + " images have no score and were left out");
  std::error_code error;
  fs::create_directories(folder, error);
  if (const Status s = report.write(folder); !s) return s;
  return report;
}
