#include "onnx/onnx_graph.hpp"

#include <tinyfiqa/nn/shape.hpp>

#include "onnx/layer_name.hpp"
#include "onnx/node_attributes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

using namespace tinyfiqa;

namespace {

void window_attributes(onnx::NodeProto& node, const Op& op) {
  attribute(node, "kernel_shape", {op.window, op.window});
  attribute(node, "strides", {op.stride, op.stride});
  attribute(node, "pads", {op.padding, op.padding, op.padding, op.padding});
}

/// y[h, w] = x[h / scale_h, w / scale_w]: without these attributes, engines round and shift in ways of their own.
void upsample_attributes(onnx::NodeProto& node, onnx::TensorProto& scales, float scale_h, float scale_w) {
  scales.set_name(node.name() + "/scales");
  scales.set_data_type(onnx::TensorProto::FLOAT);
  scales.add_dims(4);
  for (const float scale : {1.0f, 1.0f, scale_h, scale_w}) scales.add_float_data(scale);
  node.add_input("");  // the region of interest, which other modes have
  node.add_input(scales.name());
  attribute(node, "mode", "nearest");
  attribute(node, "coordinate_transformation_mode", "asymmetric");
  attribute(node, "nearest_mode", "floor");
}

/// A float tensor's name and axes; extent 0 is the batch of any size.
void describe_value(onnx::ValueInfoProto& info, const char* name, const std::vector<int>& extents) {
  info.set_name(name);
  onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const int extent : extents) {
    auto& axis = *type.mutable_shape()->add_dim();
    if (extent == 0)
      axis.set_dim_param("batch");
    else
      axis.set_dim_value(extent);
  }
}

}  // namespace

onnx::NodeProto& OnnxGraph::node(const char* kind, const std::vector<std::string>& inputs, const char* what) {
  onnx::NodeProto& n = *graph_.add_node();
  n.set_op_type(kind);
  n.set_name(layer_ + "/" + (what == nullptr ? kind : what));
  for (const std::string& name : inputs) n.add_input(name);
  n.add_output(n.name());
  return n;
}

std::string OnnxGraph::constant(const char* what, const std::vector<long long>& numbers) {
  onnx::TensorProto& t = *graph_.add_initializer();
  t.set_name(layer_ + "/" + what);
  t.set_data_type(onnx::TensorProto::INT64);
  t.add_dims(static_cast<long long>(numbers.size()));
  for (const long long number : numbers) t.add_int64_data(number);
  return t.name();
}

const NamedParam* OnnxGraph::param_at(int offset) const {
  for (const NamedParam& p : network_.params)
    if (p.param.offset == offset) return &p;
  return nullptr;
}

std::string OnnxGraph::param_name(int offset) const {
  const NamedParam* const p = param_at(offset);
  return p == nullptr ? "" : p->name;  // "": an optional input that is left out
}

std::string OnnxGraph::joined_params(const char* what, int offset, int channels) {
  std::vector<std::string> names;
  for (int done = 0; done < channels;) {
    const NamedParam* const p = param_at(offset);
    if (p == nullptr) break;
    names.push_back(p->name);
    done += p->param.extents[0];
    offset += p->param.size();
  }
  if (names.size() == 1) return names[0];
  onnx::NodeProto& n = node("Concat", names, what);
  attribute(n, "axis", 0LL);
  return n.name();
}

void OnnxGraph::write_params() {
  const Span<const float> block = model_.block();
  for (const NamedParam& p : network_.params) {
    if (is_in_levels(p)) continue;
    onnx::TensorProto& t = *graph_.add_initializer();
    t.set_name(p.name);
    t.set_data_type(onnx::TensorProto::FLOAT);
    for (int i = 0; i < p.param.rank; ++i) t.add_dims(p.param.extents[i]);
    // PRelu broadcasts its slopes as NumPy does, so they stand along the channels' axis of [N, C, H, W].
    for (int i = 0; p.param.kind == ParamKind::slope && i < 2; ++i) t.add_dims(1);
    const Span<const float> values = param_values(block, p.param);
    t.set_raw_data(values.data, values.size * sizeof(float));
  }
}

void OnnxGraph::write_ends() {
  describe_value(*graph_.add_input(), "image", {input_.batch, 3, input_.height, input_.width});
  for (const Output& output : network_.outputs) {
    if (output.on_request) continue;
    const Value& v = value(output.value);
    std::vector<int> extents{input_.batch, v.extents.c};
    if (!v.flat) extents.insert(extents.end(), {v.extents.h, v.extents.w});
    describe_value(*graph_.add_output(), output.name, extents);
  }
}

void OnnxGraph::write_norm(const Op& op, const std::string& x) {
  attribute(node("BatchNormalization", {x, param_name(op.norm_weight), param_name(op.norm_bias),
                                        param_name(op.running_mean), param_name(op.running_var)}),
            "epsilon", op.norm_eps);
}

Status OnnxGraph::write_conv(const Op& op, const Value& x, bool& flat) {
  if (op.only_norm()) {
    flat = x.flat;
    write_norm(op, x.name);
    write_act(op, last_output());
    return {};
  }
  std::vector<std::string> params{joined_params("weight", op.weight, op.channels)};
  if (op.bias >= 0) params.push_back(joined_params("bias", op.bias, op.channels));
  if (const Status status = write_sums(op, x, params, flat); !status.ok()) return status;
  if (op.has_norm()) write_norm(op, last_output());
  write_act(op, last_output());
  return {};
}

Status OnnxGraph::write_sums(const Op& op, const Value& x, const std::vector<std::string>& params,
                             bool& flat) {
  std::vector<std::string> inputs{x.name};
  inputs.insert(inputs.end(), params.begin(), params.end());
  const NamedParam* const weight = param_at(op.weight);
  if (weight == nullptr || weight->param.rank != 2) {
    if (x.flat) return Status::error(Errc::unsupported, layer_, ": a convolution behind a linear layer");
    onnx::NodeProto& n = node("Conv", inputs);
    window_attributes(n, op);
    attribute(n, "group", static_cast<long long>(op.groups));
    return {};
  }
  // One position where the layer's window fits once; its weights stand in Flatten's order.
  const int high = x.extents.h - op.window + 1, wide = x.extents.w - op.window + 1;
  if (high != 1 || wide != 1)
    return Status::error(Errc::bad_argument, model_.spec().name, " at ", input_.height, "x", input_.width,
                         ": gives ", high, "x", wide, " results an image, not one; use --size ",
                         model_.input().height, "x", model_.input().width);
  if (!x.flat) {
    attribute(node("Flatten", {x.name}), "axis", 1LL);
    if (x.has_levels()) write_levels(x.scale, x.zero, "flat");
    inputs[0] = last_output();
  }
  attribute(node("Gemm", inputs), "transB", 1LL);
  flat = true;
  return {};
}

void OnnxGraph::write_act(const Op& op, const std::string& x) {
  const auto hard_sigmoid = [&] {
    onnx::NodeProto& n = node("HardSigmoid", {x});
    attribute(n, "alpha", 1.0f / 6.0f);
    attribute(n, "beta", 0.5f);
  };
  switch (op.act) {
    case Act::none:
      return;
    case Act::relu:
      node("Relu", {x});
      break;
    case Act::hsigmoid:
      hard_sigmoid();
      break;
    case Act::hswish:
      hard_sigmoid();
      node("Mul", {x, last_output()});
      break;
    case Act::sigmoid:
      node("Sigmoid", {x});
      break;
    case Act::silu:
      node("Sigmoid", {x});
      node("Mul", {x, last_output()});
      break;
    case Act::prelu:
      if (op.is_leaky_relu())
        attribute(node("LeakyRelu", {x}), "alpha", op.fixed_slope);
      else
        node("PRelu", {x, param_name(op.slope)});
      break;
  }
}

/// Channels as [groups, C / groups], transposed. Other engines recognise this form.
void OnnxGraph::write_shuffle(const Op& op, const Value& x) {
  const long long g = op.shuffle_groups, c = op.channels, h = x.extents.h, w = x.extents.w;
  node("Reshape", {x.name, constant("grouped", {0, g, c / g, h, w})});  // 0: as it is, whatever the batch
  attribute(node("Transpose", {last_output()}), "perm", {0, 2, 1, 3, 4});
  node("Reshape", {last_output(), constant("shuffled", {0, c, h, w})}, "Reshape2");
}

void OnnxGraph::write_slice(const Op& op, const Value& x) {
  const long long first = op.first_channel, end = first + op.channels;
  node("Slice", {x.name, constant("starts", {first}), constant("ends", {end}), constant("axes", {1})});
}

void OnnxGraph::write_add_upsampled(const Value& fine, const Value& coarse) {
  // Engines compute the size as the coarse one times the scale, some in double, rounded down: it must not be one too
  // small.
  const auto scale = [](int to, int from) {
    const float s = static_cast<float>(to) / static_cast<float>(from);
    return static_cast<double>(s) * from < to ? std::nextafter(s, 2 * s) : s;
  };
  const Extents &f = fine.extents, &c = coarse.extents;
  upsample_attributes(node("Resize", {coarse.name}), *graph_.add_initializer(), scale(f.h, c.h),
                      scale(f.w, c.w));
  node("Add", {fine.name, last_output()});
}

Status OnnxGraph::write_nodes(int id, const std::vector<Value>& in, bool& flat) {
  const Op& op = network_.ops[static_cast<std::size_t>(id)];
  const char* const kind = op_info(op.kind).onnx;
  const Value& a = in[0];
  switch (op.kind) {
    case OpKind::conv:
      return reads_levels(op) ? write_level_conv(id, a, flat) : write_conv(op, a, flat);
    case OpKind::custom:
      return Status::error(Errc::unsupported, op.custom->name, ": ONNX has no such operation");
    case OpKind::activation:
      write_act(op, a.name);
      break;
    case OpKind::shuffle:
      write_shuffle(op, a);
      break;
    case OpKind::slice:
      write_slice(op, a);
      break;
    case OpKind::max_pool:
      window_attributes(node(kind, {a.name}), op);
      break;
    case OpKind::mean_hw:
      node(kind, {a.name});
      break;
    case OpKind::add:
    case OpKind::scale:
      node(kind, {a.name, in[1].name});
      break;
    case OpKind::concat: {
      std::vector<std::string> names;
      for (const Value& value : in) names.push_back(value.name);
      attribute(node(kind, names), "axis", 1LL);
      break;
    }
    case OpKind::upsample: {
      const auto factor = static_cast<float>(op.factor);
      upsample_attributes(node(kind, {a.name}), *graph_.add_initializer(), factor, factor);
      break;
    }
    case OpKind::add_upsampled:
      write_add_upsampled(a, in[1]);
      break;
    case OpKind::input:
    case OpKind::dropout:  // the identity
      break;
  }
  return {};
}

Status OnnxGraph::write_op(int id) {
  const Op& op = network_.ops[static_cast<std::size_t>(id)];
  layer_ = layer_name(network_, op);
  if (layer_.empty()) layer_ = std::string(op_name(op.kind)) + std::to_string(id);
  Value out;
  if (op.kind == OpKind::input) {
    out.name = "image";
    out.extents = {std::max(input_.batch, 1), input_.height, input_.width, op.channels};
    values_.push_back(out);
    return {};
  }
  std::vector<Value> in;
  Extents extents[max_op_inputs];
  for (int i = 0; i < op.input_count(); ++i) {
    in.push_back(value(op.inputs[i]));
    extents[i] = in.back().extents;
  }
  out.name = in[0].name;
  out.extents = op_info(op.kind).shape(op, extents);
  out.flat = in[0].flat;
  const int nodes_before = graph_.node_size();
  const Status status = write_nodes(id, in, out.flat);
  const bool made = graph_.node_size() > nodes_before;
  if (op.dtype == DType::u8 && !has_fused_sum(id)) name_levels(op, in[0], out);
  if (made && out.has_levels()) write_levels(out.scale, out.zero, "levels");
  if (made) out.name = last_output();
  values_.push_back(out);
  name_outputs(id, made);
  return status;
}

void OnnxGraph::name_outputs(int id, bool made) {
  for (const Output& output : network_.outputs) {
    if (output.on_request || output.value != id) continue;
    Value& v = values_[static_cast<std::size_t>(id)];
    if (!made) node("Identity", {v.name}).set_name(layer_ + "/" + output.name);
    graph_.mutable_node(graph_.node_size() - 1)->set_output(0, output.name);
    v.name = output.name;
    made = false;  // one more name needs one more node
  }
}

Status OnnxGraph::write() {
  const auto outputs = output_values(network_);
  if (!outputs) return outputs.status();
  PlanRequest request;
  request.ops = network_.operations();
  request.outputs = {outputs->data(), outputs->size()};
  request.input = {std::max(input_.batch, 1), input_.height, input_.width, 0};
  if (model_.has_levels()) request.levels = &model_.input().levels;
  const OwnedPlan plan = make_owned_plan(request, model_.backend());
  if (!plan.plan.ok())
    return Status::error(Errc::bad_argument, model_.spec().name, " at ", input_.height, "x", input_.width,
                         ": ", plan_error_text(plan.plan.problem, request.ops));
  note_fused_sums(plan.plan);
  graph_.set_name(model_.spec().name);
  write_params();
  const int last = *std::max_element(outputs->begin(), outputs->end());
  for (int id = 0; id <= last; ++id)
    if (const Status status = write_op(id); !status.ok()) return status;
  write_ends();
  return {};
}
