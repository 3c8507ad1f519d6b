// Planning: from a network's operations and an input size to steps and places in one arena.
#pragma once

#include <tinyfiqa/runtime/plan_builder.hpp>

TINYFIQA_BEGIN

namespace detail {

/// Turns operations into steps, and fuses what it can. The result is the public member `plan`.
class Planner : public PlanBuilder {
 public:
  constexpr Planner(const PlanRequest& request, const Backend& backend, const PlanStorage& storage)
      : PlanBuilder(request, backend, storage) {
    for (int id = 0; ok() && id <= last_; ++id) {
      reserve_weights(id);
      if (!value(id).live) continue;
      lower(id);
      hand_out(id);
    }
    if (ok()) form_arena();
  }

 private:
  // -- packed weights

  /// Every operation has its place, whether this plan needs it or not: plans of one network for other sizes and
  /// outputs then share the packed weights.
  constexpr void reserve_weights(int id) {
    if (!ok()) return;
    const Op& o = op(id);
    Value& v = value(id);
    const auto reserve = [this](std::size_t bytes) {
      const std::size_t at = plan.packed_bytes;
      plan.packed_bytes += align_bytes(bytes);
      return at;
    };
    if (o.kind == OpKind::custom)
      v.packed = reserve(static_cast<std::size_t>(o.custom_params) * sizeof(float));
    if (o.kind != OpKind::conv) return;
    const ConvShape shape = conv_shape(ops_, id);
    const Kernel* const kernel = backend_.conv(shape);
    if (kernel != nullptr) v.packed = reserve(kernel->packed_bytes(shape));
    if (o.act == Act::prelu) v.slope = reserve(static_cast<std::size_t>(o.channels) * sizeof(float));
  }

  // -- from operations to steps

  constexpr void lower(int id) {
    // Convolutions and means alone have kernels from levels to floats.
    const bool one_type = op(id).kind != OpKind::conv && op(id).kind != OpKind::mean_hw;
    for (int i = 0; one_type && i < op(id).input_count(); ++i)
      if (op(op(id).inputs[i]).dtype != op(id).dtype) return fail(PlanError::not_covered, id);
    if (op(id).dtype == DType::u8 && op_info(op(id).kind).levels == Levels::moved)
      for (int i = 0; i < op(id).input_count(); ++i)
        if (op(op(id).inputs[i]).quant != op(id).quant) return fail(PlanError::levels_differ, id);
    switch (op(id).kind) {
      case OpKind::input:
        return lower_input(id);
      case OpKind::conv:
        return lower_conv(id);
      case OpKind::dropout:
        return alias(id, 0);
      case OpKind::slice:
        return lower_slice(id);
      case OpKind::add:
        return lower_add(id);
      case OpKind::concat:
        return lower_concat(id);
      case OpKind::shuffle:
        return lower_shuffle(id);
      case OpKind::scale:
        return lower_scale(id);
      case OpKind::add_upsampled:
        return lower_binary(id);
      case OpKind::mean_hw:
        return lower_mean(id);
      case OpKind::custom:
        return lower_custom(id);
      default:  // one kernel for all shapes
        return lower_unary(id, kernel_of(id));
    }
  }
  constexpr const Kernel* kernel_of(int id) const {
    return backend_.operation(op(id).kind, op(op(id).inputs[0]).dtype, op(id).dtype);
  }

  constexpr void lower_input(int id) {
    Operand input;
    input.place = Place::input;
    input.dtype = levels_ == nullptr ? op(id).dtype : DType::u8;
    input.quant = op(id).quant;
    input.pixel_stride = plan.input.c;
    input.extents = plan.input;
    value(id).operand = input;
    // A network of 8-bit maps reads levels itself (lower_conv), and nothing else.
    if ((levels_ != nullptr || op(id).dtype == DType::u8) && plan.input.c != 3)
      return fail(PlanError::not_covered, id);
    if (op(id).dtype == DType::u8 && levels_ == nullptr) return fail(PlanError::needs_levels, id);
    if (levels_ == nullptr || op(id).dtype == DType::u8) return;
    Step& s = append(id, backend_.levels);
    if (!ok()) return;
    s.x = input;
    s.y = write(id);
    s.levels = *levels_;
  }

  constexpr void lower_conv(int id) {
    const Op& o = op(id);
    const ConvShape shape = conv_shape(ops_, id);
    const Kernel* kernel = backend_.conv(shape);
    Step& s = append(id, kernel);
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    if (s.x.place == Place::input && shape.in == DType::u8) {
      // Mean and scale are those of the three channels of one group.
      if (!kernel->takes_image || o.groups > 1) return fail(PlanError::not_covered, id);
      s.levels = *levels_;
    }
    if (value(o.inputs[0]).gate >= 0) {
      s.gate = read(value(o.inputs[0]).gate);
      need_scratch(kernel->packed_bytes(shape));
    }
    s.y = write(id);
    s.act = o.act;
    s.window = o.window;
    s.stride = o.stride;
    s.padding = o.padding;
    s.groups = o.groups;
    s.packed = value(id).packed;
    s.has_slope = o.act == Act::prelu;
    s.slope = value(id).slope;
    if (kernel->scratch_bytes != nullptr)
      need_scratch(kernel->scratch_bytes(shape, s.x.extents.w) * static_cast<std::size_t>(plan.threads));
  }
  constexpr void lower_unary(int id, const Kernel* kernel) {
    const Op& o = op(id);
    Step& s = append(id, kernel);
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    s.y = write(id);
    s.act = o.act;
    s.window = o.window;
    s.stride = o.stride;
    s.padding = o.padding;
    s.groups = o.shuffle_groups;
  }

  /// Turns the step of the product that it alone reads into one that computes the mean too, if that is asked for.
  constexpr void lower_mean(int id) {
    const int x = op(id).inputs[0];
    const Value& v = value(x);
    const bool product = op(x).kind == OpKind::conv && conv_shape(op(x)).is_product() && v.uses == 1 &&
                         v.made_by == plan.step_count - 1 && v.gate < 0;
    if (!means_by_channels_ || !product) return lower_unary(id, kernel_of(id));
    const DType in = conv_shape(ops_, x).in;
    const Kernel* const kernel = in == DType::f32 ? backend_.product_mean : backend_.level_product_mean;
    Step& s = storage_.steps[v.made_by];
    const bool one_type = op(x).dtype == in && op(id).dtype == in;
    if (kernel == nullptr || s.gate.place != Place::none || s.b.place != Place::none || !one_type)
      return lower_unary(id, kernel_of(id));
    buffer(v.buffer).bytes = 0;
    const auto pixels = static_cast<std::size_t>(v.extents.pixels() / v.extents.n);
    const int columns = backend_.vector_floats * backend_.pack_layout.most_panel_vectors;
    if (in == DType::u8) {  // what its levels stand for
      s.b = s.y;
      s.b.place = Place::rows;
      need_scratch(pixels *
                   static_cast<std::size_t>(columns < level_mean_columns ? level_mean_columns : columns));
    } else {
      need_scratch(pixels * static_cast<std::size_t>(columns) * sizeof(float));
    }
    s.op = id;
    s.kernel = kernel;
    s.y = write(id);
  }

  /// The user's own operation; its parameters are packed as they are.
  constexpr void lower_custom(int id) {
    const Op& o = op(id);
    Step& s = append(id, kernel_of(id));
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    if (o.inputs[1] >= 0) s.b = read(o.inputs[1]);
    s.y = write(id);
    s.packed = value(id).packed;
  }

  /// A view; a copy where the user's own operation, which takes dense maps, reads it.
  constexpr void lower_slice(int id) {
    alias(id, op(id).first_channel);
    for (int reader = id + 1; reader <= last_; ++reader)
      if (op(reader).kind == OpKind::custom && value(reader).live && op(reader).reads(id))
        return copy_to_new_buffer(id);
  }

  /// Appends a step that copies the value to a buffer of its own, where readers then find it.
  constexpr void copy_to_new_buffer(int id) {
    Step& s = append(id, backend_.copy(op(id).dtype));
    if (!ok()) return;
    s.x = read(id);
    s.y = write(id);
  }

  /// y = x op b, in place when nobody else needs x.
  constexpr void lower_binary(int id) {
    const int x = op(id).inputs[0];
    Step& s = append(id, kernel_of(id));
    if (!ok()) return;
    s.x = read(x);
    s.b = read(op(id).inputs[1]);
    const bool same_type = op(x).dtype == op(id).dtype;
    const bool owns =
        same_type && value(x).buffer >= 0 && op(x).kind != OpKind::slice && op(x).kind != OpKind::dropout;
    if (owns && value(x).uses == 1) {
      alias(id, 0);
      value(id).operand.quant = op(id).quant;
      s.y = value(id).operand;
    } else {
      s.y = write(id);
    }
    value(id).made_by = plan.step_count - 1;
  }

  /// Moves the gate into the weights of the 1x1 convolution that alone reads the product, when that has fewer
  /// outputs than the map has pixels: then its weights are the smaller thing to multiply.
  constexpr void lower_scale(int id) {
    const Extents& e = value(id).extents;
    for (int reader = id + 1; fuse_ && reader <= last_ && value(id).uses == 1; ++reader) {
      const Op& r = op(reader);
      if (r.inputs[0] != id || !value(reader).live || r.kind != OpKind::conv) continue;
      const Kernel* kernel = backend_.conv(conv_shape(ops_, reader));
      if (kernel == nullptr || !kernel->takes_gate || e.h * e.w <= r.channels) continue;
      alias(id, 0);
      value(id).gate = op(id).inputs[1];
      return;
    }
    lower_binary(id);
  }

  /// Moves the sum into the epilogue of the convolution that made one of its inputs just before, for this sum
  /// alone.
  constexpr void lower_add(int id) {
    const Op& o = op(id);
    for (const int side : {0, 1}) {
      if (!fuse_) break;
      const int made = o.inputs[side], other = o.inputs[1 - side];
      const Value& v = value(made);
      const bool newest = v.made_by == plan.step_count - 1 && op(made).kind == OpKind::conv && v.uses == 1;
      if (!newest || made == other) continue;
      Step& s = storage_.steps[v.made_by];
      if (!s.kernel->takes_residual || op(made).dtype != o.dtype) continue;
      // Levels are limited after the sum, so ReLU could not come before it; and the sum must have the convolution's scale,
      // which is part of its packed weights.
      if (o.dtype == DType::u8 && (op(made).act != Act::none || op(made).quant != o.quant)) continue;
      s.b = read(other);
      s.op = id;
      alias_to(id, made);
      return;
    }
    lower_binary(id);
  }

  /// Two halves of equal width, read by a shuffle into two groups alone: that becomes one interleaving step.
  /// Otherwise one copy for each input, into its channels of the result.
  constexpr void lower_concat(int id) {
    const Op& o = op(id);
    const bool halves = o.input_count() == 2 && op(o.inputs[0]).channels * 2 == o.channels;
    if (halves && id + 1 <= last_ && op(id + 1).kind == OpKind::shuffle && op(id + 1).inputs[0] == id &&
        value(id).uses == 1 && op(id + 1).shuffle_groups == 2) {
      value(id).absorbed = true;
      return;
    }
    Operand part;
    for (int i = 0; ok() && i < o.input_count(); ++i) part = copy_part(id, i, part);
  }

  /// Copies input i; `part` is where it goes. Returns where the next one goes.
  constexpr Operand copy_part(int id, int i, Operand part) {
    Step& s = append(id, backend_.copy(op(id).dtype));
    if (!ok()) return part;
    s.x = read(op(id).inputs[i]);
    if (i == 0)
      part = write(id);
    else
      buffer(value(id).buffer).last = plan.step_count - 1;
    part.extents.c = s.x.extents.c;
    s.y = part;
    part.offset += static_cast<std::size_t>(part.extents.c) * dtype_bytes(part.dtype);
    return part;
  }

  constexpr void lower_shuffle(int id) {
    const int from = op(id).inputs[0];
    if (!value(from).absorbed) return lower_unary(id, kernel_of(id));
    Step& s = append(id, backend_.interleave(op(id).dtype));
    if (!ok()) return;
    s.first_op = from;
    s.x = read(op(from).inputs[0]);
    s.b = read(op(from).inputs[1]);
    s.y = write(id);
  }
};

}  // namespace detail

TINYFIQA_END
