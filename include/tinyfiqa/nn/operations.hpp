// The operations of networks, and a table with the properties of each: name, number of inputs, shape rule, what
// training keeps, ONNX node. All code that handles operations reads this table or is checked against it.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dtype.hpp>
#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/nn/custom_op.hpp>

#include <cstddef>

TINYFIQA_BEGIN

enum class OpKind : unsigned char {
  input,       ///< the network's input, [N, H, W, C]
  conv,        ///< convolution or linear layer (1x1 on a 1x1 map), + batch norm or bias, + activation;
               ///< without weights: batch norm alone, a 1x1 depthwise convolution whose weights are all 1
  activation,  ///< y = act(x)
  max_pool,    ///< over window x window pixels, padded with -infinity
  mean_hw,     ///< mean over rows and columns: [N, 1, 1, C]
  add,         ///< y = a + b
  scale,       ///< y[n, h, w, c] = x[n, h, w, c] * gate[n, c]
  concat,      ///< channels of the first input, then of the second, ...
  slice,       ///< channels first .. first + C - 1 of x
  shuffle,     ///< channel shuffle: y[j * groups + g] = x[g * (C / groups) + j]
  dropout,     ///< identity in inference
  upsample,    ///< nearest: y[n, h, w, c] = x[n, h / factor, w / factor, c]
  add_upsampled,  ///< y = a + b, b enlarged to a's size: y[n, h, w, c] = a[n, h, w, c] + b[n, h Hb / Ha, w Wb / Wa, c]
  custom,  ///< the user's own operation (nn/custom_op.hpp)
};
inline constexpr int op_kind_count = static_cast<int>(OpKind::custom) + 1;

/// The most inputs that an operation can have.
inline constexpr int max_op_inputs = 4;

/// One operation and the value that it computes. The value's id is the index of the operation in the list.
/// Offsets of parameters count floats in the network's block; -1 where there is none.
struct Op {
  OpKind kind = OpKind::input;
  Act act = Act::none;
  DType dtype = DType::f32;  ///< element type of the value
  Quantisation quant;        ///< of integer elements: the numbers that they stand for
  /// Of integer elements, [channels] powers of two: element x of channel c stands for (x - zero) scale factor[c].
  int level_factors = -1;
  int inputs[max_op_inputs] = {-1, -1, -1, -1};
  int channels = 0;  ///< of the output

  // conv and max_pool
  int window = 1, stride = 1, padding = 0, groups = 1;
  int in_channels = 0;
  int weight = -1, bias = -1, slope = -1;
  int norm_weight = -1, norm_bias = -1, running_mean = -1, running_var = -1;
  float norm_eps = 0.0f, norm_momentum = 0.0f;
  float fixed_slope = 0.0f;  ///< of PReLU in all channels, if `slope` is -1: leaky ReLU

  int first_channel = 0;       // slice
  int shuffle_groups = 1;      // shuffle
  int factor = 1;              // upsample
  float drop_probability = 0;  // dropout
  const CustomOp* custom = nullptr;
  int custom_params = 0;  // custom: floats at `weight`

  constexpr bool has_norm() const { return norm_weight >= 0; }
  /// PReLU whose slope is no parameter.
  constexpr bool is_leaky_relu() const { return act == Act::prelu && slope < 0; }
  /// Batch norm without a convolution.
  constexpr bool only_norm() const { return kind == OpKind::conv && weight < 0; }
  constexpr int input_count() const {
    int n = 0;
    while (n < max_op_inputs && inputs[n] >= 0) ++n;
    return n;
  }
  constexpr bool reads(int id) const {
    for (const int input : inputs)
      if (input == id) return true;
    return false;
  }
};

/// What must be equal between the sizes of an operation's inputs.
enum class InputRule : unsigned char {
  any,          ///< one input, or the operation's own rule
  same_size,    ///< N, H, W and C
  same_pixels,  ///< N, H and W
  gate,         ///< the second is [N, 1, 1, C] of the first
};

/// What training keeps from forward to backward, in addition to the value.
enum class Saved : unsigned char {
  nothing,
  statistics,  ///< mean, 1 / std, scale and shift: [C] each
  gate,        ///< [N, C]
  map,         ///< one number for each element of the value
};

/// What an operation can do with maps of levels (8 bits).
enum class Levels : unsigned char {
  none,   ///< nothing: its maps are floats
  moved,  ///< moves them or takes the largest: its levels stand for what those of its inputs stand for
  made,   ///< makes levels of its own
};

/// One row of the table.
struct OpInfo {
  OpKind kind = OpKind::input;
  const char* name = "";
  int least_inputs = 1, most_inputs = 1;
  InputRule inputs = InputRule::any;
  /// Extents of the value from those of the inputs; n is 0 if the operation can't take these inputs.
  Extents (*shape)(const Op& op, const Extents* inputs) = nullptr;
  Saved saved = Saved::nothing;
  Levels levels = Levels::none;
  /// The type of the ONNX node; null if the operation becomes several nodes, none, or one of several types.
  const char* onnx = nullptr;

  // For the rows of the table: each returns a copy with these fields set.
  constexpr OpInfo takes(int least, int most, InputRule rule = InputRule::any) const {
    OpInfo info = *this;
    info.least_inputs = least;
    info.most_inputs = most;
    info.inputs = rule;
    return info;
  }
  constexpr OpInfo gives(Extents (*rule)(const Op& op, const Extents* inputs)) const {
    OpInfo info = *this;
    info.shape = rule;
    return info;
  }
  constexpr OpInfo keeps(Saved what) const {
    OpInfo info = *this;
    info.saved = what;
    return info;
  }
  constexpr OpInfo with_levels(Levels what) const {
    OpInfo info = *this;
    info.levels = what;
    return info;
  }
  constexpr OpInfo is_onnx(const char* node) const {
    OpInfo info = *this;
    info.onnx = node;
    return info;
  }
};

namespace detail {
constexpr OpInfo operation(OpKind kind, const char* name) {
  OpInfo info;
  info.kind = kind;
  info.name = name;
  return info;
}
}  // namespace detail

namespace shape_rules {

constexpr Extents as_input(const Op& op, const Extents* in) {
  Extents e = in[0];
  if (e.c != op.in_channels || op.channels != e.c) return {};
  return e;
}
constexpr int windows(int size, const Op& op) {
  const long long span = static_cast<long long>(size) + 2 * op.padding - op.window;
  return span < 0 ? 0 : static_cast<int>(span / op.stride) + 1;
}
constexpr Extents of_windows(const Op& op, const Extents* in) {
  if (in[0].c != op.in_channels) return {};
  const int h = windows(in[0].h, op), w = windows(in[0].w, op);
  if (h == 0 || w == 0) return {};
  return {in[0].n, h, w, op.channels};
}
constexpr Extents one_pixel(const Op& op, const Extents* in) {
  const Extents e = as_input(op, in);
  return e.n == 0 ? Extents() : Extents{e.n, 1, 1, e.c};
}
constexpr Extents sum_of_channels(const Op& op, const Extents* in) {
  int channels = 0;
  for (int i = 0; i < op.input_count(); ++i) channels += in[i].c;
  if (channels != op.channels) return {};
  return {in[0].n, in[0].h, in[0].w, channels};
}
constexpr Extents some_channels(const Op& op, const Extents* in) {
  if (op.first_channel < 0 || op.channels < 1 || op.channels > in[0].c - op.first_channel) return {};
  return {in[0].n, in[0].h, in[0].w, op.channels};
}
constexpr Extents larger(const Op& op, const Extents* in) {
  const Extents e = as_input(op, in);
  if (e.n == 0 || op.factor < 1) return {};
  const long long h = static_cast<long long>(e.h) * op.factor, w = static_cast<long long>(e.w) * op.factor;
  constexpr long long most = 1 << 30;
  // Larger maps are refused by their number of elements anyway.
  return {e.n, static_cast<int>(h < most ? h : most), static_cast<int>(w < most ? w : most), e.c};
}
constexpr Extents as_finer_input(const Op& op, const Extents* in) {
  const bool fits = in[1].n == in[0].n && in[1].c == in[0].c && in[1].h <= in[0].h && in[1].w <= in[0].w;
  return fits ? as_input(op, in) : Extents();
}
constexpr Extents custom(const Op& op, const Extents* in) {
  Extents e = op.custom->size(in[0], op.input_count() > 1 ? in[1] : Extents());
  if (e.c == 0 && e.n > 0) e.c = op.channels;
  return e.c == op.channels ? e : Extents();
}

}  // namespace shape_rules

/// By OpKind. Without takes() an operation has one input.
inline constexpr OpInfo operations[op_kind_count] = {
    detail::operation(OpKind::input, "input").takes(0, 0).with_levels(Levels::made),
    detail::operation(OpKind::conv, "conv")
        .gives(shape_rules::of_windows)
        .keeps(Saved::statistics)
        .with_levels(Levels::made),
    detail::operation(OpKind::activation, "activation").gives(shape_rules::as_input),
    detail::operation(OpKind::max_pool, "max_pool")
        .gives(shape_rules::of_windows)
        .keeps(Saved::map)
        .with_levels(Levels::moved)
        .is_onnx("MaxPool"),
    detail::operation(OpKind::mean_hw, "mean_hw")
        .gives(shape_rules::one_pixel)
        .with_levels(Levels::made)
        .is_onnx("GlobalAveragePool"),
    detail::operation(OpKind::add, "add")
        .takes(2, 2, InputRule::same_size)
        .gives(shape_rules::as_input)
        .with_levels(Levels::made)
        .is_onnx("Add"),
    detail::operation(OpKind::scale, "scale")
        .takes(2, 2, InputRule::gate)
        .gives(shape_rules::as_input)
        .keeps(Saved::gate)
        .with_levels(Levels::made)
        .is_onnx("Mul"),
    detail::operation(OpKind::concat, "concat")
        .takes(2, max_op_inputs, InputRule::same_pixels)
        .gives(shape_rules::sum_of_channels)
        .with_levels(Levels::moved)
        .is_onnx("Concat"),
    detail::operation(OpKind::slice, "slice")
        .gives(shape_rules::some_channels)
        .with_levels(Levels::moved)
        .is_onnx("Slice"),
    detail::operation(OpKind::shuffle, "shuffle").gives(shape_rules::as_input).with_levels(Levels::moved),
    detail::operation(OpKind::dropout, "dropout")
        .gives(shape_rules::as_input)
        .keeps(Saved::map)
        .with_levels(Levels::moved),
    detail::operation(OpKind::upsample, "upsample")
        .gives(shape_rules::larger)
        .with_levels(Levels::moved)
        .is_onnx("Resize"),
    detail::operation(OpKind::add_upsampled, "add_upsampled")
        .takes(2, 2)
        .gives(shape_rules::as_finer_input)
        .with_levels(Levels::made),
    detail::operation(OpKind::custom, "custom").takes(1, 2).gives(shape_rules::custom),
};

constexpr const OpInfo& op_info(OpKind kind) { return operations[static_cast<unsigned char>(kind)]; }
constexpr const char* op_name(OpKind kind) { return op_info(kind).name; }

namespace detail {
constexpr bool operations_in_order() {
  for (int i = 0; i < op_kind_count; ++i)
    if (operations[i].kind != static_cast<OpKind>(i)) return false;
  return true;
}
static_assert(operations_in_order(), "tinyfiqa: a row of the table of operations is out of order");
}  // namespace detail

TINYFIQA_END
