// One training in its folder: begun or gone on with, saved after each epoch, stopped by a signal.
#pragma once

#include <tinyfiqa/training/trainer.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/train_output.hpp"
#include "options/train_options.hpp"

/// Takes up the command line that the run in `folder` (absolute) was begun with, in the folder where it was
/// written: parses it with the options that `add_options` adds, and leaves it in `command_line`, which is
/// `--resume DIR` so far. Errors: bad_argument for other words, those of read_file, bad_format, not_found.
tinyfiqa::Status resume_words(const std::string& folder,
                              const std::function<void(const Command&)>& add_options,
                              std::vector<std::string>& command_line);

class TrainRun {
 public:
  /// `command_line`: the words after the command, for run.json; empty for a part of something larger.
  /// `go_on`: what a user types to go on after a stop. `rows`: the data, if they are read already.
  TrainRun(TrainWords words, std::vector<std::string> command_line, std::string go_on,
           std::shared_ptr<const tinyfiqa::Dataset> rows = nullptr)
      : words_(std::move(words)),
        command_line_(std::move(command_line)),
        go_on_(std::move(go_on)),
        rows_(std::move(rows)),
        output_("") {}

  /// Everything up to the first step. With words.resume set, the state in words.out is taken up if there is
  /// one. Errors: bad_argument for wrong usage, others as they come.
  tinyfiqa::Status prepare();
  /// Trains to the last epoch; the exit code, 128 + the signal's number after a stop.
  int train();

 private:
  tinyfiqa::Status make_folder() const;
  tinyfiqa::Status make_trainer();
  tinyfiqa::Status check_images();
  tinyfiqa::Status start_weights();
  void print_epoch() const;
  void print_end() const;
  tinyfiqa::Status save() const;

  TrainWords words_;
  std::vector<std::string> command_line_;
  std::string go_on_;
  tinyfiqa::TrainOptions options_;
  std::shared_ptr<const tinyfiqa::Dataset> rows_;
  std::unique_ptr<tinyfiqa::Trainer> trainer_;
  TrainOutput output_;
  std::string fingerprint_;
};
