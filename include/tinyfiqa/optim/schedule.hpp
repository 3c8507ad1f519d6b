// Learning-rate schedules: a factor for the learning rates as a function of the epoch.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cmath>
#include <vector>

TINYFIQA_BEGIN

/// The schedules. `cosine` is the cosine annealing of Loshchilov and Hutter 2017 without restarts.
enum class ScheduleKind : unsigned char { constant, step, multi_step, cosine };

/// A schedule. After `warm_up` epochs of linear warm-up, it counts epochs from 0.
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  int period = 1;               ///< step: epochs between two drops; cosine: epochs until the lowest factor
  double gamma = 0.1;           ///< step and multi_step: factor of each drop
  std::vector<int> milestones;  ///< multi_step: epochs of the drops, ascending
  double lowest = 0;            ///< cosine: the last factor, which is kept afterwards
  int warm_up = 0;              ///< epochs of linear warm-up
  double warm_up_start = 0.1;   ///< first factor of the warm-up

  /// The factor for an epoch, counted from 0. The schedules are LinearLR followed by StepLR, MultiStepLR or
  /// CosineAnnealingLR of torch.optim.lr_scheduler.
  double factor(int epoch) const {
    if (epoch < warm_up) return warm_up_start + (1 - warm_up_start) * epoch / warm_up;
    const int t = epoch - warm_up;
    switch (kind) {
      case ScheduleKind::constant:
        return 1;
      case ScheduleKind::step:
        return std::pow(gamma, t / (period < 1 ? 1 : period));
      case ScheduleKind::multi_step: {
        double f = 1;
        for (const int m : milestones) f *= t >= m ? gamma : 1;
        return f;
      }
      case ScheduleKind::cosine: {
        const double part = t >= period ? 1 : static_cast<double>(t) / period;
        return lowest + (1 - lowest) * (1 + std::cos(3.14159265358979323846 * part)) / 2;
      }
    }
    return 1;
  }
};

TINYFIQA_END
