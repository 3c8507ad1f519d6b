// The study of `tinyfiqa ablation`: four trainings, compared in five rows.
#pragma once

#include "jobs/training/study.hpp"

#include <string>
#include <utility>
#include <vector>

/// The command-line options of `tinyfiqa ablation`.
struct AblationArguments {
  TrainArguments train;  ///< recipe, model, init and loss are set for each training
  std::string mobilenet_init, shufflenet_init, shufflenet = "shufflenet_v2_x0_5";
  int resamples = 1000;

  void add_to(const Command& sub);
};

/// One row of the table.
struct AblationRow;

/// One study, with its options and its results.
class Ablation {
 public:
  Ablation(AblationArguments arguments, std::vector<std::string> command_line)
      : arguments_(std::move(arguments)), command_line_(std::move(command_line)) {}

  /// Trains the networks, compares them and writes the tables. Returns the exit code.
  int run();

 private:
  tinyfiqa::Status begin();
  TrainArguments arguments_of(bool mobilenet, tinyfiqa::LossKind loss) const;
  int train(bool mobilenet, tinyfiqa::LossKind loss);
  tinyfiqa::Status score(const AblationRow& row);
  tinyfiqa::Status compare();
  std::string markdown() const;
  std::string csv() const;

  AblationArguments arguments_;
  std::vector<std::string> command_line_;
  Study study_{"ablation"};
  std::vector<EvalReport> reports_;  ///< one per row
};
