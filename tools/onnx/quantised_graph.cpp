// 8-bit networks in ONNX's QDQ form: QuantizeLinear rounds floats to levels, and DequantizeLinear makes floats of them again.
// Engines with 8-bit kernels compute what is between these nodes in 8 bits, others in floats.
//
//   image -> Mul, Add, Pad, Add -> QuantizeLinear -> DequantizeLinear --.
//   weight, int8 -> DequantizeLinear -------------------------------- Conv -> Relu -> QuantizeLinear -> DequantizeLinear -> ...
//   bias, int32 -> DequantizeLinear ----------------------------------'
//
// Engines have kernels for one scale a map. So a value's floats are those that its levels stand for without level factors; the
// factors are part of weights and biases, as in our kernels (docs/numerics.md).
//
// What our kernels do not round is not rounded here either: sums in front of hswish, and of a convolution that is added to another
// map. ONNX Runtime computes these convolutions in floats, and would dequantise their weights in each run. Their weights are
// written with Cast and Mul, which it computes once, when it loads the file.
#include "onnx/node_attributes.hpp"
#include "onnx/onnx_graph.hpp"

#include <tinyfiqa/quality/quantised_file.hpp>
#include <tinyfiqa/runtime/quantised_weights.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

using namespace tinyfiqa;

namespace {

template <class T>
constexpr int data_type = std::is_same_v<T, float>          ? onnx::TensorProto::FLOAT
                          : std::is_same_v<T, std::int8_t>  ? onnx::TensorProto::INT8
                          : std::is_same_v<T, std::uint8_t> ? onnx::TensorProto::UINT8
                                                            : onnx::TensorProto::INT32;

/// Adds a constant. An empty shape is that of a single number. Returns its name.
template <class T>
std::string add_tensor(onnx::GraphProto& graph, std::string name, const std::vector<long long>& shape,
                       const std::vector<T>& numbers) {
  onnx::TensorProto& t = *graph.add_initializer();
  t.set_name(std::move(name));
  t.set_data_type(data_type<T>);
  for (const long long extent : shape) t.add_dims(extent);
  t.set_raw_data(numbers.data(), numbers.size() * sizeof(T));
  return t.name();
}

}  // namespace

OnnxGraph::WholeLayer OnnxGraph::whole_layer(int id) const {
  const Op& op = network_.ops[static_cast<std::size_t>(id)];
  const auto folded = tinyfiqa::detail::fold_layer(network_, id, model_.block(), model_.input().levels);
  FoldedConv conv;
  conv.shape = conv_shape(network_.operations(), id);
  conv.weight = folded.weight.data();
  conv.bias = folded.bias.data();
  conv.levels = folded.levels;
  conv.x = network_.ops[static_cast<std::size_t>(op.inputs[0])].quant;
  WholeLayer layer;
  layer.weight.resize(folded.weight.size());
  layer.bias.resize(folded.bias.size());
  std::vector<float> rows(3 * folded.bias.size());
  quantise_conv(conv, {layer.weight.data(), layer.bias.data(), rows.data()});
  layer.scale = folded.scale;
  const long long n = op.channels, depth = folded.depth, window = op.window;
  const NamedParam* const weight = param_at(op.weight);
  layer.shape = {n, depth};
  if (weight == nullptr || weight->param.rank != 2)
    layer.shape = {n, depth / (window * window), window, window};
  if (folded.levels != nullptr) return layer;  // it multiplies the levels themselves; the mean is in the bias
  layer.x_scale = conv.x.scale;
  for (std::size_t i = 0; i < layer.weight.size(); ++i)
    layer.bias[i / static_cast<std::size_t>(depth)] += conv.x.zero * layer.weight[i];
  return layer;
}

bool OnnxGraph::reads_levels(const Op& op) const {
  return op.kind == OpKind::conv && network_.ops[static_cast<std::size_t>(op.inputs[0])].dtype == DType::u8;
}

bool OnnxGraph::is_in_levels(const NamedParam& p) const {
  if (p.param.kind == ParamKind::level_factor) return true;
  return std::any_of(network_.ops.begin(), network_.ops.end(), [&](const Op& op) {
    if (!reads_levels(op)) return false;
    const auto has = [&](int first, int count) {
      return first >= 0 && p.param.offset >= first && p.param.offset < first + count;
    };
    return has(op.weight, op.channels * conv_shape(op).depth()) || has(op.bias, op.channels) ||
           p.param.offset == op.norm_weight || p.param.offset == op.norm_bias ||
           p.param.offset == op.running_mean || p.param.offset == op.running_var;
  });
}

void OnnxGraph::note_fused_sums(const Plan& plan) {
  fused_sums_.assign(network_.ops.size(), false);
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& step = plan.steps[i];
    if (network_.ops[static_cast<std::size_t>(step.op)].kind == OpKind::add && step.first_op != step.op)
      fused_sums_[static_cast<std::size_t>(step.first_op)] = true;
  }
}

bool OnnxGraph::is_rounded_at_once(int id) const {
  const Op& op = network_.ops[static_cast<std::size_t>(id)];
  if (op.dtype != DType::u8 || has_fused_sum(id)) return false;
  return op.act == Act::none || (op.act == Act::relu && op.quant.zero == 0);
}

void OnnxGraph::name_levels(const Op& op, const Value& in, Value& out) {
  if (op_info(op.kind).levels == Levels::moved) {  // the same levels
    out.scale = in.scale;
    out.zero = in.zero;
    return;
  }
  out.scale = add_tensor<float>(graph_, layer_ + "/scale", {}, {op.quant.scale});
  out.zero =
      add_tensor<std::uint8_t>(graph_, layer_ + "/zero", {}, {static_cast<std::uint8_t>(op.quant.zero)});
}

void OnnxGraph::write_levels(const std::string& scale, const std::string& zero, const std::string& what) {
  node("QuantizeLinear", {last_output(), scale, zero}, what.c_str());
  node("DequantizeLinear", {last_output(), scale, zero}, (what + "_as_floats").c_str());
}

std::vector<std::string> OnnxGraph::write_whole(const WholeLayer& layer) {
  const long long n = layer.shape[0];
  const std::string weight = layer_ + ".weight", bias = layer_ + ".bias";
  std::vector<float> bias_scale;
  for (const float scale : layer.scale) bias_scale.push_back(scale * layer.x_scale);
  // (ONNX Runtime's kernels for Gemm need the zeros, though they are the default.)
  attribute(node("DequantizeLinear",
                 {add_tensor(graph_, weight, layer.shape, layer.weight),
                  add_tensor(graph_, weight + "_scale", {n}, layer.scale),
                  add_tensor(graph_, weight + "_zero", {n}, std::vector<std::int8_t>(layer.scale.size()))},
                 "weight"),
            "axis", 0LL);
  const std::string numbers = last_output();
  attribute(
      node("DequantizeLinear",
           {add_tensor(graph_, bias, {n}, layer.bias), add_tensor(graph_, bias + "_scale", {n}, bias_scale)},
           "bias"),
      "axis", 0LL);
  return {numbers, last_output()};
}

std::vector<std::string> OnnxGraph::write_foldable(const WholeLayer& layer) {
  const long long n = layer.shape[0];
  const std::string weight = layer_ + ".weight";
  std::vector<float> bias;
  for (std::size_t o = 0; o < layer.bias.size(); ++o)
    bias.push_back(static_cast<float>(layer.bias[o]) * layer.scale[o] * layer.x_scale);
  attribute(node("Cast", {add_tensor(graph_, weight, layer.shape, layer.weight)}, "weight_steps"), "to",
            static_cast<long long>(onnx::TensorProto::FLOAT));
  node("Mul", {last_output(), add_tensor(graph_, weight + "_scale", {n, 1, 1, 1}, layer.scale)}, "weight");
  const std::string numbers = last_output();
  return {numbers, add_tensor(graph_, layer_ + ".bias", {n}, bias)};
}

/// The padding is the level of the mean in each channel, as in our kernels. Conv would pad all channels with one level. So the
/// border is added where 0 stands for these levels.
void OnnxGraph::write_image_levels(const Op& op) {
  const LevelScale& levels = model_.input().levels;
  std::vector<float> std, above, level;
  for (int c = 0; c < 3; ++c) {
    std.push_back(1 / levels.scale[c]);
    level.push_back(to_level(levels.mean[c], LevelRange()));
    above.push_back(levels.mean[c] - level.back());
  }
  const auto for_channels = [&](const char* kind, const std::string& x, const char* what,
                                const std::vector<float>& numbers) {
    node(kind, {x, add_tensor(graph_, layer_ + "/" + what, {3, 1, 1}, numbers)},
         (std::string("image_") + what).c_str());
  };
  for_channels("Mul", "image", "std", std);
  for_channels("Add", last_output(), "mean_above_level", above);
  if (const long long p = op.padding; p > 0)
    node("Pad", {last_output(), constant("pads", {0, 0, p, p, 0, 0, p, p})});
  for_channels("Add", last_output(), "mean_level", level);
  write_levels(add_tensor<float>(graph_, layer_ + "/image_scale", {}, {1.0f}),
               add_tensor<std::uint8_t>(graph_, layer_ + "/image_zero", {}, {0}), "image_levels");
}

Status OnnxGraph::write_level_conv(int id, const Value& x, bool& flat) {
  const Op& op = network_.ops[static_cast<std::size_t>(id)];
  WholeLayer layer = whole_layer(id);
  const bool factors = op.dtype == DType::u8 && op.level_factors >= 0;
  const float* const factor = factors ? model_.block().data + op.level_factors : nullptr;
  // ReLU and PReLU pass a positive factor through. These two do not: their results are divided.
  const bool late = op.act == Act::hswish || op.act == Act::hsigmoid;
  for (std::size_t o = 0; factors && !late && o < layer.scale.size(); ++o) layer.scale[o] /= factor[o];

  Op padded = op;
  Value from = x;
  if (network_.ops[static_cast<std::size_t>(op.inputs[0])].kind == OpKind::input) {
    write_image_levels(op);
    from.name = last_output();
    padded.padding = 0;
  }
  const bool linear = layer.shape.size() == 2;
  const auto params = linear || is_rounded_at_once(id) ? write_whole(layer) : write_foldable(layer);
  if (const Status status = write_sums(padded, from, params, flat); !status.ok()) return status;
  write_act(op, last_output());
  if (factors && late) write_division(factor, op.channels, flat);
  return {};
}

void OnnxGraph::write_division(const float* factor, int channels, bool flat) {
  std::vector<float> by;
  for (int c = 0; c < channels; ++c) by.push_back(1 / factor[c]);
  if (std::all_of(by.begin(), by.end(), [](float f) { return f == 1.0f; })) return;
  std::vector<long long> shape{channels, 1, 1};
  if (flat) shape = {channels};
  node("Mul", {last_output(), add_tensor(graph_, layer_ + "/by", shape, by)}, "finer");
}
