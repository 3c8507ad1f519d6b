// The convolutions of the backend: functions that unpack the operands of a step and call the kernel, and the choice of
// the kernel by the shape of the convolution. Linear layers are convolutions with a 1x1 window.
#pragma once

#include <tinyfiqa/kernels/conv.hpp>
#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/planar.hpp>
#include <tinyfiqa/runtime/kernel_set.hpp>
#include <tinyfiqa/runtime/quantised_kernels.hpp>
#include <tinyfiqa/runtime/step.hpp>
#include <tinyfiqa/runtime/window_args.hpp>

TINYFIQA_ISA_BEGIN(kernels)

#if defined(TINYFIQA_SCALAR)
#define TINYFIQA_GEMM_TILE "2x4v"
#elif defined(TINYFIQA_VECTOR4) && defined(TINYFIQA_SIMD_32_REGISTERS)
#define TINYFIQA_GEMM_TILE "12x2v"
#elif defined(TINYFIQA_VECTOR4) && defined(__wasm__)
#define TINYFIQA_GEMM_TILE "4x2v"
#elif defined(TINYFIQA_VECTOR4)
#define TINYFIQA_GEMM_TILE "6x2v"
#elif defined(__AVX512F__) || defined(TINYFIQA_ARM64)
#define TINYFIQA_GEMM_TILE "8x3v"
#elif defined(TINYFIQA_FMA)
#define TINYFIQA_GEMM_TILE "4x3v"
#elif defined(__ARM_NEON)
#define TINYFIQA_GEMM_TILE "3x3v"
#else
#define TINYFIQA_GEMM_TILE "6x2v"
#endif

TINYFIQA_INLINE const float* packed_floats(const Step& s, const Frame& f) {
  return reinterpret_cast<const float*>(f.packed + s.packed);
}
TINYFIQA_INLINE float* scratch_floats(const Step& s, const Frame& f) {
  return reinterpret_cast<float*>(f.arena + s.scratch);
}
inline const float* step_slope(const Step& s, const Frame& f) {
  return s.has_slope ? reinterpret_cast<const float*>(f.packed + s.slope) : nullptr;
}

// ---- 1x1 convolution and linear layers

inline GemmArgs gemm_args(const Step& s, const Frame& f) {
  GemmArgs g;
  g.m = static_cast<int>(s.x.extents.pixels());
  g.n = s.y.extents.c;
  g.k = s.x.extents.c;
  g.lda = s.x.pixel_stride;
  g.packed = packed_floats(s, f);
  g.ldc = s.y.pixel_stride;
  if (s.b.place != Place::none) {
    g.residual = f.read<float>(s.b);
    g.ld_residual = s.b.pixel_stride;
  }
  g.slope = step_slope(s, f);
  g.act = s.act;
  return g;
}
inline void run_gemm(const Step& s, const Frame& f) {
  GemmArgs g = gemm_args(s, f);
  g.a = f.read<float>(s.x);
  g.c = f.write<float>(s.y);
  if (s.gate.place == Place::none) return gemm(g, f.team);
  // Image by image, because the gate differs from image to image.
  const float *const packed = g.packed, *const gate = f.read<float>(s.gate);
  float* const gated = scratch_floats(s, f);
  g.m = s.x.extents.h * s.x.extents.w;
  for (int image = 0; image < s.x.extents.n; ++image) {
    gate_packed(g.n, g.k, packed, gate + image * s.gate.pixel_stride, gated);
    g.packed = gated;
    gemm(g, f.team);
    g.a += g.m * g.lda;
    g.c += g.m * g.ldc;
    if (g.residual != nullptr) g.residual += g.m * g.ld_residual;
  }
}
inline void run_gemm_rows(const Step& s, const Frame& f, const RowsTask& t) {
  GemmArgs g = gemm_args(s, f);
  g.a = t.read<float>();
  g.c = t.write<float>();
  const int first = t.image * s.y.extents.h, width = s.y.extents.w;
  gemm_blocks(g, (first + t.begin) * width, (first + t.end) * width);
}
template <int Width = simd::width>
constexpr std::size_t packed_gemm(const ConvShape& c) {
  return gemm_packed_floats<Width>(c.cout, c.cin) * sizeof(float);
}
template <int Width = simd::width, int MaxVectors = gemm_max_vectors>
inline void pack_gemm_step(const FoldedConv& c, float*, unsigned char* packed) {
  pack_gemm<Width, MaxVectors>(c.shape.cout, c.shape.cin, c.weight, c.bias, reinterpret_cast<float*>(packed));
}
inline constexpr Kernel gemm_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("gemm_f32/" TINYFIQA_GEMM_TILE);
  k.takes_residual = true;
  k.takes_gate = true;
  k.run = run_gemm;
  k.run_rows = run_gemm_rows;
  k.packed_bytes = packed_gemm<>;
  k.pack = pack_gemm_step<>;
  return k;
}();

// ---- depthwise convolution

inline DepthwiseArgs depthwise_args(const Step& s, const Frame& f) {
  DepthwiseArgs d;
  set_window(s, d);
  d.c = s.x.extents.c;
  d.packed = packed_floats(s, f);
  d.y_pixel_stride = s.y.pixel_stride;
  d.slope = step_slope(s, f);
  d.act = s.act;
  return d;
}
template <int K>
inline void run_depthwise(const Step& s, const Frame& f) {
  DepthwiseArgs d = depthwise_args(s, f);
  d.x = f.read<float>(s.x);
  d.y = f.write<float>(s.y);
  depthwise<K>(d, f.team);
}
template <int K>
inline void run_depthwise_rows(const Step& s, const Frame& f, const RowsTask& t) {
  DepthwiseArgs d = depthwise_args(s, f);
  d.x = t.read<float>();
  d.y = t.write<float>();
  depthwise_rows<K>(d, t.image, t.begin, t.end);
}
template <int Width = simd::width>
constexpr std::size_t packed_depthwise(const ConvShape& c) {
  return depthwise_packed_floats<Width>(c.cout, c.window) * sizeof(float);
}
template <int Width = simd::width>
inline void pack_depthwise_step(const FoldedConv& c, float*, unsigned char* packed) {
  pack_depthwise<Width>(c.shape.cout, c.shape.window, c.weight, c.bias, reinterpret_cast<float*>(packed));
}
template <int K>
inline constexpr Kernel depthwise_kernel = [] {
  Kernel k;
  k.name = K == 1   ? TINYFIQA_KERNEL_NAME("depthwise_f32/1x1_row")
           : K == 3 ? TINYFIQA_KERNEL_NAME("depthwise_f32/3x3_row")
           : K == 5 ? TINYFIQA_KERNEL_NAME("depthwise_f32/5x5_row")
                    : TINYFIQA_KERNEL_NAME("depthwise_f32/7x7_row");
  k.run = run_depthwise<K>;
  k.run_rows = run_depthwise_rows<K>;
  k.packed_bytes = packed_depthwise<>;
  k.pack = pack_depthwise_step<>;
  return k;
}();

// ---- dense and grouped convolution

inline ConvArgs conv_args(const Step& s, const Frame& f) {
  ConvArgs v;
  set_window(s, v);
  v.cin = s.x.extents.c;
  v.cout = s.y.extents.c;
  v.groups = s.groups;
  v.packed = packed_floats(s, f);
  v.y_pixel_stride = s.y.pixel_stride;
  if (s.b.place != Place::none) {
    v.residual = f.read<float>(s.b);
    v.residual_pixel_stride = s.b.pixel_stride;
  }
  v.slope = step_slope(s, f);
  v.act = s.act;
  return v;
}
inline void run_conv(const Step& s, const Frame& f) {
  ConvArgs v = conv_args(s, f);
  v.x = f.read<float>(s.x);
  v.y = f.write<float>(s.y);
  v.scratch = scratch_floats(s, f);
  conv(v, f.team);
}
inline void run_conv_rows(const Step& s, const Frame& f, const RowsTask& t) {
  ConvArgs v = conv_args(s, f);
  v.x = t.read<float>();
  v.y = t.write<float>();
  for (int oy = t.begin; oy < t.end; ++oy) conv_row(v, t.image, oy, reinterpret_cast<float*>(t.scratch));
}
template <int Width = simd::width>
constexpr std::size_t packed_conv(const ConvShape& c) {
  return conv_packed_floats<Width>(c.cout, c.window, c.cin, c.groups) * sizeof(float);
}
template <int Width = simd::width, int MaxVectors = gemm_max_vectors>
inline void pack_conv_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  pack_conv<Width, MaxVectors>(c.shape.cout, c.shape.cin, c.shape.window, c.shape.groups, c.weight, c.bias,
                               workspace, reinterpret_cast<float*>(packed));
}
constexpr std::size_t scratch_conv(const ConvShape& c, int) {
  return conv_scratch_floats(c.window, c.cin, c.groups) * sizeof(float);
}
inline constexpr Kernel conv_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("conv_f32/row_" TINYFIQA_GEMM_TILE);
  k.takes_residual = true;
  k.run = run_conv;
  k.run_rows = run_conv_rows;
  k.packed_bytes = packed_conv<>;
  k.pack = pack_conv_step<>;
  k.scratch_bytes = scratch_conv;
  return k;
}();

// ---- planar kernels for narrow maps

#ifdef TINYFIQA_PLANAR

template <void Rows(const PlanarArgs&, int, int)>
inline void run_planar(const Step& s, const Frame& f) {
  PlanarArgs a;
  a.n = s.x.extents.n;
  a.h = s.x.extents.h;
  a.w = s.x.extents.w;
  a.c = s.x.extents.c;
  a.out_h = s.y.extents.h;
  a.out_w = s.y.extents.w;
  a.cout = s.y.extents.c;
  a.stride = s.stride;
  a.x = f.read<float>(s.x);
  a.packed = packed_floats(s, f);
  if (s.b.place != Place::none) a.residual = f.read<float>(s.b);
  a.y = f.write<float>(s.y);
  a.y_planar = s.y.planar;
  a.lowest = s.act == Act::relu ? 0.0f : -std::numeric_limits<float>::infinity();
  const double depth = static_cast<double>(s.window * s.window) * a.c / s.groups;
  planar_convolution(a, f.team, depth * static_cast<double>(s.y.extents.floats()), Rows);
}
constexpr bool planar_act(const Step& s) { return s.act == Act::none || s.act == Act::relu; }
constexpr bool planar_gemm_fits(const Step& s) { return planar_act(s) && s.gate.place == Place::none; }
constexpr bool planar_depthwise_fits(const Step& s) {
  return planar_act(s) && s.padding == 1 && s.stride <= 2 && s.x.extents.w == s.y.extents.w * s.stride;
}
constexpr bool planar_stem_fits(const Step& s) {
  return planar_act(s) && s.window == 3 && s.padding == 1 && s.stride == 2 && s.groups == 1 &&
         s.x.extents.c == 3 && s.x.extents.w == s.y.extents.w * 2;
}
/// A planar kernel takes the same packed weights as the usual one.
constexpr Kernel planar_version(const Kernel& usual, const char* name,
                                void (*run)(const Step&, const Frame&)) {
  Kernel k;
  k.name = name;
  k.takes_residual = usual.takes_residual;
  k.run = run;
  k.packed_bytes = usual.packed_bytes;
  k.pack = usual.pack;
  return k;
}
inline constexpr Kernel planar_gemm_kernel =
    planar_version(gemm_kernel, TINYFIQA_KERNEL_NAME("gemm_f32/planar"), run_planar<planar_pointwise_rows>);
inline constexpr Kernel planar_depthwise_kernel = planar_version(
    depthwise_kernel<3>, TINYFIQA_KERNEL_NAME("depthwise_f32/3x3_planar"), run_planar<planar_depthwise_rows>);
inline constexpr Kernel planar_stem_kernel =
    planar_version(conv_kernel, TINYFIQA_KERNEL_NAME("conv_f32/3x3_planar"), run_planar<planar_stem_rows>);
inline constexpr PlanarKernel planar_gemm{&planar_gemm_kernel, true, planar_gemm_fits};
inline constexpr PlanarKernel planar_depthwise{&planar_depthwise_kernel, true, planar_depthwise_fits};
inline constexpr PlanarKernel planar_stem{&planar_stem_kernel, false, planar_stem_fits};

#endif

// ---- the choice. Kernels that are not in `Set` are not compiled.

template <KernelSet Set>
constexpr const Kernel* choose_conv(const ConvShape& c) {
  if constexpr (has(Set, KernelSet::quantised))
    if (c.in == DType::u8) return choose_level_conv<Set>(c);
  if (c.in != DType::f32 || c.out != DType::f32) return nullptr;
  const KernelSet kind = conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout);
  if constexpr (has(Set, KernelSet::gemm))
    if (kind == KernelSet::gemm) return &gemm_kernel;
  if constexpr (has(Set, KernelSet::depthwise_1x1))
    if (kind == KernelSet::depthwise_1x1) return &depthwise_kernel<1>;
  if constexpr (has(Set, KernelSet::depthwise_3x3))
    if (kind == KernelSet::depthwise_3x3) return &depthwise_kernel<3>;
  if constexpr (has(Set, KernelSet::depthwise_5x5))
    if (kind == KernelSet::depthwise_5x5) return &depthwise_kernel<5>;
  if constexpr (has(Set, KernelSet::depthwise_7x7))
    if (kind == KernelSet::depthwise_7x7) return &depthwise_kernel<7>;
  if constexpr (has(Set, KernelSet::conv))
    if (kind == KernelSet::conv) return &conv_kernel;
  return nullptr;
}

template <KernelSet Set>
constexpr const PlanarKernel* choose_planar([[maybe_unused]] const Kernel* kernel) {
#ifdef TINYFIQA_PLANAR
  if constexpr (has(Set, KernelSet::planar)) {
    if constexpr (has(Set, KernelSet::gemm))
      if (kernel == &gemm_kernel) return &planar_gemm;
    if constexpr (has(Set, KernelSet::depthwise_3x3))
      if (kernel == &depthwise_kernel<3>) return &planar_depthwise;
    if constexpr (has(Set, KernelSet::conv))
      if (kernel == &conv_kernel) return &planar_stem;
  }
#endif
  return nullptr;
}

TINYFIQA_ISA_END

#undef TINYFIQA_GEMM_TILE
