// Parameters: the place of each tensor in a network's block, one flat array of floats.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// What a parameter is, for optimisers, initialisers and importers.
enum class ParamKind : unsigned char {
  conv_weight,    ///< [Cout, Cin / groups, K, K]
  linear_weight,  ///< [out, in]
  conv_bias,      ///< [Cout]
  linear_bias,    ///< [out]
  norm_weight,    ///< batch norm's gamma, [C]
  norm_bias,      ///< batch norm's beta, [C]
  slope,          ///< PReLU, [C]
  running_mean,   ///< a buffer: not trained, [C]
  running_var,    ///< a buffer: not trained, [C]
  level_factor,   ///< a buffer: Op::level_factors of all values, one behind the other
};

/// False for buffers, which no optimiser changes.
constexpr bool is_trainable(ParamKind kind) { return kind < ParamKind::running_mean; }

/// One tensor of a network, in PyTorch's shape and row-major. `offset` counts floats from the start of the block.
struct Param {
  ParamKind kind;
  int rank;
  int extents[4];
  int offset = -1;

  constexpr int size() const {
    int n = 1;
    for (int i = 0; i < rank; ++i) n *= extents[i];
    return n;
  }
};

constexpr Param vector_param(ParamKind kind, int n) { return {kind, 1, {n, 1, 1, 1}}; }
constexpr Param matrix_param(ParamKind kind, int rows, int cols) { return {kind, 2, {rows, cols, 1, 1}}; }
constexpr Param conv_param(int cout, int cin_per_group, int k) {
  return {ParamKind::conv_weight, 4, {cout, cin_per_group, k, k}};
}

/// The floats of a block: trainable ones first, then buffers.
struct ParamCount {
  int trainable = 0;
  int buffers = 0;
  constexpr int total() const { return trainable + buffers; }
};

/// Walks over a network's parameters in PyTorch's order and calls `callback(path, param)` for each. The path is
/// PyTorch's name, such as "features.0.0.weight".
template <class Callback>
class ParamWalk {
 public:
  explicit ParamWalk(Callback& callback) : callback_(callback) {}

  TINYFIQA_NOINLINE void enter(const char* name) { open().append(name); }
  TINYFIQA_NOINLINE void enter(int index) { open().append(index); }
  TINYFIQA_NOINLINE void leave() { path_.resize(lengths_[--depth_]); }

  template <class P>
  TINYFIQA_NOINLINE void param(const char* name, P& param) {
    enter(name);
    callback_(path_.c_str(), param);
    leave();
  }

 private:
  detail::FixedText<128>& open() {
    lengths_[depth_++] = path_.size();
    if (!path_.empty()) path_.append('.');
    return path_;
  }

  Callback& callback_;
  detail::FixedText<128> path_;
  std::size_t lengths_[16] = {};
  int depth_ = 0;
};

/// Calls `callback(const char* path, Param&)` for every parameter of `net`.
template <class Net, class Callback>
void for_each_param(Net& net, Callback&& callback) {
  ParamWalk<Callback> walk(callback);
  net.visit(walk);
}

/// Visits `layer` under `name` (text, or an index in a Sequential).
template <class Walk, class Name, class Layer, class... Rest>
constexpr void visit_in(Walk& walk, Name name, Layer& layer, Rest... rest) {
  walk.enter(name);
  layer.visit(walk, rest...);
  walk.leave();
}

namespace detail {
struct ParamNumbering {
  bool trainable;
  int cursor;
  constexpr void enter(const char*) {}
  constexpr void enter(int) {}
  constexpr void leave() {}
  TINYFIQA_NOINLINE constexpr void param(const char*, Param& p) {
    if (is_trainable(p.kind) != trainable) return;
    p.offset = cursor;
    cursor += p.size();
  }
};
}  // namespace detail

/// Assigns every parameter of `net` its offset in the block.
template <class Net>
constexpr ParamCount number_params(Net& net) {
  detail::ParamNumbering trainable{true, 0};
  net.visit(trainable);
  detail::ParamNumbering buffers{false, trainable.cursor};
  net.visit(buffers);
  return {trainable.cursor, buffers.cursor - trainable.cursor};
}

TINYFIQA_END
