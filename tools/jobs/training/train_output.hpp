// The output folder of a training.
#pragma once

#include <tinyfiqa/training/trainer.hpp>

#include <nlohmann/json.hpp>

#include <string>

/// The paths of the files in the folder, and functions that write them. Every file is replaced as a whole:
/// after a crash, it is the old one or the new one.
class TrainOutput {
 public:
  explicit TrainOutput(std::string folder) : folder_(std::move(folder)) {}

  std::string state_path() const { return folder_ + "/state.safetensors"; }
  std::string run_path() const { return folder_ + "/run.json"; }
  const std::string& folder() const { return folder_; }

  /// Writes run.json, which says how the training was started.
  tinyfiqa::Status write_run(const nlohmann::ordered_json& run) const;
  /// Writes best.safetensors (if this was the best epoch), last.safetensors, log.csv and curves.svg. For a
  /// recogniser also best_classifier.npy and last_classifier.npy, the class weights [people, dimension], and
  /// best_classifier.people.csv and last_classifier.people.csv, whose column identity names their rows.
  tinyfiqa::Status write_epoch(tinyfiqa::Trainer& trainer) const;

 private:
  tinyfiqa::Status write_weights(const std::string& name, tinyfiqa::Trainer& trainer) const;
  tinyfiqa::Status write_class_weights(const std::string& name, tinyfiqa::Trainer& trainer) const;

  std::string folder_;
};
