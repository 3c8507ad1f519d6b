// A network as data: the list of operations that its definition writes down when it is called.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/nn/custom_op.hpp>
#include <tinyfiqa/nn/param.hpp>

TINYFIQA_BEGIN

enum class OpKind : unsigned char {
  input,       ///< the network's input, [N, H, W, C]
  conv,        ///< convolution or linear layer (1x1 on a 1x1 map), + batch norm or bias, + activation;
               ///< without weights: batch norm alone, a 1x1 depthwise convolution whose weights are all 1
  activation,  ///< y = act(x)
  max_pool,    ///< over K x K windows, padded with -infinity
  mean_hw,     ///< mean over rows and columns: [N, 1, 1, C]
  add,         ///< y = a + b
  scale,       ///< y[n, h, w, c] = x[n, h, w, c] * gate[n, c]
  concat,      ///< channels of a, then channels of b
  slice,       ///< channels first .. first + C - 1 of x
  shuffle,     ///< channel shuffle: y[j * groups + g] = x[g * (C / groups) + j]
  dropout,     ///< identity in inference
  custom,      ///< the user's own (nn/custom_op.hpp)
};

constexpr const char* op_name(OpKind kind) {
  constexpr const char* names[] = {"input", "conv",   "activation", "max_pool", "mean_hw", "add",
                                   "scale", "concat", "slice",      "shuffle",  "dropout", "custom"};
  return names[static_cast<unsigned char>(kind)];
}

/// One operation and the value it makes; a value's id is its operation's place in the list.
/// Offsets of parameters count floats in the network's block; -1 where there is none.
struct Op {
  OpKind kind = OpKind::input;
  Act act = Act::none;
  int inputs[2] = {-1, -1};
  int channels = 0;  ///< of the output

  // conv and max_pool
  int window = 1, stride = 1, padding = 0, groups = 1;
  int in_channels = 0;
  int weight = -1, bias = -1, slope = -1;
  int norm_weight = -1, norm_bias = -1, running_mean = -1, running_var = -1;
  float norm_eps = 0.0f, norm_momentum = 0.0f;

  int first_channel = 0;       // slice
  int shuffle_groups = 1;      // shuffle
  float drop_probability = 0;  // dropout
  const CustomOp* custom = nullptr;
  int custom_params = 0;  // custom: floats at `weight`

  constexpr bool has_norm() const { return norm_weight >= 0; }
  /// Batch norm that stands by itself.
  constexpr bool only_norm() const { return kind == OpKind::conv && weight < 0; }
};

/// A feature map [N, H, W, C] of a graph that is being written. C is part of the type, so that layers
/// that do not fit together do not compile; N, H and W are known only when the graph is planned.
template <int C>
struct Map {
  int id = -1;
};

/// Two maps of one shape. Braces fix the order in which they are computed: g.add({a(g, x), b(g, x)}).
template <int A, int B = A>
struct Pair {
  Map<A> first;
  Map<B> second;
};

/// Writes operations into a caller's array. When the array is too small `count` still tells how many
/// there are, and full() is true.
class Graph {
 public:
  constexpr Graph(Op* ops, int capacity) : ops_(ops), capacity_(capacity) {}

  constexpr int count() const { return count_; }
  constexpr bool full() const { return count_ > capacity_; }

  template <int C>
  constexpr Map<C> input() {
    Op op;
    op.kind = OpKind::input;
    op.channels = C;
    return {append(op)};
  }

  /// Convolution as the layer says (nn/layers.hpp fills the rest of `op`).
  template <int Cin, int Cout>
  constexpr Map<Cout> conv(Op op, Map<Cin> x) {
    op.kind = OpKind::conv;
    op.inputs[0] = x.id;
    op.in_channels = Cin;
    op.channels = Cout;
    return {append(op)};
  }

  template <int C>
  constexpr Map<C> activation(Act act, Map<C> x) {
    Op op = unary(OpKind::activation, x);
    op.act = act;
    return {append(op)};
  }

  template <int C>
  constexpr Map<C> max_pool(int window, int stride, int padding, Map<C> x) {
    Op op = unary(OpKind::max_pool, x);
    op.window = window;
    op.stride = stride;
    op.padding = padding;
    return {append(op)};
  }

  /// Global average pooling: [N, H, W, C] -> [N, 1, 1, C].
  template <int C>
  constexpr Map<C> mean_hw(Map<C> x) {
    return {append(unary(OpKind::mean_hw, x))};
  }

  template <int C>
  constexpr Map<C> add(Pair<C> x) {
    return {append(binary(OpKind::add, x))};
  }

  /// x [N, H, W, C] times gate [N, 1, 1, C].
  template <int C>
  constexpr Map<C> scale(Pair<C> x_and_gate) {
    return {append(binary(OpKind::scale, x_and_gate))};
  }

  template <int A, int B>
  constexpr Map<A + B> concat(Pair<A, B> x) {
    Op op = binary(OpKind::concat, x);
    op.channels = A + B;
    return {append(op)};
  }

  template <int First, int Count, int C>
  constexpr Map<Count> slice(Map<C> x) {
    static_assert(First >= 0 && Count > 0 && First + Count <= C,
                  "tinyfiqa: slice outside the map's channels");
    Op op = unary(OpKind::slice, x);
    op.first_channel = First;
    op.channels = Count;
    return {append(op)};
  }

  template <int Groups, int C>
  constexpr Map<C> shuffle(Map<C> x) {
    static_assert(C % Groups == 0, "tinyfiqa: shuffle groups must divide the channels");
    Op op = unary(OpKind::shuffle, x);
    op.shuffle_groups = Groups;
    return {append(op)};
  }

  template <int C>
  constexpr Map<C> dropout(float probability, Map<C> x) {
    Op op = unary(OpKind::dropout, x);
    op.drop_probability = probability;
    return {append(op)};
  }

  /// An operation of the user's own on one map or two, to C channels; `params` may be null.
  template <int C, int A>
  constexpr Map<C> custom(const CustomOp& kind, Map<A> x, const Param* params = nullptr) {
    return custom<C, A, A>(kind, {x, {-1}}, params);
  }
  template <int C, int A, int B>
  constexpr Map<C> custom(const CustomOp& kind, Pair<A, B> x, const Param* params = nullptr) {
    Op op = binary(OpKind::custom, x);
    op.channels = C;
    op.custom = &kind;
    if (params != nullptr) {
      op.weight = params->offset;
      op.custom_params = params->size();
    }
    return {append(op)};
  }

 private:
  TINYFIQA_NOINLINE constexpr int append(const Op& op) {
    if (count_ < capacity_) ops_[count_] = op;
    return count_++;
  }
  template <int C>
  static constexpr Op unary(OpKind kind, Map<C> x) {
    Op op;
    op.kind = kind;
    op.inputs[0] = x.id;
    op.in_channels = op.channels = C;
    return op;
  }
  template <int A, int B>
  static constexpr Op binary(OpKind kind, Pair<A, B> x) {
    Op op;
    op.kind = kind;
    op.inputs[0] = x.first.id;
    op.inputs[1] = x.second.id;
    op.in_channels = op.channels = A;
    return op;
  }

  Op* ops_;
  int capacity_;
  int count_ = 0;
};

TINYFIQA_END
