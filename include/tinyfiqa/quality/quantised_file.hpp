// Weight files of 8-bit networks. Such a file has, for each convolution that reads levels:
//
//   NAME.weight         I8 [Cout][Cin / G][K][K], -63..63, with batch norm multiplied in
//   NAME.weight_scale   F16 or F32 [Cout]: the number that 1 stands for (for the first layer of levels, not of floats)
//   NAME.bias           F32 [Cout], with batch norm added
//
// and no tensors of its batch norm; everything else as in a file of floats. The levels of the values, in the order of the
// operations, are in `levels.scale` (F32; 0 for a value in floats) and `levels.zero` (U8). `levels.exponent` (I8) has a number
// for each channel of each value, in the same order: its level factor is 2 to that power. Metadata: precision = i8.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/quantised_weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// The parameter at `offset` of a network's block, or null.
inline const NamedParam* param_at(const NetworkDefinition& network, int offset) {
  for (const NamedParam& p : network.params)
    if (p.param.offset == offset && offset >= 0) return &p;
  return nullptr;
}
/// A parameter with the weights of some output channels of a convolution: of all, or of one of several heads that lie side by
/// side and are computed together.
struct LayerPart {
  const NamedParam* weight = nullptr;
  std::size_t first = 0, count = 0;  ///< output channels

  std::string name() const { return weight->name.substr(0, weight->name.rfind('.')); }
};
inline std::vector<LayerPart> layer_parts(const NetworkDefinition& network, const Op& op) {
  std::vector<LayerPart> parts;
  for (int first = 0; first < op.channels; first += static_cast<int>(parts.back().count)) {
    const NamedParam* const weight = param_at(network, op.weight + first * conv_shape(op).depth());
    parts.push_back(
        {weight, static_cast<std::size_t>(first), static_cast<std::size_t>(weight->param.extents[0])});
  }
  return parts;
}
/// Adds the parameters of a convolution and its batch norm to `list`.
inline void add_layer_params(const NetworkDefinition& network, const Op& op,
                             std::vector<const NamedParam*>& list) {
  for (const int offset :
       {op.weight, op.bias, op.norm_weight, op.norm_bias, op.running_mean, op.running_var}) {
    const int size = op.channels * (offset == op.weight ? conv_shape(op).depth() : 1);
    for (const NamedParam& p : network.params)
      if (offset >= 0 && p.param.offset >= offset && p.param.offset < offset + size) list.push_back(&p);
  }
}
/// True for a convolution whose weights an 8-bit file holds in 7 bits.
inline bool has_whole_weights(const NetworkDefinition& network, const Op& op) {
  return op.kind == OpKind::conv && op.weight >= 0 &&
         network.ops[static_cast<std::size_t>(op.inputs[0])].dtype == DType::u8;
}

/// A convolution's folded weights and bias, and the scales of its 7-bit weights.
struct FoldedLayer {
  std::vector<float> weight, bias, scale;
  const LevelScale* levels = nullptr;  ///< if it reads an image
  int depth = 0, taps = 1;

  /// What the weights of channel i of one output are multiplied by: the scale of the image's levels.
  double by(int i) const {
    return levels == nullptr ? 1.0 : static_cast<double>(levels->scale[i / taps % 3]);
  }
};
inline FoldedLayer fold_layer(const NetworkDefinition& network, int id, Span<const float> block,
                              const LevelScale& levels) {
  const Op& op = network.ops[static_cast<std::size_t>(id)];
  const Op& input = network.ops[static_cast<std::size_t>(op.inputs[0])];
  const ConvShape shape = conv_shape(network.operations(), id);
  const auto n = static_cast<std::size_t>(op.channels);
  FoldedLayer layer;
  layer.depth = shape.depth();
  layer.taps = op.window * op.window;
  layer.levels = input.kind == OpKind::input ? &levels : nullptr;
  layer.weight.resize(n * static_cast<std::size_t>(layer.depth));
  layer.bias.resize(n);
  std::vector<float> vectors(5 * n);
  BlockParams source(block.data);
  WeightKernels plain;
  plain.scale = [](float* values, std::ptrdiff_t count, double factor) {
    for (std::ptrdiff_t i = 0; i < count; ++i)
      values[i] = without_subnormals(static_cast<double>(values[i]) * factor);
  };
  fold(op, source, plain, layer.weight.data(), layer.bias.data(), vectors.data());
  if (input.level_factors >= 0)
    scale_by_inputs(op, block.data + input.level_factors, false, layer.weight.data());
  const double x_scale = layer.levels == nullptr ? static_cast<double>(input.quant.scale) : 1.0;
  for (std::size_t o = 0; o < n; ++o)
    layer.scale.push_back(static_cast<float>(
        weight_scale(layer.weight.data() + o * static_cast<std::size_t>(layer.depth), layer.depth, layer.taps,
                     layer.levels, static_cast<double>(layer.bias[o]), x_scale, op.act)));
  return layer;
}

/// Writes folded weights and bias back: batch norm does nothing from now on.
inline void unfold_layer(const NetworkDefinition& network, const Op& op, const FoldedLayer& layer,
                         Span<float> block) {
  std::copy(layer.weight.begin(), layer.weight.end(), block.data + op.weight);
  if (const int factors = network.ops[static_cast<std::size_t>(op.inputs[0])].level_factors; factors >= 0)
    scale_by_inputs(op, block.data + factors, true, block.data + op.weight);
  const auto fill = [&](int offset, float value) {
    if (offset >= 0) std::fill_n(block.data + offset, op.channels, value);
  };
  const int bias = op.has_norm() ? op.norm_bias : op.bias;
  if (op.has_norm()) fill(op.bias, 0.0f);
  fill(op.norm_weight, 1.0f);
  fill(op.running_mean, 0.0f);
  fill(op.running_var, 1.0f - op.norm_eps);
  if (bias >= 0) std::copy(layer.bias.begin(), layer.bias.end(), block.data + bias);
}

/// In `weight`, the step of each weight of a convolution in the block's floats: what one of its whole numbers stands for.
inline FoldedLayer weight_steps(const NetworkDefinition& network, int id, Span<const float> block,
                                const LevelScale& levels) {
  const Op& op = network.ops[static_cast<std::size_t>(id)];
  FoldedLayer layer = fold_layer(network, id, block, levels);
  const auto depth = static_cast<std::size_t>(layer.depth);
  for (std::size_t i = 0; i < layer.weight.size(); ++i)
    layer.weight[i] = static_cast<float>(static_cast<double>(layer.scale[i / depth]) /
                                         layer.by(static_cast<int>(i % depth)));
  if (const int factors = network.ops[static_cast<std::size_t>(op.inputs[0])].level_factors; factors >= 0)
    scale_by_inputs(op, block.data + factors, true, layer.weight.data());
  return layer;
}

/// A scale that F16 holds without a loss of bits, and is not below `scale`; others stay. (It may be below by the rounding of a
/// float: rounded weights keep their scale.)
inline float short_scale(float scale) {
  if (scale < 6.2e-5f || scale > 60000.0f) return scale;
  const std::uint16_t half = float_to_half(scale);
  const float rounded = half_to_float(half);
  return rounded >= scale * (1.0f - 1e-6f) ? rounded : half_to_float(static_cast<std::uint16_t>(half + 1));
}

}  // namespace detail

/// The name of the parameter with the level factors of all values, and of its tensor.
inline constexpr const char* level_factors_name = "levels.exponent";
inline constexpr float most_level_exponent = 30;

/// Gives all values level factors, ones at first: a parameter more.
inline void add_level_factors(NetworkDefinition& network, std::vector<float>& block) {
  NamedParam p{level_factors_name,
               {ParamKind::level_factor, 1, {0, 1, 1, 1}, static_cast<int>(block.size())}};
  for (Op& op : network.ops) {
    op.level_factors = p.param.offset + p.param.extents[0];
    p.param.extents[0] += op.channels;
  }
  block.resize(block.size() + static_cast<std::size_t>(p.param.size()), 1.0f);
  network.params.push_back(std::move(p));
}

/// True if a file holds weights of 7 bits.
inline bool has_whole_weights(const TensorFile& file) {
  const std::string* precision = find_metadata(file.metadata, "precision");
  return precision != nullptr && *precision == "i8";
}

/// Rounds the weights of an 8-bit network (set_levels()) to their 7 bits, and multiplies batch norm in. The network then is
/// what its file will hold. Convolutions without a bias and a batch norm must have none.
inline void round_weights(const NetworkDefinition& network, const LevelScale& levels, Span<float> block) {
  for (std::size_t id = 0; id < network.ops.size(); ++id) {
    const Op& op = network.ops[id];
    if (!detail::has_whole_weights(network, op)) continue;
    detail::FoldedLayer layer =
        detail::fold_layer(network, static_cast<int>(id), Span<const float>(block.data, block.size), levels);
    for (std::size_t i = 0; i < layer.weight.size(); ++i) {
      const auto depth = static_cast<std::size_t>(layer.depth);
      const double by = layer.by(static_cast<int>(i % depth)),
                   scale = static_cast<double>(detail::short_scale(layer.scale[i / depth]));
      layer.weight[i] =
          static_cast<float>(std::rint(static_cast<double>(layer.weight[i]) * by / scale) * scale / by);
    }
    detail::unfold_layer(network, op, layer, block);
  }
}

/// The tensors of the file of an 8-bit network whose weights are rounded.
inline std::vector<TensorBytes> whole_tensors(const NetworkDefinition& network, const LevelScale& levels,
                                              Span<const float> block) {
  std::vector<TensorBytes> tensors;
  std::vector<const NamedParam*> done;
  const auto add = [&](std::string name, DType dtype, std::vector<std::int64_t> shape, const auto& encode,
                       std::size_t count) {
    TensorBytes t{std::move(name), dtype, std::move(shape), {}};
    const std::size_t size = dtype_bytes(dtype);
    t.bytes.resize(count * size);
    for (std::size_t i = 0; i < count; ++i) detail::store_le(t.bytes.data() + i * size, encode(i), size);
    tensors.push_back(std::move(t));
  };
  for (std::size_t id = 0; id < network.ops.size(); ++id) {
    const Op& op = network.ops[id];
    if (!detail::has_whole_weights(network, op)) continue;
    const detail::FoldedLayer layer = detail::fold_layer(network, static_cast<int>(id), block, levels);
    const auto depth = static_cast<std::size_t>(layer.depth);
    for (const detail::LayerPart& part : detail::layer_parts(network, op)) {
      const float* const scale = layer.scale.data() + part.first;
      const auto n = static_cast<std::int64_t>(part.count);
      add(
          part.weight->name, DType::i8, detail::param_shape(part.weight->param),
          [&](std::size_t i) {
            const double w = static_cast<double>(layer.weight[part.first * depth + i]) *
                             layer.by(static_cast<int>(i % depth));
            return static_cast<std::uint32_t>(
                static_cast<std::int32_t>(std::lrint(w / static_cast<double>(scale[i / depth]))));
          },
          part.count * depth);
      const auto fits_half = [](float s) { return s >= 6.2e-5f && s <= 60000.0f; };
      const bool halves = std::all_of(scale, scale + part.count, fits_half);
      add(
          part.name() + ".weight_scale", halves ? DType::f16 : DType::f32, {n},
          [&](std::size_t i) {
            return halves ? std::uint32_t{detail::float_to_half(scale[i])} : detail::float_bits(scale[i]);
          },
          part.count);
      add(
          part.name() + ".bias", DType::f32, {n},
          [&](std::size_t i) { return detail::float_bits(layer.bias[part.first + i]); }, part.count);
    }
    detail::add_layer_params(network, op, done);
  }
  for (const NamedParam& p : network.params)
    if (p.param.kind == ParamKind::level_factor) {
      add(
          p.name, DType::i8, {p.param.size()},
          [&](std::size_t i) {
            return static_cast<std::uint32_t>(
                std::ilogb(block.data[static_cast<std::size_t>(p.param.offset) + i]));
          },
          static_cast<std::size_t>(p.param.size()));
    } else if (std::find(done.begin(), done.end(), &p) == done.end()) {
      const float* const values = block.data + p.param.offset;
      add(
          p.name, DType::f32, detail::param_shape(p.param),
          [&](std::size_t i) { return detail::float_bits(values[i]); },
          static_cast<std::size_t>(p.param.size()));
    }
  const auto ops = network.ops.size();
  add(
      "levels.scale", DType::f32, {static_cast<std::int64_t>(ops)},
      [&](std::size_t i) {
        return network.ops[i].dtype == DType::u8 ? detail::float_bits(network.ops[i].quant.scale) : 0u;
      },
      ops);
  add(
      "levels.zero", DType::u8, {static_cast<std::int64_t>(ops)},
      [&](std::size_t i) { return static_cast<std::uint32_t>(network.ops[i].quant.zero); }, ops);
  return tensors;
}

namespace detail {

/// Reads a file of whole_tensors() into a network and its block.
class WholeReader {
 public:
  WholeReader(const TensorFile& file, NetworkDefinition& network, const LevelScale& levels,
              std::vector<float>& block)
      : file_(file), network_(network), levels_(levels), block_(block) {}

  Status read() {
    Status status = read_levels();
    if (status.ok() && file_.find(level_factors_name) != nullptr) status = read_factors();
    for (std::size_t id = 0; status.ok() && id < network_.ops.size(); ++id)
      if (has_whole_weights(network_, network_.ops[id])) status = read_layer(static_cast<int>(id));
    for (const NamedParam& p : network_.params)
      if (status.ok() && p.param.kind != ParamKind::level_factor &&
          std::find(done_.begin(), done_.end(), &p) == done_.end())
        status = read_into(p.name, param_shape(p.param), param_values(Span<float>(block_), p.param));
    return status;
  }
  std::size_t tensors() const { return tensors_; }

 private:
  Status bad(const std::string& name, const char* what) const {
    return Status::error(Errc::bad_format, file_.path, ": ", in_quotes(name), ": ", what,
                         "; make the file again with tinyfiqa quantize");
  }
  Status read_into(const std::string& name, const std::vector<std::int64_t>& shape, Span<float> values) {
    const TensorEntry* const entry = file_.find(name);
    if (entry == nullptr)
      return Status::error(Errc::mismatch, file_.path, ": weights of another network; missing ",
                           in_quotes(name), "; choose the network that the file was made for");
    if (entry->shape != shape)
      return Status::error(Errc::mismatch, file_.path, ": weights of another network; found ",
                           in_quotes(name), " with shape ", shape_text(entry->shape), " instead of ",
                           shape_text(shape), "; choose the network that the file was made for");
    if (const Status status = read_floats(*entry, values); !status) return status.prefixed(file_.path, ": ");
    ++tensors_;
    for (const float value : values)
      if ((detail::float_bits(value) & 0x7f800000u) == 0x7f800000u)
        return bad(name, "contains NaN or infinity");
    return {};
  }
  Status read_levels() {
    const auto count = network_.ops.size();
    std::vector<float> scale(count), zero(count);
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(count)};
    if (Status status = read_into("levels.scale", shape, Span<float>(scale)); !status) return status;
    if (Status status = read_into("levels.zero", shape, Span<float>(zero)); !status) return status;
    for (std::size_t id = 0; id < count; ++id) {
      const float s = scale[id];
      if (s != 0.0f && !(s >= 1e-9f && s <= 1e9f))
        return bad("levels.scale", "is no scale between 1e-9 and 1e9");
      if (zero[id] < 0.0f || zero[id] > 255.0f) return bad("levels.zero", "is no level between 0 and 255");
      network_.ops[id].dtype = s == 0.0f ? DType::f32 : DType::u8;
      network_.ops[id].quant =
          s == 0.0f ? Quantisation() : Quantisation{s, static_cast<std::int32_t>(zero[id])};
    }
    return {};
  }
  Status read_factors() {
    add_level_factors(network_, block_);
    const NamedParam& p = network_.params.back();
    const Span<float> factors = param_values(Span<float>(block_), p.param);
    if (Status status = read_into(p.name, {p.param.size()}, factors); !status) return status;
    for (float& f : factors) {
      if (std::fabs(f) > most_level_exponent) return bad(p.name, "has exponents beyond -30..30");
      f = std::ldexp(1.0f, static_cast<int>(f));
    }
    // What is handed out is read without factors.
    for (const Output& output : network_.outputs) {
      const Op& op = network_.ops[static_cast<std::size_t>(output.value)];
      for (int c = 0; c < op.channels; ++c)
        if (block_[static_cast<std::size_t>(op.level_factors + c)] != 1.0f)
          return bad(p.name, "is not 0 for an output");
    }
    return {};
  }
  Status read_layer(int id) {
    const Op& op = network_.ops[static_cast<std::size_t>(id)];
    const auto n = static_cast<std::size_t>(op.channels);
    FoldedLayer layer;
    layer.depth = conv_shape(network_.operations(), id).depth();
    layer.taps = op.window * op.window;
    layer.levels =
        network_.ops[static_cast<std::size_t>(op.inputs[0])].kind == OpKind::input ? &levels_ : nullptr;
    layer.weight.resize(n * static_cast<std::size_t>(layer.depth));
    layer.bias.resize(n);
    layer.scale.resize(n);
    for (const LayerPart& part : layer_parts(network_, op))
      if (const Status status = read_part(part, layer); !status) return status;
    for (std::size_t i = 0; i < layer.weight.size(); ++i) {
      const auto depth = static_cast<std::size_t>(layer.depth);
      layer.weight[i] = static_cast<float>(static_cast<double>(layer.weight[i]) *
                                           static_cast<double>(layer.scale[i / depth]) /
                                           layer.by(static_cast<int>(i % depth)));
    }
    unfold_layer(network_, op, layer, Span<float>(block_));
    add_layer_params(network_, op, done_);
    return {};
  }
  /// The whole numbers, scales and biases of some of a layer's channels.
  Status read_part(const LayerPart& part, FoldedLayer& layer) {
    const auto depth = static_cast<std::size_t>(layer.depth);
    const Span<float> weight(layer.weight.data() + part.first * depth, part.count * depth),
        scale(layer.scale.data() + part.first, part.count), bias(layer.bias.data() + part.first, part.count);
    const std::string& name = part.weight->name;
    const std::vector<std::int64_t> channels{static_cast<std::int64_t>(part.count)};
    Status status = read_into(name, param_shape(part.weight->param), weight);
    if (status.ok()) status = read_into(part.name() + ".weight_scale", channels, scale);
    if (status.ok()) status = read_into(part.name() + ".bias", channels, bias);
    if (!status) return status;
    for (const float s : scale)
      if (!(s >= 0.0f && s <= 1e9f)) return bad(part.name() + ".weight_scale", "is no scale of at most 1e9");
    for (const float w : weight)
      if (std::fabs(w) > static_cast<float>(largest_weight)) return bad(name, "has weights beyond -63..63");
    return {};
  }

  const TensorFile& file_;
  NetworkDefinition& network_;
  const LevelScale& levels_;
  std::vector<float>& block_;
  std::vector<const NamedParam*> done_;
  std::size_t tensors_ = 0;
};

}  // namespace detail

/// Reads the file of an 8-bit network: the levels of its values into `network`, its weights as floats into `block`
/// (block_size() floats, which become more if the file has level factors). `levels` is the input's scale of levels. Errors: mismatch, bad_format; then both are undefined.
inline Result<LoadReport> load_whole_weights(const TensorFile& file, NetworkDefinition& network,
                                             const LevelScale& levels, std::vector<float>& block) {
  detail::WholeReader reader(file, network, levels, block);
  if (const Status status = reader.read(); !status) return status;
  LoadReport report;
  report.notes = file.notes;
  report.loaded = reader.tensors();
  return report;
}

TINYFIQA_END
