// The training of a detector in its folder: starts or resumes, saves after each epoch, stops on a signal.
#pragma once

#include <tinyfiqa/training/detector_trainer.hpp>

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/training/run_folder.hpp"
#include "jobs/training/train_output.hpp"
#include "options/train_options.hpp"

class DetectorRun {
 public:
  /// `command_line`: the arguments after the command's name, for run.json.
  DetectorRun(TrainArguments arguments, std::vector<std::string> command_line)
      : arguments_(std::move(arguments)), command_line_(std::move(command_line)), output_(arguments_.out) {}

  /// Reads photos and teacher. With arguments.resume set, restores the state in arguments.out, if there is one.
  /// Errors: bad_argument for wrong usage, cannot_write, those of reading photos and weights.
  tinyfiqa::Status prepare();
  /// Trains to the last epoch. Returns the exit code: 128 + the number of the signal after a stop.
  int train();

 private:
  tinyfiqa::Status read_settings();
  tinyfiqa::Status read_rows();
  std::vector<tinyfiqa::Result<tinyfiqa::TrainingPhoto>> decode_photos() const;
  tinyfiqa::Status read_photos();
  tinyfiqa::Status make_trainer();
  tinyfiqa::Status write_run() const;
  tinyfiqa::Status write_epoch() const;
  void print_epoch() const;

  TrainArguments arguments_;
  std::vector<std::string> command_line_;
  RunFolder folder_;
  TrainOutput output_;
  tinyfiqa::DetectorTrainOptions options_;
  tinyfiqa::Dataset rows_;
  std::vector<bool> faceless_;  ///< of each row
  std::vector<tinyfiqa::TrainingPhoto> photos_, val_photos_;
  std::size_t photo_count_ = 0, val_count_ = 0, faceless_count_ = 0;
  std::unique_ptr<tinyfiqa::DetectorTrainer> trainer_;
  nlohmann::ordered_json settings_;
  std::string fingerprint_;
};
