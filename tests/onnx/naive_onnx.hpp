// Runs ONNX graphs by the definitions of the operators, for comparison with exported files. It knows the operators
// that tinyfiqa writes, on float tensors [N, C, ...] (levels are floats too), and uses nothing of tinyfiqa.
#pragma once

#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace naive_onnx {

using Shape = std::vector<std::int64_t>;

struct Tensor {
  Shape shape;
  std::vector<float> v;
  std::int64_t dim(std::size_t i) const { return i < shape.size() ? shape[i] : 1; }
};

inline std::int64_t count(const Shape& shape, std::size_t from = 0) {
  std::int64_t n = 1;
  for (std::size_t i = from; i < shape.size(); ++i) n *= shape[i];
  return n;
}

inline Tensor zeros(const Shape& shape) {
  return {shape, std::vector<float>(static_cast<std::size_t>(count(shape)))};
}

inline const onnx::AttributeProto& attribute(const onnx::NodeProto& node, const char* name) {
  for (const auto& a : node.attribute())
    if (a.name() == name) return a;
  throw std::runtime_error(node.name() + " has no attribute " + name);
}
inline std::int64_t ints(const onnx::NodeProto& node, const char* name, int i) {
  return attribute(node, name).ints(i);
}

/// Calls f(y's index, x's plane, ky, kx, x's index) for every pair of a window operator's output and input
/// pixel.
struct Window {
  std::int64_t k, stride, pad, h, w, out_h, out_w;
  Window(const onnx::NodeProto& node, const Tensor& x)
      : k(ints(node, "kernel_shape", 0)),
        stride(ints(node, "strides", 0)),
        pad(ints(node, "pads", 0)),
        h(x.dim(2)),
        w(x.dim(3)),
        out_h((h + 2 * pad - k) / stride + 1),
        out_w((w + 2 * pad - k) / stride + 1) {}
  template <class F>
  void each(F&& f) const {
    for (std::int64_t y = 0; y < out_h; ++y)
      for (std::int64_t x = 0; x < out_w; ++x)
        for (std::int64_t ky = 0; ky < k; ++ky)
          for (std::int64_t kx = 0; kx < k; ++kx) {
            const std::int64_t row = y * stride + ky - pad, col = x * stride + kx - pad;
            if (row >= 0 && row < h && col >= 0 && col < w)
              f(static_cast<std::size_t>(y * out_w + x), static_cast<std::size_t>(ky * k + kx),
                static_cast<std::size_t>(row * w + col));
          }
  }
};

inline Tensor conv(const onnx::NodeProto& node, const Tensor& x, const Tensor& weight, const Tensor* bias) {
  const Window window(node, x);
  const std::int64_t groups = attribute(node, "group").i(), cout = weight.dim(0), cin = weight.dim(1);
  Tensor y = zeros({x.dim(0), cout, window.out_h, window.out_w});
  for (std::int64_t n = 0; n < x.dim(0); ++n)
    for (std::int64_t o = 0; o < cout; ++o) {
      std::vector<double> sums(static_cast<std::size_t>(window.out_h * window.out_w),
                               bias ? static_cast<double>(bias->v[static_cast<std::size_t>(o)]) : 0.0);
      for (std::int64_t i = 0; i < cin; ++i) {
        const std::int64_t channel = o / (cout / groups) * cin + i;
        const float* from = &x.v[static_cast<std::size_t>((n * x.dim(1) + channel) * window.h * window.w)];
        const float* filter = &weight.v[static_cast<std::size_t>((o * cin + i) * window.k * window.k)];
        window.each([&](std::size_t p, std::size_t k, std::size_t q) {
          sums[p] += static_cast<double>(filter[k]) * static_cast<double>(from[q]);
        });
      }
      std::transform(sums.begin(), sums.end(),
                     y.v.begin() + (n * cout + o) * static_cast<std::int64_t>(sums.size()),
                     [](double sum) { return static_cast<float>(sum); });
    }
  return y;
}

inline Tensor max_pool(const onnx::NodeProto& node, const Tensor& x) {
  const Window window(node, x);
  Tensor y = zeros({x.dim(0), x.dim(1), window.out_h, window.out_w});
  std::fill(y.v.begin(), y.v.end(), -INFINITY);
  for (std::int64_t plane = 0; plane < x.dim(0) * x.dim(1); ++plane) {
    const float* from = &x.v[static_cast<std::size_t>(plane * window.h * window.w)];
    float* to = &y.v[static_cast<std::size_t>(plane * window.out_h * window.out_w)];
    window.each([&](std::size_t p, std::size_t, std::size_t q) { to[p] = std::fmax(to[p], from[q]); });
  }
  return y;
}

/// y = x weight^T + bias
inline Tensor gemm(const onnx::NodeProto& node, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (attribute(node, "transB").i() != 1) throw std::runtime_error("Gemm: transB");
  Tensor y = zeros({x.dim(0), weight.dim(0)});
  const auto in = static_cast<std::size_t>(weight.dim(1)), out = static_cast<std::size_t>(weight.dim(0));
  for (std::size_t i = 0; i < y.v.size(); ++i) {
    double sum = static_cast<double>(bias.v[i % out]);
    for (std::size_t k = 0; k < in; ++k)
      sum += static_cast<double>(x.v[i / out * in + k]) * static_cast<double>(weight.v[i % out * in + k]);
    y.v[i] = static_cast<float>(sum);
  }
  return y;
}

/// The channel of an element of [N, C, ...].
inline std::size_t channel(const Tensor& x, std::size_t i) {
  return i / static_cast<std::size_t>(count(x.shape, 2)) % static_cast<std::size_t>(x.dim(1));
}

inline Tensor batch_norm(const onnx::NodeProto& node, Tensor x, const std::vector<const Tensor*>& in) {
  const float eps = attribute(node, "epsilon").f();
  for (std::size_t i = 0; i < x.v.size(); ++i) {
    const std::size_t c = channel(x, i);
    x.v[i] = (x.v[i] - in[3]->v[c]) / std::sqrt(in[4]->v[c] + eps) * in[1]->v[c] + in[2]->v[c];
  }
  return x;
}

/// x with y repeated along the axes where it has extent 1; y's shape is x's, or [N, C, 1, 1], or
/// [C, 1, 1], or [C] if x is a matrix, or [N, 1, 1, 1].
inline Tensor broadcast(const Tensor& y, const Tensor& x) {
  if (y.shape == x.shape) return y;
  const Shape gate{x.dim(0), x.dim(1), 1, 1}, slope{x.dim(1), 1, 1};
  const bool row = x.shape.size() == 2 && y.shape == Shape{x.dim(1)};
  const bool filters = y.shape == Shape{x.dim(0), 1, 1, 1};
  if (y.shape != gate && y.shape != slope && !row && !filters)
    throw std::runtime_error("these shapes do not broadcast");
  Tensor full = zeros(x.shape);
  for (std::size_t i = 0; filters && i < full.v.size(); ++i)
    full.v[i] = y.v[i / static_cast<std::size_t>(count(x.shape, 1))];
  if (filters) return full;
  for (std::size_t i = 0; i < full.v.size(); ++i)
    full.v[i] = y.v[i / static_cast<std::size_t>(count(x.shape, 2)) % y.v.size()];
  return full;
}

inline Tensor pointwise(Tensor x, const std::function<float(float)>& f) {
  std::transform(x.v.begin(), x.v.end(), x.v.begin(), f);
  return x;
}
inline Tensor pointwise(const Tensor& x, const Tensor& b, const std::function<float(float, float)>& f) {
  Tensor y = broadcast(b, x);
  std::transform(x.v.begin(), x.v.end(), y.v.begin(), y.v.begin(), f);
  return y;
}

inline Tensor mean_hw(const Tensor& x) {
  Tensor y = zeros({x.dim(0), x.dim(1), 1, 1});
  const auto plane = static_cast<std::size_t>(count(x.shape, 2));
  for (std::size_t i = 0; i < y.v.size(); ++i) {
    double sum = 0;
    for (std::size_t p = 0; p < plane; ++p) sum += static_cast<double>(x.v[i * plane + p]);
    y.v[i] = static_cast<float>(sum / static_cast<double>(plane));
  }
  return y;
}

inline Tensor reshape(Tensor x, const Shape& to) {
  Shape shape = to;
  for (std::size_t i = 0; i < to.size(); ++i)
    if (to[i] == 0) shape[i] = x.shape[i];
  if (count(shape) != count(x.shape)) throw std::runtime_error("Reshape to another size");
  x.shape = shape;
  return x;
}

/// Exchanges axes 1 and 2, as a channel shuffle does.
inline Tensor transpose(const onnx::NodeProto& node, const Tensor& x) {
  const Shape turned{0, 2, 1, 3, 4};
  for (int i = 0; i < 5; ++i)
    if (ints(node, "perm", i) != turned[static_cast<std::size_t>(i)])
      throw std::runtime_error("Transpose: perm");
  Tensor y = x;
  std::swap(y.shape[1], y.shape[2]);
  const std::int64_t plane = count(x.shape, 3);
  for (std::int64_t n = 0; n < x.dim(0); ++n)
    for (std::int64_t a = 0; a < x.dim(1); ++a)
      for (std::int64_t b = 0; b < x.dim(2); ++b)
        std::copy_n(&x.v[static_cast<std::size_t>(((n * x.dim(1) + a) * x.dim(2) + b) * plane)], plane,
                    &y.v[static_cast<std::size_t>(((n * x.dim(2) + b) * x.dim(1) + a) * plane)]);
  return y;
}

/// Channels first .. end - 1 of x go to channels `at` and on of y.
inline void copy_channels(const Tensor& x, std::int64_t first, std::int64_t end, Tensor& y, std::int64_t at) {
  const std::int64_t plane = count(x.shape, 2);
  for (std::int64_t n = 0; n < x.dim(0); ++n)
    std::copy_n(&x.v[static_cast<std::size_t>((n * x.dim(1) + first) * plane)], (end - first) * plane,
                &y.v[static_cast<std::size_t>((n * y.dim(1) + at) * plane)]);
}

inline Tensor slice(const Tensor& x, std::int64_t first, std::int64_t end) {
  Shape shape = x.shape;
  shape[1] = end - first;
  Tensor y = zeros(shape);
  copy_channels(x, first, end, y, 0);
  return y;
}

/// Along the first axis: of weights.
inline Tensor append(const std::vector<const Tensor*>& in) {
  Tensor y{in[0]->shape, {}};
  y.shape[0] = 0;
  for (const Tensor* x : in) {
    y.shape[0] += x->shape[0];
    y.v.insert(y.v.end(), x->v.begin(), x->v.end());
  }
  return y;
}

inline Tensor concat(const std::vector<const Tensor*>& in) {
  Shape shape = in[0]->shape;
  for (std::size_t i = 1; i < in.size(); ++i) shape[1] += in[i]->dim(1);
  Tensor y = zeros(shape);
  std::int64_t at = 0;
  for (const Tensor* x : in) {
    copy_channels(*x, 0, x->dim(1), y, at);
    at += x->dim(1);
  }
  return y;
}

/// Nearest, scales [1, 1, s, s]: y[h, w] = x[floor(h / s), floor(w / s)].
inline Tensor resize(const onnx::NodeProto& node, const Tensor& x, const Tensor& scales) {
  if (attribute(node, "mode").s() != "nearest" || attribute(node, "nearest_mode").s() != "floor" ||
      attribute(node, "coordinate_transformation_mode").s() != "asymmetric")
    throw std::runtime_error("Resize: another kind");
  if (scales.v.size() != 4 || scales.v[0] != 1 || scales.v[1] != 1)
    throw std::runtime_error("Resize: scales");
  const auto h = static_cast<std::int64_t>(static_cast<float>(x.dim(2)) * scales.v[2]),
             w = static_cast<std::int64_t>(static_cast<float>(x.dim(3)) * scales.v[3]);
  Tensor y = zeros({x.dim(0), x.dim(1), h, w});
  for (std::int64_t i = 0; i < count(y.shape); ++i) {
    const std::int64_t plane = i / (h * w), row = i / w % h, col = i % w;
    const auto from_row = static_cast<std::int64_t>(static_cast<float>(row) / scales.v[2]),
               from_col = static_cast<std::int64_t>(static_cast<float>(col) / scales.v[3]);
    y.v[static_cast<std::size_t>(i)] =
        x.v[static_cast<std::size_t>((plane * x.dim(2) + from_row) * x.dim(3) + from_col)];
  }
  return y;
}

/// Zeros around the rows and columns; pads: all axes' beginnings, then their ends.
inline Tensor pad(const Tensor& x, const Shape& pads) {
  if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0)
    throw std::runtime_error("Pad: another kind");
  const std::int64_t h = x.dim(2), w = x.dim(3);
  Tensor y = zeros({x.dim(0), x.dim(1), h + pads[2] + pads[6], w + pads[3] + pads[7]});
  for (std::int64_t row = 0; row < x.dim(0) * x.dim(1) * h; ++row)
    std::copy_n(
        &x.v[static_cast<std::size_t>(row * w)], w,
        &y.v[static_cast<std::size_t>(((row / h) * y.dim(2) + pads[2] + row % h) * y.dim(3) + pads[3])]);
  return y;
}

/// Levels 0..255 for one scale and zero: halves to the even number, then limited.
inline Tensor quantize(const Tensor& x, const Tensor& scale, const Tensor& zero) {
  if (scale.v.size() != 1 || zero.v.size() != 1)
    throw std::runtime_error("QuantizeLinear: one scale a tensor");
  return pointwise(x, [&](float v) {
    return std::fmax(0.0f, std::fmin(255.0f, std::nearbyint(v / scale.v[0]) + zero.v[0]));
  });
}

/// Numbers of levels for one scale and zero, or of weights or biases for a scale of each of the first axis.
inline Tensor dequantize(const onnx::NodeProto& node, Tensor x, const std::vector<const Tensor*>& in) {
  const std::size_t rows = in[1]->v.size();
  if (rows > 1 && (attribute(node, "axis").i() != 0 || in[1]->shape != Shape{x.dim(0)}))
    throw std::runtime_error("DequantizeLinear: another axis");
  if (in.size() > 2 && in[2]->shape != in[1]->shape) throw std::runtime_error("DequantizeLinear: zeros");
  for (std::size_t i = 0; i < x.v.size(); ++i) {
    const std::size_t row = i / (x.v.size() / rows);
    x.v[i] = (x.v[i] - (in.size() > 2 ? in[2]->v[row] : 0.0f)) * in[1]->v[row];
  }
  return x;
}

inline Tensor run_node(const onnx::NodeProto& node, const std::vector<const Tensor*>& in,
                       const std::map<std::string, Shape>& constants) {
  const std::string& kind = node.op_type();
  const Tensor& x = *in[0];
  const auto constant = [&](int i) { return constants.at(node.input(i)); };
  if (kind == "Conv") return conv(node, x, *in[1], in.size() > 2 ? in[2] : nullptr);
  if (kind == "Gemm") return gemm(node, x, *in[1], *in[2]);
  if (kind == "BatchNormalization") return batch_norm(node, x, in);
  if (kind == "Relu") return pointwise(x, [](float v) { return std::fmax(v, 0.0f); });
  if (kind == "Sigmoid") return pointwise(x, [](float v) { return 1 / (1 + std::exp(-v)); });
  if (kind == "HardSigmoid") {
    const float alpha = attribute(node, "alpha").f(), beta = attribute(node, "beta").f();
    return pointwise(x, [=](float v) { return std::fmax(0.0f, std::fmin(1.0f, alpha * v + beta)); });
  }
  if (kind == "LeakyRelu") {
    const float slope = attribute(node, "alpha").f();
    return pointwise(x, [slope](float v) { return v > 0 ? v : slope * v; });
  }
  if (kind == "PRelu")
    return pointwise(x, *in[1], [](float v, float slope) { return v > 0 ? v : slope * v; });
  if (kind == "Add") return pointwise(x, *in[1], std::plus<float>());
  if (kind == "Mul") return pointwise(x, *in[1], std::multiplies<float>());
  if (kind == "MaxPool") return max_pool(node, x);
  if (kind == "GlobalAveragePool") return mean_hw(x);
  if (kind == "Flatten") return reshape(x, {x.dim(0), count(x.shape, 1)});
  if (kind == "Reshape") return reshape(x, constant(1));
  if (kind == "Transpose") return transpose(node, x);
  if (kind == "Concat") return attribute(node, "axis").i() == 0 ? append(in) : concat(in);
  if (kind == "Resize") return resize(node, x, *in[1]);
  if (kind == "Identity" || kind == "Cast") return x;  // whole numbers are floats here
  if (kind == "Pad") return pad(x, constant(1));
  if (kind == "QuantizeLinear") return quantize(x, *in[1], *in[2]);
  if (kind == "DequantizeLinear") return dequantize(node, x, in);
  if (kind == "Slice" && constant(3) == Shape{1}) return slice(x, constant(1)[0], constant(2)[0]);
  throw std::runtime_error("no operator " + kind + " here");
}

/// An initialiser's numbers as floats, which hold whole numbers up to 2^24 exactly.
template <class T>
void read_raw(const onnx::TensorProto& t, Tensor& to) {
  if (t.raw_data().size() != to.v.size() * sizeof(T)) throw std::runtime_error(t.name() + ": bytes");
  for (std::size_t i = 0; i < to.v.size(); ++i) {
    T number;
    std::memcpy(&number, t.raw_data().data() + i * sizeof(T), sizeof(T));
    to.v[i] = static_cast<float>(number);
  }
}

/// All values of the graph by name, for its one input. Throws for what is not known here, or refers to nothing.
inline std::map<std::string, Tensor> run_all(const onnx::GraphProto& graph, const Tensor& image) {
  std::map<std::string, Tensor> values{{graph.input(0).name(), image}};
  std::map<std::string, Shape> constants;
  for (const auto& t : graph.initializer()) {
    if (t.data_type() == onnx::TensorProto::INT64) {
      constants[t.name()] = {t.int64_data().begin(), t.int64_data().end()};
      continue;
    }
    Tensor& value = values[t.name()] = zeros({t.dims().begin(), t.dims().end()});
    if (t.float_data_size() > 0) {
      value.v.assign(t.float_data().begin(), t.float_data().end());
      continue;
    }
    switch (t.data_type()) {
      case onnx::TensorProto::FLOAT:
        read_raw<float>(t, value);
        break;
      case onnx::TensorProto::INT8:
        read_raw<std::int8_t>(t, value);
        break;
      case onnx::TensorProto::UINT8:
        read_raw<std::uint8_t>(t, value);
        break;
      case onnx::TensorProto::INT32:
        read_raw<std::int32_t>(t, value);
        break;
      default:
        throw std::runtime_error(t.name() + ": its type");
    }
  }
  for (const auto& node : graph.node()) {
    std::vector<const Tensor*> in;
    for (const auto& name : node.input())
      if (!name.empty() && constants.count(name) == 0) in.push_back(&values.at(name));
    Tensor out = run_node(node, in, constants);
    if (!values.emplace(node.output(0), std::move(out)).second)
      throw std::runtime_error(node.output(0) + " is written twice");
  }
  return values;
}

/// The graph's first output.
inline Tensor run(const onnx::GraphProto& graph, const Tensor& image) {
  return run_all(graph, image).at(graph.output(0).name());
}

}  // namespace naive_onnx
