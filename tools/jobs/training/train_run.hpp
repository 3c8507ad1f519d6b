// One training in its folder: starts or resumes, saves after each epoch, stops on a signal.
#pragma once

#include <tinyfiqa/training/trainer.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/training/ranks.hpp"
#include "jobs/training/run_folder.hpp"
#include "jobs/training/train_output.hpp"
#include "options/train_options.hpp"

/// Restores the arguments with which the run in `folder` (absolute) was started, and changes to the folder in
/// which it was started. Parses the arguments with the options that `add_options` adds, and stores them in
/// `command_line`, which must be `--resume DIR` before. Errors: bad_argument for other arguments, those of
/// read_file(), bad_format, not_found.
tinyfiqa::Status resume_arguments(const std::string& folder,
                                  const std::function<void(const Command&)>& add_options,
                                  std::vector<std::string>& command_line);

/// If --resume is given, replaces `arguments` by those of the run in that folder. `train(arguments)` returns
/// the TrainArguments in `arguments`. Errors: those of resume_arguments().
template <class Arguments, class Train>
tinyfiqa::Status resume_run(Arguments& arguments, std::vector<std::string>& command_line,
                            const Train& train) {
  const std::string resume = train(arguments).resume;
  if (resume.empty()) return {};
  const std::string folder = std::filesystem::absolute(resume).string();
  Arguments original;
  const tinyfiqa::Status s = resume_arguments(
      folder, [&](const Command& app) { original.add_to(app); }, command_line);
  if (!s) return s;
  train(original).out = train(original).resume = folder;
  arguments = std::move(original);
  return {};
}

/// One training.
class TrainRun {
 public:
  /// `command_line`: the arguments after the command's name, for run.json; empty for a part of a study.
  /// `resume_command`: what a user types to continue after a stop. `rows`: the data, if already read. `ranks`: the processes
  /// that train together; it must outlive this object.
  TrainRun(const Ranks& ranks, TrainArguments arguments, std::vector<std::string> command_line,
           std::string resume_command, std::shared_ptr<const tinyfiqa::Dataset> rows = nullptr)
      : ranks_(&ranks),
        arguments_(std::move(arguments)),
        command_line_(std::move(command_line)),
        resume_command_(std::move(resume_command)),
        rows_(std::move(rows)),
        output_("") {}

  /// Does everything before the first step. With arguments.resume set, restores the state in arguments.out,
  /// if there is one. Errors: bad_argument for wrong usage, cannot_write, those of reading data and weights.
  tinyfiqa::Status prepare();
  /// Trains to the last epoch. Returns the exit code: 128 + the number of the signal after a stop.
  int train();

 private:
  tinyfiqa::Status make_folder();
  tinyfiqa::Status check_labels(const tinyfiqa::Dataset& rows) const;
  tinyfiqa::Status find_people(tinyfiqa::Dataset& rows) const;
  tinyfiqa::Result<tinyfiqa::Trainer> create_trainer(const tinyfiqa::Dataset& rows) const;
  tinyfiqa::Status read_rows();
  tinyfiqa::Status make_trainer();
  tinyfiqa::Status check_images();
  tinyfiqa::Status start_weights();
  tinyfiqa::Status identify_run(const nlohmann::ordered_json& settings);
  tinyfiqa::Result<bool> load_state();
  void print_epoch() const;
  void print_end() const;
  void print_traffic() const;

  const Ranks* ranks_;
  TrainArguments arguments_;
  std::vector<std::string> command_line_;
  std::string resume_command_;
  tinyfiqa::TrainOptions options_;
  std::shared_ptr<const tinyfiqa::Dataset> rows_;
  std::unique_ptr<tinyfiqa::Trainer> trainer_;
  RunFolder folder_;
  TrainOutput output_;
  std::string fingerprint_;
  long long steps_ = 0;  // of this process
};
