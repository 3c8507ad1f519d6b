// Several trainings on one label CSV, compared on rows that none of them saw: what ablation and size-study
// share.
#pragma once

#include <tinyfiqa/quality/scorer.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/train_run.hpp"
#include "reports/eval_report.hpp"

/// With words.train.resume set: takes up the words that the study in that folder was begun with (see
/// resume_words()).
template <class Words>
tinyfiqa::Status resume_study(Words& words, std::vector<std::string>& command_line) {
  if (words.train.resume.empty()) return {};
  const std::string folder = std::filesystem::absolute(words.train.resume).string();
  Words begun;
  const tinyfiqa::Status s = resume_words(
      folder, [&](const Command& app) { begun.add_to(app); }, command_line);
  if (!s) return s;
  begun.train.out = begun.train.resume = folder;
  words = std::move(begun);
  return {};
}

/// One network of a study: its weight file and its name.
struct StudyMember {
  std::string weights, model;
};

class Study {
 public:
  /// `command`: the command's name, for messages.
  explicit Study(std::string command) : command_(std::move(command)) {}

  /// Reads the data, and makes the folder with a run.json that says how the study was begun.
  tinyfiqa::Status begin(const TrainWords& words, const std::vector<std::string>& command_line);
  /// Trains a network in its folder words.out, or goes on with that; the exit code.
  int train(TrainWords words) const;
  /// The mean of the members' scores against the labels of the held-out rows, written to `folder`.
  tinyfiqa::Result<EvalReport> evaluate(const std::vector<StudyMember>& members,
                                        const tinyfiqa::ScoreOptions& options, int resamples,
                                        const std::string& folder) const;

  /// The CSV's test rows; without such, the validation rows, which chose the best epoch too.
  const tinyfiqa::Dataset& held_out() const { return held_out_; }
  const std::string& held_out_name() const { return held_out_name_; }

 private:
  std::string command_;
  TrainWords words_;
  std::shared_ptr<const tinyfiqa::Dataset> rows_;
  tinyfiqa::Dataset held_out_;
  std::string held_out_name_;
};
