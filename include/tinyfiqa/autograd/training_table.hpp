// The training backend of the instruction set that this translation unit is compiled for. Its functions unpack a
// TapeCall and call the kernel. It is apart from runtime/backend_table.hpp, so that programs that only score do not
// compile and contain it.
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/kernels/train/adam.hpp>
#include <tinyfiqa/kernels/train/batch_norm_alone.hpp>
#include <tinyfiqa/kernels/train/dense.hpp>
#include <tinyfiqa/kernels/train/depthwise.hpp>
#include <tinyfiqa/kernels/train/lanes_depthwise.hpp>
#include <tinyfiqa/kernels/train/lanes_maps.hpp>
#include <tinyfiqa/kernels/train/lanes_pointwise.hpp>
#include <tinyfiqa/kernels/train/lanes_stem.hpp>
#include <tinyfiqa/kernels/train/maps.hpp>
#include <tinyfiqa/kernels/train/pointwise.hpp>
#include <tinyfiqa/runtime/backend_table.hpp>

TINYFIQA_ISA_BEGIN(kernels)

#define TINYFIQA_TRAIN_NAME(op) op "/" TINYFIQA_ISA_NAME

// ---- convolutions

inline TrainConvArgs train_conv_args(const TapeCall<float>& t) {
  const Op& op = *t.op;
  const auto param = [&](int offset) {
    return offset < 0 || t.params == nullptr ? nullptr : t.params + offset;
  };
  const auto grad = [&](int offset) {
    return offset < 0 || t.gradient == nullptr ? nullptr : t.gradient + offset;
  };
  const auto saved = [&](int part) { return t.saved == nullptr ? nullptr : t.saved + part * t.out.c; };
  TrainConvArgs a;
  a.x = t.x[0];
  a.out_h = t.out.h;
  a.out_w = t.out.w;
  a.cout = op.channels;
  a.window = op.window;
  a.stride = op.stride;
  a.padding = op.padding;
  a.groups = op.groups;
  a.weight = param(op.weight);
  a.z = t.y;
  a.act = op.act;
  a.gamma = param(op.norm_weight);
  a.beta = param(op.norm_bias);
  a.bias = param(op.bias);
  a.slope = param(op.slope);
  a.fixed_slope = op.fixed_slope;
  a.running_mean = param(op.running_mean);
  a.running_var = param(op.running_var);
  a.eps = op.norm_eps;
  a.momentum = op.norm_momentum;
  a.batch_statistics = t.batch_statistics;
  a.mean = saved(0);
  a.inverse_std = saved(1);
  a.scale = saved(2);
  a.shift = saved(3);
  a.dv = t.dy;
  a.dv_pixel_stride = t.dy_pixel_stride;
  a.dweight = grad(op.weight);
  a.dgamma = grad(op.norm_weight);
  a.dbeta = grad(op.norm_bias);
  a.dbias = grad(op.bias);
  a.dslope = grad(op.slope);
  a.dx = t.dx[0].data;
  a.dx_pixel_stride = t.dx[0].pixel_stride;
  a.accumulate = t.dx[0].accumulate;
  a.dv_sums = t.dy_sums;
  a.dx_sums = t.dx[0].sums;
  a.team = t.team;
  a.ranks = t.ranks;
  return a;
}
template <void (*Run)(const TrainConvArgs&, float* scratch)>
inline void tape_conv(const TapeCall<float>& t) {
  Run(train_conv_args(t), t.scratch);
}
template <std::size_t (*Count)(const TrainConvArgs&)>
inline std::size_t tape_conv_scratch(const TapeCall<float>& t) {
  return Count(train_conv_args(t));
}
template <class Kind>
constexpr TapeKernel<float> conv_tape_kernel(const char* name) {
  TapeKernel<float> k;
  k.name = name;
  k.forward = tape_conv<train_conv_forward<Kind>>;
  k.backward = tape_conv<train_conv_backward<Kind>>;
  k.scratch = tape_conv_scratch<train_conv_scratch<Kind>>;
  k.takes_sums = Kind::sums_dx;
  return k;
}
inline constexpr TapeKernel<float> train_pointwise =
    conv_tape_kernel<PointwiseTraining>(TINYFIQA_TRAIN_NAME("train_pointwise_f32/96p"));
inline constexpr TapeKernel<float> train_depthwise =
    conv_tape_kernel<DepthwiseTraining>(TINYFIQA_TRAIN_NAME("train_depthwise_f32/row"));
inline constexpr TapeKernel<float> train_dense =
    conv_tape_kernel<DenseTraining>(TINYFIQA_TRAIN_NAME("train_conv_f32/row"));
inline constexpr TapeKernel<float> train_norm =
    conv_tape_kernel<NormTraining>(TINYFIQA_TRAIN_NAME("train_norm_f32/96p"));

inline const TapeKernel<float>* choose_train_conv(const Op& op) {
  if (op.only_norm()) return &train_norm;
  if (op.window == 1 && op.stride == 1 && op.padding == 0 && op.groups == 1) return &train_pointwise;
  if (op.groups == op.in_channels && op.groups == op.channels && op.window <= depthwise_max_window)
    return &train_depthwise;
  return &train_dense;
}

// ---- everything else

inline GradientArgs gradient_args(const Gradient<float>& g) {
  return {g.data, g.pixel_stride, g.accumulate, g.sums};
}

inline TrainMapArgs train_map_args(const TapeCall<float>& t) {
  const Op& op = *t.op;
  TrainMapArgs a;
  a.x = t.x[0];
  a.b = t.x[1];
  a.y = t.y;
  a.dy = t.dy;
  a.dy_pixel_stride = t.dy_pixel_stride;
  a.dx = gradient_args(t.dx[0]);
  a.db = gradient_args(t.dx[1]);
  a.saved = t.saved;
  a.out_h = t.out.h;
  a.out_w = t.out.w;
  a.out_c = t.out.c;
  a.window = op.window;
  a.stride = op.stride;
  a.padding = op.padding;
  a.groups = op.shuffle_groups;
  a.act = op.act;
  a.team = t.team;
  return a;
}
inline std::size_t tape_map_scratch(const TapeCall<float>& t) { return train_map_scratch(train_map_args(t)); }
inline std::size_t tape_pool_scratch(const TapeCall<float>& t) {
  const TrainMapArgs a = train_map_args(t);
  return train_map_scratch(a) + (pool_scratch_floats(a) + 16) * static_cast<std::size_t>(a.team.threads);
}

inline void tape_activation_forward(const TapeCall<float>& t) {
  train_activation_forward(train_map_args(t), t.scratch);
}
inline void tape_activation_backward(const TapeCall<float>& t) {
  train_activation_backward(train_map_args(t), t.scratch);
}
inline void tape_max_pool_forward(const TapeCall<float>& t) {
  train_max_pool_forward(train_map_args(t), t.scratch);
}
inline void tape_max_pool_backward(const TapeCall<float>& t) {
  train_max_pool_backward(train_map_args(t), t.scratch);
}
inline void tape_mean_forward(const TapeCall<float>& t) { train_mean_forward(train_map_args(t), t.scratch); }
inline void tape_mean_backward(const TapeCall<float>& t) {
  train_mean_backward(train_map_args(t), t.scratch);
}
inline void tape_add_forward(const TapeCall<float>& t) { train_add_forward(train_map_args(t), t.scratch); }
inline void tape_add_backward(const TapeCall<float>& t) { train_add_backward(train_map_args(t), t.scratch); }
inline void tape_scale_forward(const TapeCall<float>& t) {
  train_scale_forward(train_map_args(t), t.scratch);
}
inline void tape_scale_backward(const TapeCall<float>& t) {
  train_scale_backward(train_map_args(t), t.scratch);
}
/// Input i of a concatenation as the only one.
inline TrainMapArgs concat_part(const TapeCall<float>& t, int i) {
  TrainMapArgs a = train_map_args(t);
  a.x = t.x[i];
  a.b = LazyMap<float>();
  a.dx = gradient_args(t.dx[i]);
  a.db = GradientArgs();
  return a;
}
inline void tape_concat_forward(const TapeCall<float>& t) {
  int first = 0;  // channel of the output
  for (int i = 0; i < t.op->input_count(); first += t.x[i++].c)
    train_concat_part_forward(concat_part(t, i), t.scratch, first);
}
inline void tape_concat_backward(const TapeCall<float>& t) {
  int first = 0;
  for (int i = 0; i < t.op->input_count(); first += t.x[i++].c)
    train_concat_part_backward(concat_part(t, i), t.scratch, first);
}
inline std::size_t tape_concat_scratch(const TapeCall<float>& t) {
  std::size_t most = 0;
  for (int i = 0; i < t.op->input_count(); ++i) {
    const std::size_t size = train_map_scratch(concat_part(t, i));
    most = size > most ? size : most;
  }
  return most;
}
inline void tape_slice_backward(const TapeCall<float>& t) {
  train_slice_backward(train_map_args(t), t.scratch, t.op->first_channel, t.op->channels);
}
inline void tape_shuffle_forward(const TapeCall<float>& t) {
  train_shuffle_forward(train_map_args(t), t.scratch);
}
inline void tape_shuffle_backward(const TapeCall<float>& t) {
  train_shuffle_backward(train_map_args(t), t.scratch);
}
inline void tape_interleave_forward(const TapeCall<float>& t) {
  train_interleave_forward(train_map_args(t), t.scratch);
}
inline void tape_interleave_backward(const TapeCall<float>& t) {
  train_interleave_backward(train_map_args(t), t.scratch);
}
inline void tape_mask_forward(const TapeCall<float>& t) { train_mask_forward(train_map_args(t), t.scratch); }
inline void tape_mask_backward(const TapeCall<float>& t) {
  train_mask_backward(train_map_args(t), t.scratch);
}

constexpr TapeKernel<float> tape_kernel(const char* name, void (*forward)(const TapeCall<float>&),
                                        void (*backward)(const TapeCall<float>&),
                                        std::size_t (*scratch)(const TapeCall<float>&),
                                        bool takes_sums = false) {
  TapeKernel<float> k;
  k.name = name;
  k.forward = forward;
  k.backward = backward;
  k.scratch = scratch;
  k.takes_sums = takes_sums;
  return k;
}
#define TINYFIQA_TRAIN_KERNEL(name, op, scratch, takes_sums)                                                 \
  inline constexpr TapeKernel<float> train_##name =                                                          \
      tape_kernel(TINYFIQA_TRAIN_NAME("train_" op "_f32/1v"), tape_##name##_forward, tape_##name##_backward, \
                  scratch, takes_sums)
TINYFIQA_TRAIN_KERNEL(activation, "activation", tape_map_scratch, false);
TINYFIQA_TRAIN_KERNEL(mean, "mean_hw", tape_map_scratch, true);
TINYFIQA_TRAIN_KERNEL(add, "add", tape_map_scratch, false);
TINYFIQA_TRAIN_KERNEL(scale, "scale", tape_map_scratch, false);
TINYFIQA_TRAIN_KERNEL(concat, "concat", tape_concat_scratch, false);
TINYFIQA_TRAIN_KERNEL(shuffle, "shuffle", tape_map_scratch, false);
TINYFIQA_TRAIN_KERNEL(interleave, "interleave", tape_map_scratch, true);
TINYFIQA_TRAIN_KERNEL(mask, "dropout", tape_map_scratch, false);
#undef TINYFIQA_TRAIN_KERNEL
inline constexpr TapeKernel<float> train_slice =
    tape_kernel(TINYFIQA_TRAIN_NAME("train_slice_f32/1v"), nullptr, tape_slice_backward, tape_map_scratch);
inline constexpr TapeKernel<float> train_max_pool =
    tape_kernel(TINYFIQA_TRAIN_NAME("train_max_pool_f32/row"), tape_max_pool_forward, tape_max_pool_backward,
                tape_pool_scratch, true);

// ---- maps in image lanes

#ifdef TINYFIQA_PLANAR
inline void tape_lane_add_forward(const TapeCall<float>& t) { lane_add_forward(train_map_args(t)); }
inline void tape_lane_add_backward(const TapeCall<float>& t) { lane_add_backward(train_map_args(t)); }
inline std::size_t tape_no_scratch(const TapeCall<float>&) { return 0; }
inline void tape_lane_mean_forward(const TapeCall<float>& t) { lane_mean_forward(train_map_args(t)); }
inline void tape_lane_mean_backward(const TapeCall<float>& t) { lane_mean_backward(train_map_args(t)); }

template <class Kind>
constexpr TapeKernel<float> lane_conv_kernel(const char* name) {
  return tape_kernel(name, tape_conv<lane_conv_forward<Kind>>, tape_conv<lane_conv_backward<Kind>>,
                     tape_conv_scratch<lane_conv_scratch<Kind>>, true);
}
inline constexpr TapeKernel<float> train_lane_pointwise =
    lane_conv_kernel<LanePointwise>(TINYFIQA_TRAIN_NAME("train_pointwise_f32/lanes"));
inline constexpr TapeKernel<float> train_lane_depthwise =
    lane_conv_kernel<LaneDepthwise>(TINYFIQA_TRAIN_NAME("train_depthwise_f32/lanes"));
inline constexpr TapeKernel<float> train_lane_stem =
    lane_conv_kernel<LaneStem>(TINYFIQA_TRAIN_NAME("train_conv_f32/lanes"));
inline constexpr TapeKernel<float> train_lane_add =
    tape_kernel(TINYFIQA_TRAIN_NAME("train_add_f32/lanes"), tape_lane_add_forward, tape_lane_add_backward,
                tape_no_scratch);
inline constexpr TapeKernel<float> train_lane_mean =
    tape_kernel(TINYFIQA_TRAIN_NAME("train_mean_hw_f32/lanes"), tape_lane_mean_forward,
                tape_lane_mean_backward, tape_no_scratch, true);

inline const TapeKernel<float>* choose_lane_kernel(const Op& op, bool first) {
  if (op.kind == OpKind::add) return first ? nullptr : &train_lane_add;
  if (op.kind == OpKind::mean_hw) return first ? nullptr : &train_lane_mean;
  if (op.kind != OpKind::conv || op.act == Act::prelu || op.only_norm()) return nullptr;
  const bool window = op.window == 3 && op.padding == 1 && op.stride <= 2;
  if (first) return window && op.groups == 1 ? &train_lane_stem : nullptr;
  if (op.groups == 1 && op.window == 1 && op.stride == 1 && op.padding == 0) return &train_lane_pointwise;
  const bool depthwise = op.groups == op.in_channels && op.groups == op.channels;
  return window && depthwise ? &train_lane_depthwise : nullptr;
}
#endif

inline constexpr const TapeKernel<float>* all_training_kernels[] = {
#ifdef TINYFIQA_PLANAR
    &train_lane_pointwise, &train_lane_depthwise, &train_lane_stem,  &train_lane_add, &train_lane_mean,
#endif
    &train_pointwise,      &train_depthwise,      &train_dense,      &train_norm,     &train_activation,
    &train_max_pool,       &train_mean,           &train_add,        &train_scale,    &train_concat,
    &train_slice,          &train_shuffle,        &train_interleave, &train_mask};

inline constexpr TapeKernels<float> training = [] {
  TapeKernels<float> k;
  const auto set = [&k](OpKind kind, const TapeKernel<float>& kernel) {
    k.operation[static_cast<int>(kind)] = &kernel;
  };
  k.conv = choose_train_conv;
  set(OpKind::activation, train_activation);
  set(OpKind::max_pool, train_max_pool);
  set(OpKind::mean_hw, train_mean);
  set(OpKind::add, train_add);
  set(OpKind::scale, train_scale);
  set(OpKind::concat, train_concat);
  set(OpKind::slice, train_slice);
  set(OpKind::shuffle, train_shuffle);
  set(OpKind::dropout, train_mask);
  k.interleave = &train_interleave;
#ifdef TINYFIQA_PLANAR
  k.lane_images = simd::width;
  k.lanes = choose_lane_kernel;
#endif
  k.all = {all_training_kernels, sizeof(all_training_kernels) / sizeof(all_training_kernels[0])};
  return k;
}();

inline constexpr TrainingBackend training_backend{&backend, &training, adam};

TINYFIQA_ISA_END

#undef TINYFIQA_TRAIN_NAME
