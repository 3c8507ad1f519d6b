// Several trainings on one CSV, compared on held-out rows: the common part of ablation and size-study.
#pragma once

#include <tinyfiqa/quality/scorer.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/training/train_run.hpp"
#include "reports/eval_report.hpp"

/// With --resume, replaces the arguments by those with which the study in that folder was started.
template <class Arguments>
tinyfiqa::Status resume_study(Arguments& arguments, std::vector<std::string>& command_line) {
  return resume_run(arguments, command_line, [](Arguments& a) -> TrainArguments& { return a.train; });
}

/// One network of a study: its weight file and its name.
struct StudyMember {
  std::string weights, model;
};

/// The data, the trainings and the evaluations of a study.
class Study {
 public:
  /// `command` is the name of the command, for messages.
  explicit Study(std::string command) : command_(std::move(command)) {}

  /// Creates the folder, reads the data as networks that want this crop see it, and writes run.json, which says how
  /// the study was started.
  tinyfiqa::Status begin(const TrainArguments& arguments, tinyfiqa::FaceCrop wanted,
                         const std::vector<std::string>& command_line);
  /// Trains a network in its folder arguments.out, or resumes its training. Returns the exit code.
  int train(TrainArguments arguments) const;
  /// Compares the mean of the members' scores with the labels of the held-out rows. Writes the report
  /// to `folder`.
  tinyfiqa::Result<EvalReport> evaluate(const std::vector<StudyMember>& members,
                                        const tinyfiqa::ScoreOptions& options, int resamples,
                                        const std::string& folder) const;

  /// The test rows of the CSV. Without them, the validation rows, by which the best epoch was chosen.
  const tinyfiqa::Dataset& held_out() const { return held_out_; }
  const std::string& held_out_name() const { return held_out_name_; }

 private:
  std::string command_;
  TrainArguments arguments_;
  RunFolder folder_;
  std::shared_ptr<const tinyfiqa::Dataset> rows_;
  tinyfiqa::Dataset held_out_;
  std::string held_out_name_;
};
