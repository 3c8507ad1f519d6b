// The folder that a training leaves behind.
#pragma once

#include <tinyfiqa/training/trainer.hpp>

#include <nlohmann/json.hpp>

#include <string>

/// "SRCC 0.9012  PLCC 0.8932  RMSE 0.0412", or a recogniser's "accuracy 0.9200".
std::string validation_text(const tinyfiqa::EpochRow& row, const char* between = "  ");

/// Paths and writers of a training's folder. Every file is replaced as a whole, so a crash leaves the old or
/// the new one.
class TrainOutput {
 public:
  explicit TrainOutput(std::string folder) : folder_(std::move(folder)) {}

  std::string state_path() const { return folder_ + "/state.safetensors"; }
  std::string run_path() const { return folder_ + "/run.json"; }
  const std::string& folder() const { return folder_; }

  /// run.json: how the training was begun.
  tinyfiqa::Status write_run(const nlohmann::ordered_json& run) const;
  /// best.safetensors (if this was the best epoch), last.safetensors, log.csv, curves.svg; of a recogniser
  /// also best_classifier.npy and last_classifier.npy, the class weights [people, dimension], and
  /// best_classifier.people.csv, ..., whose column identity names the rows.
  tinyfiqa::Status write_epoch(tinyfiqa::Trainer& trainer) const;

 private:
  tinyfiqa::Status write_weights(const std::string& name, tinyfiqa::Trainer& trainer) const;
  tinyfiqa::Status write_class_weights(const std::string& name, tinyfiqa::Trainer& trainer) const;

  std::string folder_;
};
