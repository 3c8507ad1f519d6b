// The kernels of 8-bit maps in the backend: functions that unpack the operands of a step and call the kernel, and the choice
// of the kernel by operation and element types.
#pragma once

#include <tinyfiqa/kernels/quantised/conv.hpp>
#include <tinyfiqa/kernels/quantised/depthwise.hpp>
#include <tinyfiqa/kernels/quantised/gemm.hpp>
#include <tinyfiqa/kernels/quantised/maps.hpp>
#include <tinyfiqa/runtime/kernel_set.hpp>
#include <tinyfiqa/runtime/quantised_weights.hpp>
#include <tinyfiqa/runtime/step.hpp>
#include <tinyfiqa/runtime/window_args.hpp>

TINYFIQA_ISA_BEGIN(kernels)

// ---- convolutions

TINYFIQA_INLINE bool writes_levels(const Step& s) { return s.y.dtype == DType::u8; }

/// Everything but the addresses.
inline QuantisedOutput quantised_output(const Step& s) {
  QuantisedOutput out;
  out.pixel_stride = s.y.pixel_stride;
  out.act = s.act;
  out.range.zero = s.y.quant.zero;
  out.range.lowest = s.act == Act::relu ? s.y.quant.zero : 0;
  if (s.b.place != Place::none) {
    out.residual_stride = s.b.pixel_stride;
    out.residual_zero = static_cast<float>(s.b.quant.zero);
    out.residual_factor = limited_factor(s.b.quant.scale / s.y.quant.scale, 255.0f);
  }
  return out;
}
inline void set_output(const Step& s, const Frame& f, unsigned char* y, QuantisedOutput& out) {
  if (writes_levels(s))
    out.levels = y;
  else
    out.floats = reinterpret_cast<float*>(y);
  if (s.b.place != Place::none) out.residual = f.read<std::uint8_t>(s.b);
}
inline const float* float_slope(const Step& s, const Frame& f) {
  return s.has_slope && !writes_levels(s) ? reinterpret_cast<const float*>(f.packed + s.slope) : nullptr;
}

inline GemmI8Args gemm_i8_args(const Step& s, const Frame& f, const unsigned char* x, unsigned char* y) {
  GemmI8Args g;
  g.m = static_cast<int>(s.x.extents.pixels());
  g.n = s.y.extents.c;
  g.k = s.x.extents.c;
  g.a = x;
  g.lda = s.x.pixel_stride;
  g.packed = f.packed + s.packed;
  g.out = quantised_output(s);
  set_output(s, f, y, g.out);
  g.slope = float_slope(s, f);
  return g;
}
inline void run_gemm_i8(const Step& s, const Frame& f) {
  gemm_i8(gemm_i8_args(s, f, f.read<unsigned char>(s.x), f.write<unsigned char>(s.y)), f.team);
}
inline void run_gemm_i8_rows(const Step& s, const Frame& f, const RowsTask& t) {
  const int first = t.image * s.y.extents.h, width = s.y.extents.w;
  gemm_i8_rows_range(gemm_i8_args(s, f, t.x, t.y), (first + t.begin) * width, (first + t.end) * width);
}

inline ConvI8Args conv_i8_args(const Step& s, const Frame& f, const unsigned char* x, unsigned char* y) {
  ConvI8Args v;
  set_window(s, v);
  v.cin = s.x.extents.c;
  v.cout = s.y.extents.c;
  v.groups = s.groups;
  v.x = x;
  v.x_zeros = s.x.place == Place::input ? 3 : 1;
  for (int c = 0; c < 3; ++c)
    v.x_zero[c] = s.x.place == Place::input ? to_level(s.levels.mean[c], LevelRange())
                                            : static_cast<std::uint8_t>(s.x.quant.zero);
  v.packed = f.packed + s.packed;
  v.out = quantised_output(s);
  set_output(s, f, y, v.out);
  v.slope = float_slope(s, f);
  return v;
}
inline void run_conv_i8(const Step& s, const Frame& f) {
  ConvI8Args v = conv_i8_args(s, f, f.read<unsigned char>(s.x), f.write<unsigned char>(s.y));
  v.scratch = f.arena + s.scratch;
  v.whole = true;
  conv_i8(v, f.team);
}
inline void run_conv_i8_rows(const Step& s, const Frame& f, const RowsTask& t) {
  ConvI8Args v = conv_i8_args(s, f, t.x, t.y);
  v.whole = s.x.place == Place::input;
  for (int oy = t.begin; oy < t.end; ++oy) conv_i8_row_of(v, t.image, oy, t.scratch);
}

inline DepthwiseI8Args depthwise_i8_args(const Step& s, const Frame& f, const unsigned char* x,
                                         unsigned char* y) {
  DepthwiseI8Args d;
  set_window(s, d);
  d.c = s.x.extents.c;
  d.x = x;
  d.x_zero = static_cast<std::uint8_t>(s.x.quant.zero);
  d.packed = f.packed + s.packed;
  d.out = quantised_output(s);
  set_output(s, f, y, d.out);
  d.slope = float_slope(s, f);
  return d;
}
template <int K>
inline void run_depthwise_i8(const Step& s, const Frame& f) {
  DepthwiseI8Args d = depthwise_i8_args(s, f, f.read<unsigned char>(s.x), f.write<unsigned char>(s.y));
  d.scratch = f.arena + s.scratch;
  depthwise_i8<K>(d, f.team);
}
template <int K>
inline void run_depthwise_i8_rows(const Step& s, const Frame& f, const RowsTask& t) {
  depthwise_i8_rows<K>(depthwise_i8_args(s, f, t.x, t.y), t.image, t.begin, t.end, t.scratch);
}

// -- packing

/// The convolution in whole numbers, in the workspace.
inline QuantisedConv quantise_in(const FoldedConv& conv, float* workspace) {
  const std::ptrdiff_t n = conv.shape.cout;
  QuantisedConv q;
  q.rows = workspace;
  q.bias = reinterpret_cast<std::int32_t*>(workspace + 3 * n);
  q.weight = reinterpret_cast<std::int8_t*>(workspace + 4 * n);
  quantise_conv(conv, q);
  return q;
}
template <int Width = simd::width>
constexpr std::size_t packed_gemm_i8(const ConvShape& c) {
  return gemm_i8_packed_bytes<Width>(c.cout, c.cin, c.act);
}
template <int Width = simd::width, int MaxVectors = gemm_max_vectors, int LevelOffset = simd::level_offset>
inline void pack_gemm_i8_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  const QuantisedConv q = quantise_in(c, workspace);
  pack_gemm_i8<Width, MaxVectors, LevelOffset>(c.shape.cout, c.shape.cin, c.shape.act, q.weight, q.bias,
                                               q.rows, packed);
}
template <int Width = simd::width>
constexpr std::size_t packed_conv_i8(const ConvShape& c) {
  return conv_i8_packed_bytes<Width>(c.cout, c.window, c.cin, c.groups, c.act);
}
template <int Width = simd::width, int MaxVectors = gemm_max_vectors, int LevelOffset = simd::level_offset>
inline void pack_conv_i8_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  const QuantisedConv q = quantise_in(c, workspace);
  pack_conv_i8<Width, MaxVectors, LevelOffset>(c.shape.cout, c.shape.cin, c.shape.window, c.shape.groups,
                                               c.shape.act, q.weight, q.bias, q.rows, packed);
}
constexpr std::size_t scratch_conv_i8(const ConvShape& c, int) {
  return conv_i8_scratch(c.window, c.cin, c.groups);
}
constexpr DepthwiseI8Shape depthwise_i8_shape(const ConvShape& c) {
  return {c.cout, c.window, c.stride, c.act, c.out == DType::u8};
}
constexpr std::size_t packed_depthwise_i8(const ConvShape& c) {
  return depthwise_i8_packed_bytes(depthwise_i8_shape(c));
}
constexpr std::size_t scratch_depthwise_i8(const ConvShape& c, int width) {
  return depthwise_i8_scratch(depthwise_i8_shape(c), width, c.padding);
}
inline void pack_depthwise_i8_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  const QuantisedConv q = quantise_in(c, workspace);
  pack_depthwise_i8(depthwise_i8_shape(c.shape), q.weight, q.bias, q.rows, packed);
}
/// For the kernels that add taps.
template <int Width>
constexpr std::size_t packed_taps_i8(const ConvShape& c) {
  return taps_i8_packed_bytes<Width>(c.cout, c.window, c.act);
}
template <int Width, int LevelOffset>
inline void pack_taps_i8_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  const QuantisedConv q = quantise_in(c, workspace);
  pack_taps_i8<Width, LevelOffset>(c.shape.cout, c.shape.window, c.shape.act, q.weight, q.bias, q.rows,
                                   packed);
}

/// Kernels for levels come in two: those that write levels, and those that write floats.
template <DType Out>
constexpr Kernel conv_kernel_i8(const char* name, void (*run)(const Step&, const Frame&),
                                void (*run_rows)(const Step&, const Frame&, const RowsTask&),
                                std::size_t (*packed_bytes)(const ConvShape&),
                                void (*pack)(const FoldedConv&, float*, unsigned char*)) {
  Kernel k;
  k.name = name;
  k.dtype = Out;
  k.takes_residual = Out == DType::u8;
  k.run = run;
  k.run_rows = run_rows;
  k.packed_bytes = packed_bytes;
  k.pack = pack;
  return k;
}
template <DType Out>
inline constexpr Kernel gemm_i8_kernel = [] {
  Kernel k = conv_kernel_i8<Out>(
      Out == DType::u8 ? TINYFIQA_KERNEL_NAME("gemm_i8/panel") : TINYFIQA_KERNEL_NAME("gemm_i8/to_f32"),
      run_gemm_i8, run_gemm_i8_rows, packed_gemm_i8<>, pack_gemm_i8_step<>);
  k.takes_image = true;
  return k;
}();
template <DType Out>
inline constexpr Kernel conv_i8_kernel = [] {
  Kernel k = conv_kernel_i8<Out>(
      Out == DType::u8 ? TINYFIQA_KERNEL_NAME("conv_i8/panel") : TINYFIQA_KERNEL_NAME("conv_i8/to_f32"),
      run_conv_i8, run_conv_i8_rows, packed_conv_i8<>, pack_conv_i8_step<>);
  k.scratch_bytes = scratch_conv_i8;
  k.takes_image = true;
  return k;
}();
template <int K, DType Out>
inline constexpr Kernel depthwise_i8_kernel = [] {
  const char* const name = K == 1   ? TINYFIQA_KERNEL_NAME("depthwise_i8/1x1")
                           : K == 3 ? TINYFIQA_KERNEL_NAME("depthwise_i8/3x3")
                           : K == 5 ? TINYFIQA_KERNEL_NAME("depthwise_i8/5x5")
                                    : TINYFIQA_KERNEL_NAME("depthwise_i8/7x7");
  Kernel k = conv_kernel_i8<Out>(name, run_depthwise_i8<K>, run_depthwise_i8_rows<K>, packed_depthwise_i8,
                                 pack_depthwise_i8_step);
  k.takes_residual = false;
  k.scratch_bytes = scratch_depthwise_i8;
  return k;
}();

template <KernelSet Set, DType Out>
constexpr const Kernel* choose_conv_i8(const ConvShape& c) {
  if (Out == DType::u8 && !has_levels(c.act)) return nullptr;
  const KernelSet kind = conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout);
  if constexpr (has(Set, KernelSet::gemm))
    if (kind == KernelSet::gemm) return &gemm_i8_kernel<Out>;
  if constexpr (has(Set, KernelSet::depthwise_1x1))
    if (kind == KernelSet::depthwise_1x1) return &depthwise_i8_kernel<1, Out>;
  if constexpr (has(Set, KernelSet::depthwise_3x3))
    if (kind == KernelSet::depthwise_3x3) return &depthwise_i8_kernel<3, Out>;
  if constexpr (has(Set, KernelSet::depthwise_5x5))
    if (kind == KernelSet::depthwise_5x5) return &depthwise_i8_kernel<5, Out>;
  if constexpr (has(Set, KernelSet::depthwise_7x7))
    if (kind == KernelSet::depthwise_7x7) return &depthwise_i8_kernel<7, Out>;
  if constexpr (has(Set, KernelSet::conv))
    if (kind == KernelSet::conv) return &conv_i8_kernel<Out>;
  return nullptr;
}

/// The kernel of a convolution of levels.
template <KernelSet Set>
constexpr const Kernel* choose_level_conv(const ConvShape& c) {
  if (c.out == DType::u8) return choose_conv_i8<Set, DType::u8>(c);
  return c.out == DType::f32 ? choose_conv_i8<Set, DType::f32>(c) : nullptr;
}

// ---- other operations

inline LevelMap level_map(const Operand& o, const Frame& f) {
  LevelMap m;
  m.levels = f.read<std::uint8_t>(o);
  m.pixel_stride = o.pixel_stride;
  m.scale = o.quant.scale;
  m.zero = static_cast<float>(o.quant.zero);
  return m;
}
inline LevelArgs level_args(const Step& s, const Frame& f) {
  LevelArgs e;
  e.images = s.x.extents.n;
  e.pixels = s.x.extents.h * s.x.extents.w;
  e.c = s.x.extents.c;
  e.x = level_map(s.x, f);
  if (s.b.place != Place::none) e.b = level_map(s.b, f);
  if (writes_levels(s))
    e.y = f.write<std::uint8_t>(s.y);
  else
    e.floats = f.write<float>(s.y);
  e.y_pixel_stride = s.y.pixel_stride;
  e.y_scale = s.y.quant.scale;
  e.range.zero = s.y.quant.zero;
  return e;
}
inline void run_add_i8(const Step& s, const Frame& f) { add_levels(level_args(s, f), f.team); }
inline void run_add_upsampled_i8(const Step& s, const Frame& f) {
  const Extents &fine = s.x.extents, &coarse = s.b.extents;
  add_upsampled_levels(level_args(s, f), fine.h, fine.w, coarse.h, coarse.w, f.team);
}
inline void run_scale_i8(const Step& s, const Frame& f) { scale_levels(level_args(s, f), f.team); }
inline void run_mean_i8(const Step& s, const Frame& f) { mean_levels(level_args(s, f), f.team); }

inline MaxLevelsArgs max_levels_args(const Step& s, const unsigned char* x, unsigned char* y) {
  MaxLevelsArgs p;
  set_window(s, p);
  p.c = s.x.extents.c;
  p.x = x;
  p.y = y;
  p.y_pixel_stride = s.y.pixel_stride;
  return p;
}
inline void run_max_pool_i8(const Step& s, const Frame& f) {
  max_levels(max_levels_args(s, f.read<unsigned char>(s.x), f.write<unsigned char>(s.y)), f.team);
}
inline void run_max_pool_i8_rows(const Step& s, const Frame&, const RowsTask& t) {
  const MaxLevelsArgs p = max_levels_args(s, t.x, t.y);
  for (int oy = t.begin; oy < t.end; ++oy) max_levels_row(p, t.image, oy);
}

constexpr Kernel level_kernel(const char* name, DType out, void (*run)(const Step&, const Frame&),
                              void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr) {
  Kernel k;
  k.name = name;
  k.dtype = out;
  k.run = run;
  k.run_rows = run_rows;
  return k;
}
inline constexpr Kernel add_i8_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("add_i8/1v"), DType::u8, run_add_i8);
inline constexpr Kernel add_upsampled_i8_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("add_upsampled_i8/1v"), DType::u8, run_add_upsampled_i8);
inline constexpr Kernel scale_i8_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("scale_i8/1v"), DType::u8, run_scale_i8);
inline constexpr Kernel max_pool_i8_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("max_pool_i8/row"), DType::u8, run_max_pool_i8, run_max_pool_i8_rows);
inline constexpr Kernel mean_hw_i8_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("mean_hw_i8/1v"), DType::u8, run_mean_i8);
inline constexpr Kernel mean_hw_i8_floats_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("mean_hw_i8/to_f32"), DType::f32, run_mean_i8);

inline void run_to_floats(const Step& s, const Frame& f) { levels_to_floats(level_args(s, f), f.team); }
inline constexpr Kernel to_floats_kernel =
    level_kernel(TINYFIQA_KERNEL_NAME("to_floats_i8/1v"), DType::f32, run_to_floats);

TINYFIQA_ISA_END
