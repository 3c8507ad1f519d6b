// The inference backend of the instruction set that this translation unit is compiled for. Its functions unpack
// the operands of a step and call the kernel. A program with several instruction sets compiles this header once
// for each of them.
#pragma once

#include <tinyfiqa/kernels/conv.hpp>
#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/elementwise.hpp>
#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/pixels.hpp>
#include <tinyfiqa/kernels/planar.hpp>
#include <tinyfiqa/kernels/pool.hpp>
#include <tinyfiqa/kernels/resize.hpp>
#include <tinyfiqa/kernels/weights.hpp>
#include <tinyfiqa/runtime/chain.hpp>
#include <tinyfiqa/runtime/kernel_set.hpp>
#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_ISA_BEGIN(kernels)

#if defined(TINYFIQA_SCALAR)
#define TINYFIQA_GEMM_TILE "2x4v"
#elif defined(__AVX512F__) || defined(TINYFIQA_ARM64)
#define TINYFIQA_GEMM_TILE "8x3v"
#elif defined(TINYFIQA_FMA)
#define TINYFIQA_GEMM_TILE "4x3v"
#else
#define TINYFIQA_GEMM_TILE "6x2v"
#endif
#define TINYFIQA_KERNEL_NAME(op) op "/" TINYFIQA_ISA_NAME

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
inline std::size_t packed_gemm(const ConvShape& c) {
  return gemm_packed_floats(c.cout, c.cin) * sizeof(float);
}
inline void pack_gemm_step(const FoldedConv& c, float*, unsigned char* packed) {
  pack_gemm(c.shape.cout, c.shape.cin, c.weight, c.bias, reinterpret_cast<float*>(packed));
}
inline constexpr Kernel gemm_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("gemm_f32/" TINYFIQA_GEMM_TILE);
  k.takes_residual = true;
  k.takes_gate = true;
  k.run = run_gemm;
  k.run_rows = run_gemm_rows;
  k.packed_bytes = packed_gemm;
  k.pack = pack_gemm_step;
  return k;
}();

// ---- depthwise convolution

inline DepthwiseArgs depthwise_args(const Step& s, const Frame& f) {
  DepthwiseArgs d;
  d.n = s.x.extents.n;
  d.h = s.x.extents.h;
  d.w = s.x.extents.w;
  d.c = s.x.extents.c;
  d.out_h = s.y.extents.h;
  d.out_w = s.y.extents.w;
  d.window = s.window;
  d.stride = s.stride;
  d.padding = s.padding;
  d.x_pixel_stride = s.x.pixel_stride;
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
inline std::size_t packed_depthwise(const ConvShape& c) {
  return depthwise_packed_floats(c.cout, c.window) * sizeof(float);
}
inline void pack_depthwise_step(const FoldedConv& c, float*, unsigned char* packed) {
  pack_depthwise(c.shape.cout, c.shape.window, c.weight, c.bias, reinterpret_cast<float*>(packed));
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
  k.packed_bytes = packed_depthwise;
  k.pack = pack_depthwise_step;
  return k;
}();

// ---- dense and grouped convolution

inline ConvArgs conv_args(const Step& s, const Frame& f) {
  ConvArgs v;
  v.n = s.x.extents.n;
  v.h = s.x.extents.h;
  v.w = s.x.extents.w;
  v.cin = s.x.extents.c;
  v.out_h = s.y.extents.h;
  v.out_w = s.y.extents.w;
  v.cout = s.y.extents.c;
  v.window = s.window;
  v.stride = s.stride;
  v.padding = s.padding;
  v.groups = s.groups;
  v.x_pixel_stride = s.x.pixel_stride;
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
inline std::size_t packed_conv(const ConvShape& c) {
  return conv_packed_floats(c.cout, c.window, c.cin, c.groups) * sizeof(float);
}
inline void pack_conv_step(const FoldedConv& c, float* workspace, unsigned char* packed) {
  pack_conv(c.shape.cout, c.shape.cin, c.shape.window, c.shape.groups, c.weight, c.bias, workspace,
            reinterpret_cast<float*>(packed));
}
inline std::size_t scratch_conv(const ConvShape& c) {
  return conv_scratch_floats(c.window, c.cin, c.groups) * sizeof(float);
}
inline constexpr Kernel conv_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("conv_f32/row_" TINYFIQA_GEMM_TILE);
  k.takes_residual = true;
  k.run = run_conv;
  k.run_rows = run_conv_rows;
  k.packed_bytes = packed_conv;
  k.pack = pack_conv_step;
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
inline bool planar_act(const Step& s) { return s.act == Act::none || s.act == Act::relu; }
inline bool planar_gemm_fits(const Step& s) { return planar_act(s) && s.gate.place == Place::none; }
inline bool planar_depthwise_fits(const Step& s) {
  return planar_act(s) && s.padding == 1 && s.stride <= 2 && s.x.extents.w == s.y.extents.w * s.stride;
}
inline bool planar_stem_fits(const Step& s) {
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

// ---- pooling

/// A kernel without weights.
constexpr Kernel plain_kernel(const char* name, void (*run)(const Step&, const Frame&),
                              void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr) {
  Kernel k;
  k.name = name;
  k.run = run;
  k.run_rows = run_rows;
  return k;
}

inline PoolArgs pool_args(const Step& s) {
  PoolArgs p;
  p.n = s.x.extents.n;
  p.h = s.x.extents.h;
  p.w = s.x.extents.w;
  p.c = s.x.extents.c;
  p.out_h = s.y.extents.h;
  p.out_w = s.y.extents.w;
  p.window = s.window;
  p.stride = s.stride;
  p.padding = s.padding;
  p.x_pixel_stride = s.x.pixel_stride;
  p.y_pixel_stride = s.y.pixel_stride;
  return p;
}
inline PoolArgs whole_pool_args(const Step& s, const Frame& f) {
  PoolArgs p = pool_args(s);
  p.x = f.read<float>(s.x);
  p.y = f.write<float>(s.y);
  return p;
}
inline void run_max_pool(const Step& s, const Frame& f) { max_pool(whole_pool_args(s, f), f.team); }
inline void run_max_pool_rows(const Step& s, const Frame&, const RowsTask& t) {
  PoolArgs p = pool_args(s);
  p.x = t.read<float>();
  p.y = t.write<float>();
  for (int oy = t.begin; oy < t.end; ++oy) max_pool_row(p, t.image, oy);
}
inline void run_mean_hw(const Step& s, const Frame& f) { mean_hw(whole_pool_args(s, f), f.team); }
inline constexpr Kernel max_pool_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("max_pool_f32/1v"), run_max_pool, run_max_pool_rows);
inline constexpr Kernel mean_hw_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("mean_hw_f32/2v"), run_mean_hw);

// ---- elementwise

inline ElementwiseArgs elementwise_args(const Step& s, const Frame& f) {
  ElementwiseArgs e;
  e.images = s.x.extents.n;
  e.pixels = s.x.extents.h * s.x.extents.w;
  e.c = s.x.extents.c;
  e.x = f.read<float>(s.x);
  e.x_pixel_stride = s.x.pixel_stride;
  if (s.b.place != Place::none) {
    e.b = f.read<float>(s.b);
    e.b_pixel_stride = s.b.pixel_stride;
  }
  e.y = f.write<float>(s.y);
  e.y_pixel_stride = s.y.pixel_stride;
  e.slope = step_slope(s, f);
  e.act = s.act;
  return e;
}
inline void run_activation(const Step& s, const Frame& f) { activation(elementwise_args(s, f), f.team); }
inline void run_add(const Step& s, const Frame& f) { add(elementwise_args(s, f), f.team); }
inline void run_scale(const Step& s, const Frame& f) { scale(elementwise_args(s, f), f.team); }
inline void run_copy(const Step& s, const Frame& f) { copy(elementwise_args(s, f), f.team); }
inline void run_interleave(const Step& s, const Frame& f) { interleave(elementwise_args(s, f), f.team); }
inline void run_shuffle(const Step& s, const Frame& f) { shuffle(elementwise_args(s, f), s.groups, f.team); }
inline void run_upsample(const Step& s, const Frame& f) {
  upsample(elementwise_args(s, f), s.x.extents.w, s.source->factor, f.team);
}
inline void run_add_upsampled(const Step& s, const Frame& f) {
  const Extents &fine = s.x.extents, &coarse = s.b.extents;
  add_upsampled(elementwise_args(s, f), fine.h, fine.w, coarse.h, coarse.w, f.team);
}
inline constexpr Kernel activation_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("activation_f32/1v"), run_activation);
inline constexpr Kernel add_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("add_f32/1v"), run_add);
inline constexpr Kernel scale_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("scale_f32/1v"), run_scale);
inline constexpr Kernel copy_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("copy_f32/1v"), run_copy);
inline constexpr Kernel interleave_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("interleave_f32/2"), run_interleave);
inline constexpr Kernel shuffle_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("shuffle_f32/1"), run_shuffle);
inline constexpr Kernel upsample_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("upsample_f32/1v"), run_upsample);
inline constexpr Kernel add_upsampled_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("add_upsampled_f32/1v"), run_add_upsampled);

// ---- the user's own operations

inline void run_custom(const Step& s, const Frame& f) {
  CustomCall<float> call;
  call.in[0] = s.x.extents;
  call.in[1] = s.b.extents;
  call.out = s.y.extents;
  call.x[0] = f.read<float>(s.x);
  if (s.b.place != Place::none) call.x[1] = f.read<float>(s.b);
  call.y = f.write<float>(s.y);
  call.params = packed_floats(s, f);
  s.source->custom->forward_float(call);
}
inline constexpr Kernel custom_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("custom_f32/1"), run_custom);

// ---- an image's levels

inline void run_levels_rows(const Step& s, const Frame& f, const RowsTask& t) {
  const Extents& e = s.y.extents;
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(e.w) * 3,
                       at = (static_cast<std::ptrdiff_t>(t.image) * e.h + t.begin) * row;
  pixels_to_floats(static_cast<const unsigned char*>(f.input) + at, (t.end - t.begin) * e.w, s.levels.mean,
                   s.levels.scale, t.write<float>() + at);
}
inline void run_levels(const Step& s, const Frame& f) {
  const Extents& e = s.y.extents;
  parallel_for(worth_team(f.team, static_cast<double>(e.floats())), e.n * e.h, [&](int begin, int end, int) {
    RowsTask t;
    t.y = f.write<unsigned char>(s.y);
    t.begin = begin;  // rows of all images, one after the other
    t.end = end;
    run_levels_rows(s, f, t);
  });
}
inline constexpr Kernel levels_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("levels_f32/16"), run_levels, run_levels_rows);

// ---- the table. Kernels that are not in `Set` are not compiled.

template <KernelSet Set>
inline const Kernel* choose_conv(const ConvShape& c) {
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

/// The kernel of an operation if the set has it.
template <KernelSet Set, OpKind Operation, const Kernel& K>
constexpr const Kernel* kernel_in() {
  if constexpr (has(Set, kernel_of(Operation)))
    return &K;
  else
    return nullptr;
}

template <KernelSet Set>
inline const Kernel* choose_operation(OpKind kind, DType dtype) {
  if (dtype != DType::f32) return nullptr;
  switch (kind) {
    case OpKind::activation:
      return kernel_in<Set, OpKind::activation, activation_kernel>();
    case OpKind::max_pool:
      return kernel_in<Set, OpKind::max_pool, max_pool_kernel>();
    case OpKind::mean_hw:
      return kernel_in<Set, OpKind::mean_hw, mean_hw_kernel>();
    case OpKind::add:
      return kernel_in<Set, OpKind::add, add_kernel>();
    case OpKind::scale:
      return kernel_in<Set, OpKind::scale, scale_kernel>();
    case OpKind::shuffle:
      return kernel_in<Set, OpKind::shuffle, shuffle_kernel>();
    case OpKind::upsample:
      return kernel_in<Set, OpKind::upsample, upsample_kernel>();
    case OpKind::add_upsampled:
      return kernel_in<Set, OpKind::add_upsampled, add_upsampled_kernel>();
    case OpKind::custom:
      return kernel_in<Set, OpKind::custom, custom_kernel>();
    default:
      return nullptr;
  }
}

inline const Kernel* choose_copy(DType dtype) { return dtype == DType::f32 ? &copy_kernel : nullptr; }

template <KernelSet Set>
inline const PlanarKernel* choose_planar([[maybe_unused]] const Kernel* kernel) {
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

inline constexpr const Kernel* all_kernels[] = {
    &gemm_kernel,         &conv_kernel,
    &depthwise_kernel<1>, &depthwise_kernel<3>,
    &depthwise_kernel<5>, &depthwise_kernel<7>,
    &max_pool_kernel,     &mean_hw_kernel,
    &activation_kernel,   &add_kernel,
    &scale_kernel,        &copy_kernel,
    &interleave_kernel,   &shuffle_kernel,
    &upsample_kernel,     &add_upsampled_kernel,
    &custom_kernel,       &levels_kernel,
#ifdef TINYFIQA_PLANAR
    &planar_gemm_kernel,  &planar_depthwise_kernel,
    &planar_stem_kernel,
#endif
};

/// The backend with some kernels. Only the whole one has the list of all.
template <KernelSet Set>
inline constexpr Backend backend_with = [] {
  Backend b;
  b.isa = TINYFIQA_ISA_NAME;
  b.vector_floats = simd::width;
  b.conv = choose_conv<Set>;
  b.operation = choose_operation<Set>;
  b.copy = choose_copy;
  b.interleave = kernel_in<Set, OpKind::shuffle, interleave_kernel>();
  b.levels = &levels_kernel;
  b.planar = choose_planar<Set>;
  b.run_chain = run_chain;
  b.image.resize = resize_u8x3;
  b.image.to_floats = pixels_to_floats;
  b.weights.halves_to_floats = halves_to_floats;
  b.weights.scale = scale_weights;
  if constexpr (Set == KernelSet::all) b.all = {all_kernels, sizeof(all_kernels) / sizeof(all_kernels[0])};
  return b;
}();
inline constexpr const Backend& backend = backend_with<KernelSet::all>;

TINYFIQA_ISA_END

#undef TINYFIQA_GEMM_TILE
#undef TINYFIQA_KERNEL_NAME

TINYFIQA_BEGIN
/// The inference backend for the instruction set of this translation unit's compiler flags. (The training backend,
/// which takes longer to compile, is in autograd/training_backend.hpp.) A program of many files can compile the
/// kernels once: it defines TINYFIQA_COMPILED_ELSEWHERE for all files and this function in one of them.
#ifdef TINYFIQA_COMPILED_ELSEWHERE
const Backend& native_backend();
#else
inline const Backend& native_backend() { return kernels::backend; }
#endif

/// The same with only the kernels that these networks need: a program that runs no others compiles faster and is smaller.
///   auto model = make_model(file, my_spec, native_backend_for<MyNet>());
/// Other networks can't be planned with it (PlanError::not_covered). A program whose kernels are compiled elsewhere has
/// all of them.
template <class... Nets>
const Backend& native_backend_for() {
#ifdef TINYFIQA_COMPILED_ELSEWHERE
  return native_backend();
#else
  return kernels::backend_with<kernels_of_networks<Nets...>()>;
#endif
}
TINYFIQA_END
