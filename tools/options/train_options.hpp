// Options of `tinyfiqa train`, `ablation` and `size-study`, and the TrainOptions that they mean.
#pragma once

#include <tinyfiqa/data/split.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include "options/command_line.hpp"

#include <optional>
#include <string>
#include <vector>

#include "options/data_options.hpp"
#include "options/model_options.hpp"

/// The training options on the command line. The recipe decides what is not given.
struct TrainArguments {
  DataOptions data;
  std::string recipe, model, init, out, resume, teacher, isa = "auto";
  SizeOption size;
  std::optional<int> epochs, batch, lr_step, warm_up, epoch_images;
  std::vector<int> lr_milestones;
  int micro_batch = 0;
  std::optional<std::string> loss, optim, lr_schedule;
  std::optional<double> alpha, lr, backbone_lr, weight_decay, lr_gamma, momentum, scale, margin;
  std::optional<float> hflip;
  std::vector<std::string> freeze;
  bool nesterov = false, freeze_norms = false, decay_weights_only = false, split_by_identity = false;
  bool easy_margin = false, folder_identities = false;
  std::string label_range;  ///< --label-range: LOW,HIGH; empty: labels are 0..1 already
  double train_share = 0.8, clip = 0, ema = 0;
  float crop = 0, color = 0, blur = 0, jpeg = 0, grey = 0;
  std::uint64_t seed = 1;
  int threads = 0;
  std::optional<std::string> sync_norms;
  long long cache_mib = 2048;

  /// Adds all options.
  void add_to(const Command& sub);
  /// Adds all options but those for the network, its loss, and the folders.
  void add_settings(const Command& sub);
  /// Fills recipe and model if they are empty.
  void choose_recipe();
  /// Fills recipe and model if they are empty, and returns the settings. Errors: bad_argument.
  tinyfiqa::Result<tinyfiqa::TrainOptions> settings();
  /// True if a recogniser is trained; valid after choose_recipe().
  bool recognises() const { return recipe == "recognition"; }
  /// The rows to train on and to validate on. Errors: those of split_dataset().
  tinyfiqa::Result<tinyfiqa::DataSplit> split(const tinyfiqa::Dataset& rows) const;
};
