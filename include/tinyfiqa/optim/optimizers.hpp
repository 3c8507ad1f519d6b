// Optimisers with torch.optim's arithmetic, on the flat block of a network's parameters.
//
// State is plain floats: state() hands out everything that a checkpoint must keep beside the step count.
#pragma once

#include <tinyfiqa/base/adam_step.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/formats/named_params.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

enum class OptimKind : unsigned char {
  adam,   ///< L2 decay added to the gradient (torch.optim.Adam)
  adamw,  ///< decoupled decay, p *= 1 - lr * decay (torch.optim.AdamW)
  sgd,    ///< momentum, Nesterov (torch.optim.SGD)
};

struct OptimOptions {
  OptimKind kind = OptimKind::adam;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< Adam and AdamW
  double momentum = 0.9;                          ///< SGD
  bool nesterov = false;                          ///< SGD
};

/// A stretch of the block with its own rate and decay.
struct ParamGroup {
  std::size_t first = 0, last = 0;  ///< floats first .. last - 1
  double rate = 1e-3;
  double decay = 0;
};

/// What make_groups assigns. The first rule whose prefix a parameter's name begins with counts.
struct GroupRule {
  std::string prefix;  ///< "" fits all
  double rate = 1e-3;
  double decay = 0;
  bool frozen = false;
};

/// Groups for the trainable parameters, neighbours joined. With `decay_weights_only`, norms, biases and
/// slopes have no decay. Frozen ones, and those no rule fits, are in no group.
inline std::vector<ParamGroup> make_groups(const std::vector<NamedParam>& params,
                                           const std::vector<GroupRule>& rules,
                                           bool decay_weights_only = false) {
  std::vector<ParamGroup> groups;
  for (const NamedParam& p : params) {
    if (!is_trainable(p.param.kind)) continue;
    for (const GroupRule& rule : rules) {
      if (p.name.compare(0, rule.prefix.size(), rule.prefix) != 0) continue;
      if (rule.frozen) break;
      const bool weight = p.param.kind == ParamKind::conv_weight || p.param.kind == ParamKind::linear_weight;
      const auto first = static_cast<std::size_t>(p.param.offset);
      const ParamGroup g{first, first + static_cast<std::size_t>(p.param.size()), rule.rate,
                         weight || !decay_weights_only ? rule.decay : 0.0};
      const bool joins = !groups.empty() && groups.back().last == g.first && groups.back().rate == g.rate &&
                         groups.back().decay == g.decay;
      if (joins)
        groups.back().last = g.last;
      else
        groups.push_back(g);
      break;
    }
  }
  return groups;
}

class Optimizer {
 public:
  /// `size`: floats of the block (of its trainable part at least). `adam_kernel`: TrainingBackend::adam.
  Optimizer(const OptimOptions& options, std::vector<ParamGroup> groups, std::size_t size,
            AdamKernel adam_kernel)
      : options_(options),
        adam_(adam_kernel),
        groups_(std::move(groups)),
        first_(size),
        second_(options.kind == OptimKind::sgd ? 0 : size) {}

  /// One step; rates are multiplied by `factor` (optim/schedule.hpp).
  void step(Span<float> params, Span<const float> gradient, double factor = 1.0) {
    ++steps_;
    for (const ParamGroup& g : groups_)
      options_.kind == OptimKind::sgd ? sgd(g, params.data, gradient.data, g.rate * factor)
                                      : adam(g, params.data, gradient.data, g.rate * factor);
  }

  const std::vector<ParamGroup>& groups() const { return groups_; }
  std::vector<ParamGroup>& groups() { return groups_; }

  // -- what a checkpoint keeps
  long long steps() const { return steps_; }
  void set_steps(long long steps) { steps_ = steps; }
  Span<float> first_moment() { return {first_.data(), first_.size()}; }     ///< SGD: the momentum buffer
  Span<float> second_moment() { return {second_.data(), second_.size()}; }  ///< empty for SGD

 private:
  /// m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p -= rate / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) +
  /// eps)
  void adam(const ParamGroup& group, float* p, const float* gradient, double rate) {
    const bool decoupled = options_.kind == OptimKind::adamw;
    const auto t = static_cast<double>(steps_);
    AdamStep a;
    a.step = static_cast<float>(rate / (1 - std::pow(options_.beta1, t)));
    a.root = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    a.keep = static_cast<float>(decoupled ? 1 - rate * group.decay : 1.0);
    a.decay = static_cast<float>(decoupled ? 0.0 : group.decay);
    a.b1 = static_cast<float>(options_.beta1);
    a.c1 = static_cast<float>(1 - options_.beta1);
    a.b2 = static_cast<float>(options_.beta2);
    a.c2 = static_cast<float>(1 - options_.beta2);
    a.eps = static_cast<float>(options_.eps);
    adam_(a, static_cast<std::ptrdiff_t>(group.last - group.first), gradient + group.first,
          first_.data() + group.first, second_.data() + group.first, p + group.first);
  }
  /// g += decay p;  m = momentum m + g (m = g at first);  p -= rate m,  Nesterov: p -= rate (g + momentum m)
  void sgd(const ParamGroup& group, float* p, const float* gradient, double rate) {
    const auto lr = static_cast<float>(rate), decay = static_cast<float>(group.decay);
    const auto momentum = static_cast<float>(options_.momentum);
    const float nesterov = options_.nesterov ? 1.0f : 0.0f;
    float* TINYFIQA_RESTRICT m = first_.data();
    for (std::size_t i = group.first; i < group.last; ++i) {
      const float g = gradient[i] + decay * p[i];
      m[i] = momentum * m[i] + g;
      p[i] -= lr * (nesterov * (g + momentum * m[i]) + (1.0f - nesterov) * m[i]);
    }
  }

  OptimOptions options_;
  AdamKernel adam_;
  std::vector<ParamGroup> groups_;
  std::vector<float> first_, second_;
  long long steps_ = 0;
};

/// Scales the gradient down to a global L2 norm of `limit`, as torch.nn.utils.clip_grad_norm_; returns the
/// norm it had.
inline double clip_gradient(Span<float> gradient, double limit) {
  double sum = 0;
  for (const float g : gradient) sum += static_cast<double>(g) * static_cast<double>(g);
  const double norm = std::sqrt(sum), scale = limit / (norm + 1e-6);
  if (scale < 1)
    for (float& g : gradient) g *= static_cast<float>(scale);
  return norm;
}

/// Exponential moving average of weights: average = decay average + (1 - decay) params. Keep it for the whole
/// block: running statistics are averaged too.
class WeightAverage {
 public:
  WeightAverage(Span<const float> params, double decay)
      : decay_(decay), values_(params.begin(), params.end()) {}
  void update(Span<const float> params) {
    const auto keep = static_cast<float>(decay_), take = static_cast<float>(1 - decay_);
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = keep * values_[i] + take * params[i];
  }
  Span<float> values() { return {values_.data(), values_.size()}; }

 private:
  double decay_;
  std::vector<float> values_;
};

TINYFIQA_END
