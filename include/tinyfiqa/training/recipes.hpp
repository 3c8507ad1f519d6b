// The settings with which the networks of this library are trained. TrainOptions() itself has those of Hamidi et al. 2025.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/quality/model_spec.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <algorithm>

TINYFIQA_BEGIN

/// Settings of Peng et al. for tinyFQnet.
inline TrainOptions tinyfqnet_recipe() {
  TrainOptions o;
  o.epochs = 17;
  o.batch = 1024;
  o.loss = LossKind::mse;
  o.optim.kind = OptimKind::sgd;
  o.rate = o.backbone_rate = 0.01;
  o.schedule.gamma = 0.1;
  return o;
}

/// Scale and margin of arcface or cosface for training sets of a few hundred people. The published scale (64) and margins
/// (0.5 for arcface, 0.35 for cosface) are for tens of thousands.
inline MarginOptions recipe_margin(LossKind loss) {
  MarginOptions margin;
  margin.scale = 32;
  margin.margin = loss == LossKind::cosface ? 0.2 : 0.3;
  return margin;
}

/// Settings for a small recogniser on a CPU. Peng et al. do not say how theirs were trained.
inline TrainOptions recognition_recipe() {
  TrainOptions o;
  o.epochs = 20;
  o.loss = LossKind::arcface;
  o.margin = recipe_margin(o.loss);
  o.optim.kind = OptimKind::sgd;
  o.rate = o.backbone_rate = 0.1;
  o.weight_decay = 5e-4;
  o.schedule.kind = ScheduleKind::cosine;
  o.augmentation.hflip = 0.5f;
  return o;
}

/// The recipe of a network: recognition_recipe(), tinyfqnet_recipe(), or the settings of Hamidi et al.
inline TrainOptions recipe_of(const ModelSpec& spec) {
  return spec.embeds ? recognition_recipe() : gives_shares(spec) ? tinyfqnet_recipe() : TrainOptions();
}

/// Lets a cosine schedule end with the last epoch.
inline void fit_schedule(TrainOptions& o) {
  if (o.schedule.kind == ScheduleKind::cosine) o.schedule.period = std::max(1, o.epochs - o.schedule.warm_up);
}

TINYFIQA_END
