// Optimisers with the formulas of torch.optim. They work on the flat block of a network's parameters.
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

/// The optimisers.
enum class OptimKind : unsigned char {
  adam,   ///< Kingma and Ba 2015, with L2 decay added to the gradient (torch.optim.Adam)
  adamw,  ///< Loshchilov and Hutter 2019: decoupled decay, p *= 1 - rate * decay (torch.optim.AdamW)
  sgd,    ///< SGD with momentum or Nesterov momentum (torch.optim.SGD)
};

/// Options of an optimiser.
struct OptimOptions {
  OptimKind kind = OptimKind::adam;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< for Adam and AdamW
  double momentum = 0.9;                          ///< for SGD
  bool nesterov = false;                          ///< for SGD
};

/// A range of the block with its own learning rate and weight decay.
struct ParamGroup {
  std::size_t first = 0, last = 0;  ///< indices of the floats: first to last - 1
  double rate = 1e-3;               ///< learning rate
  double decay = 0;                 ///< weight decay
};

/// A rule of make_groups(): what the parameters whose name begins with `prefix` get.
struct GroupRule {
  std::string prefix;  ///< "" matches all names
  double rate = 1e-3;
  double decay = 0;
  bool frozen = false;  ///< true: not trained
};

/// Makes groups of the trainable parameters; neighbours with equal settings are joined. The first rule that
/// matches a name is used. Frozen parameters, and those that no rule matches, are in no group. If
/// `decay_weights_only`, norms, biases and slopes of PReLU have no decay.
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

/// Updates the parameters by their gradient and keeps the moments. Not thread safe.
class Optimizer {
 public:
  /// `size` is the number of floats of the block, or at least of its trainable part. `kernel` is the Adam
  /// kernel of a backend.
  Optimizer(const OptimOptions& options, std::vector<ParamGroup> groups, std::size_t size, AdamKernel kernel)
      : options_(options),
        adam_(kernel),
        groups_(std::move(groups)),
        first_(size),
        second_(options.kind == OptimKind::sgd ? 0 : size) {}

  /// Makes one step. Parameters in no group do not change. `factor` multiplies all learning rates; it comes
  /// from Schedule::factor(). `params` and `gradient` have at least `size` floats.
  void step(Span<float> params, Span<const float> gradient, double factor = 1.0) {
    ++steps_;
    for (const ParamGroup& g : groups_)
      options_.kind == OptimKind::sgd ? sgd(g, params.data, gradient.data, g.rate * factor)
                                      : adam(g, params.data, gradient.data, g.rate * factor);
  }

  const std::vector<ParamGroup>& groups() const { return groups_; }
  std::vector<ParamGroup>& groups() { return groups_; }

  // ---- state that a checkpoint must keep ----
  long long steps() const { return steps_; }
  void set_steps(long long steps) { steps_ = steps; }
  Span<float> first_moment() { return {first_.data(), first_.size()}; }     ///< for SGD, the momentum buffer
  Span<float> second_moment() { return {second_.data(), second_.size()}; }  ///< for SGD, empty

 private:
  /// m = b1 m + (1 - b1) g
  /// v = b2 v + (1 - b2) g^2
  /// p -= rate / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
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
  /// g += decay p
  /// m = momentum m + g, where m is 0 at first
  /// p -= rate m, or with Nesterov momentum p -= rate (g + momentum m)
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

/// Scales the gradient so that its global L2 norm is at most `limit`, as torch.nn.utils.clip_grad_norm_ does.
/// Returns the norm before.
inline double clip_gradient(Span<float> gradient, double limit) {
  double sum = 0;
  for (const float g : gradient) sum += static_cast<double>(g) * static_cast<double>(g);
  const double norm = std::sqrt(sum), scale = limit / (norm + 1e-6);
  if (scale < 1)
    for (float& g : gradient) g *= static_cast<float>(scale);
  return norm;
}

/// Exponential moving average of the weights: average = decay * average + (1 - decay) * params. Use it for
/// the whole block, so that the running statistics are averaged too.
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
