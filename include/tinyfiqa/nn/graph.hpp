// A network as data: calling its definition appends its operations to a list.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/nn/operations.hpp>
#include <tinyfiqa/nn/param.hpp>

TINYFIQA_BEGIN

/// A feature map [N, H, W, C] of a graph under construction. C is part of the type: layers whose channels do not
/// fit do not compile. N, H and W are known when the graph is planned.
template <int C>
struct Map {
  int id = -1;
};

/// Several maps. Write them in braces, g.add({a(g, x), b(g, x)}): braces fix the order of evaluation, which
/// compilers choose freely for function arguments.
template <int... C>
struct Maps {
  int ids[sizeof...(C)];
  constexpr Maps(Map<C>... maps) : ids{maps.id...} {}
};
template <int A, int B = A>
using Pair = Maps<A, B>;

/// One output of a network.
struct Output {
  const char* name = "";
  int value = -1;           ///< the operation that computes it
  bool on_request = false;  ///< computed only if it is asked for by name
};

/// The outputs of a network: named maps of any size.
class Outputs {
 public:
  static constexpr int capacity = 32;

  /// Adds an output. Beyond `capacity`, outputs are counted but not kept; full() tells.
  template <int C>
  constexpr Outputs& add(const char* name, Map<C> map) {
    return append({name, map.id, false});
  }
  /// Adds an output that is computed only if it is asked for by name, such as the features before the head.
  template <int C>
  constexpr Outputs& add_on_request(const char* name, Map<C> map) {
    return append({name, map.id, true});
  }

  constexpr int count() const { return count_; }
  constexpr bool full() const { return count_ > capacity; }
  constexpr const Output& operator[](int i) const { return outputs_[i]; }
  constexpr const Output* begin() const { return outputs_; }
  constexpr const Output* end() const { return outputs_ + count_; }

  /// The value of the first output. Most networks have no other.
  constexpr int main() const { return outputs_[0].value; }
  /// The output of that name, or null.
  constexpr const Output* find(const char* name) const {
    for (const Output& output : *this)
      if (same_name(output.name, name)) return &output;
    return nullptr;
  }
  /// The value of the output of that name, or -1.
  constexpr int value(const char* name) const {
    const Output* output = find(name);
    return output == nullptr ? -1 : output->value;
  }

 private:
  constexpr Outputs& append(const Output& output) {
    if (count_ < capacity) outputs_[count_] = output;
    ++count_;
    return *this;
  }
  static constexpr bool same_name(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) ++a, ++b;
    return *a == *b;
  }

  Output outputs_[capacity];
  int count_ = 0;
};

/// Appends operations to a caller's array. If the array is too small, count() still counts all operations, and
/// full() is true.
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

  /// A convolution; layers (nn/layers.hpp) fill the other fields of `op`.
  template <int Cin, int Cout>
  constexpr Map<Cout> conv(Op op, Map<Cin> x) {
    op.kind = OpKind::conv;
    op.inputs[0] = x.id;
    op.in_channels = Cin;
    op.channels = Cout;
    return {append(op)};
  }

  /// y = act(x), as an operation of its own. PReLU has a weight for each channel: see ConvNormPRelu.
  template <Act A, int C>
  constexpr Map<C> activation(Map<C> x) {
    static_assert(A != Act::prelu, "tinyfiqa: PReLU needs a slope for each channel; use ConvNormPRelu");
    Op op = unary(OpKind::activation, x);
    op.act = A;
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

  /// Joins the channels of 2 to 4 maps [N, H, W, C_i]: [N, H, W, sum of C_i].
  template <int... C>
  constexpr Map<(C + ...)> concat(Maps<C...> x) {
    static_assert(sizeof...(C) >= 2 && sizeof...(C) <= max_op_inputs,
                  "tinyfiqa: concat takes 2 to 4 maps; join more in two steps");
    Op op;
    op.kind = OpKind::concat;
    for (int i = 0; i < static_cast<int>(sizeof...(C)); ++i) op.inputs[i] = x.ids[i];
    constexpr int channels[] = {C...};
    op.in_channels = channels[0];
    op.channels = (C + ...);
    return {append(op)};
  }

  /// Nearest-neighbour upsampling: [N, H, W, C] -> [N, H Factor, W Factor, C].
  template <int Factor, int C>
  constexpr Map<C> upsample(Map<C> x) {
    static_assert(Factor >= 1 && Factor <= 64, "tinyfiqa: upsample by a factor of 1 to 64");
    Op op = unary(OpKind::upsample, x);
    op.factor = Factor;
    return {append(op)};
  }

  /// The first map plus the second, enlarged to its size by nearest neighbours; the step of a feature pyramid.
  ///   a [N, H, W, C], b [N, Hb <= H, Wb <= W, C] -> y [N, H, W, C]
  template <int C>
  constexpr Map<C> add_upsampled(Pair<C> fine_and_coarse) {
    return {append(binary(OpKind::add_upsampled, fine_and_coarse))};
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

  /// An operation of the user's own on one or two maps, with C output channels. `params` may be null.
  template <int C, int A>
  constexpr Map<C> custom(const CustomOp& kind, Map<A> x, const Param* params = nullptr) {
    return custom<C, A, A>(kind, {x, Map<A>{-1}}, params);
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
    op.inputs[0] = x.ids[0];
    op.inputs[1] = x.ids[1];
    op.in_channels = op.channels = A;
    return op;
  }

  Op* ops_;
  int capacity_;
  int count_ = 0;
};

TINYFIQA_END
