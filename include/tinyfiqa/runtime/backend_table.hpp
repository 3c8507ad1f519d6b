// The inference backend of the instruction set that this translation unit is compiled for. Its functions unpack
// the operands of a step and call the kernel. A program with several instruction sets compiles this header once
// for each of them.
#pragma once

#include <tinyfiqa/kernels/dot_products.hpp>
#include <tinyfiqa/kernels/elementwise.hpp>
#include <tinyfiqa/kernels/pixels.hpp>
#include <tinyfiqa/kernels/pool.hpp>
#include <tinyfiqa/kernels/resize.hpp>
#include <tinyfiqa/kernels/weights.hpp>
#include <tinyfiqa/runtime/chain.hpp>
#include <tinyfiqa/runtime/convolution_kernels.hpp>
#include <tinyfiqa/runtime/kernel_set.hpp>
#include <tinyfiqa/runtime/step.hpp>
#include <tinyfiqa/runtime/window_args.hpp>

TINYFIQA_ISA_BEGIN(kernels)

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

/// The same for a kernel that reads parameters of the operation.
constexpr Kernel kernel_of_op(const char* name, void (*run)(const Step&, const Frame&)) {
  Kernel k = plain_kernel(name, run);
  k.reads_op = true;
  return k;
}

inline PoolArgs pool_args(const Step& s) {
  PoolArgs p;
  set_window(s, p);
  p.c = s.x.extents.c;
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

/// A panel of channels of the product, for all pixels of an image, is in the scratch; then its means are computed.
inline void run_gemm_mean(const Step& s, const Frame& f) {
  GemmArgs g = gemm_args(s, f);
  g.a = f.read<float>(s.x);
  PoolArgs p;
  p.n = 1;
  p.h = s.x.extents.h;
  p.w = s.x.extents.w;
  p.x = g.c = scratch_floats(s, f);
  const float* const slope = g.slope;
  const int pixels = p.h * p.w;
  for (int image = 0; image < s.x.extents.n; ++image, g.a += pixels * g.lda) {
    float* const y = f.write<float>(s.y) + image * s.y.pixel_stride;
    const float* panel = g.packed;
    for_each_panel(g.n, [&](auto vectors, int first, int columns) {
      constexpr int NV = decltype(vectors)::count;
      p.c = columns;
      p.x_pixel_stride = g.ldc = NV * simd::width;
      g.slope = slope == nullptr ? nullptr : slope + first;
      gemm_panel<NV>(g, panel, 0, columns, 0, pixels);
      p.y = y + first;
      mean_hw(p, Team());
      panel += static_cast<std::ptrdiff_t>(NV) * simd::width * (g.k + 1);
    });
  }
}
inline constexpr Kernel gemm_mean_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("gemm_mean_f32/panel");
  k.run = run_gemm_mean;
  k.packed_bytes = packed_gemm<>;
  k.pack = pack_gemm_step<>;
  return k;
}();
/// The same of levels, some panels at a time.
inline void run_gemm_mean_i8(const Step& s, const Frame& f) {
  const int pixels = s.x.extents.h * s.x.extents.w;
  std::uint8_t* const map = f.arena + s.scratch;
  Step product = s;
  product.y = s.b;
  product.b.place = Place::none;
  GemmI8Args g = gemm_i8_args(product, f, f.read<unsigned char>(s.x), map);
  LevelArgs mean = level_args(s, f);
  mean.images = 1;
  mean.x.levels = map;
  mean.x.scale = s.b.quant.scale;
  mean.x.zero = static_cast<float>(s.b.quant.zero);
  const int channels = g.n;
  const unsigned char* const packed = g.packed;
  const std::ptrdiff_t column_bytes = std::ptrdiff_t{4} * gemm_i8_panel_rows(g.k, s.act);
  for (int image = 0; image < s.x.extents.n; ++image, g.a += pixels * g.lda, mean.y += s.y.pixel_stride) {
    const auto some = [&](int first, int columns) {
      g.n = columns;
      g.out.pixel_stride = columns;
      g.packed = packed + first * column_bytes;
      gemm_i8_rows_range(g, 0, pixels);
      LevelArgs part = mean;
      part.c = columns;
      part.x.pixel_stride = columns;
      part.y += first;
      mean_levels(part, Team());
    };
#ifdef TINYFIQA_SMALL  // panels are narrow, and all of them read the map anew
    for (int first = 0; first < channels; first += level_mean_columns)
      some(first, channels - first < level_mean_columns ? channels - first : level_mean_columns);
#else
    for_each_panel(channels, [&](auto, int first, int columns) { some(first, columns); });
#endif
  }
}
inline constexpr Kernel gemm_mean_i8_kernel = [] {
  Kernel k;
  k.name = TINYFIQA_KERNEL_NAME("gemm_mean_i8/panel");
  k.dtype = DType::u8;
  k.run = run_gemm_mean_i8;
  k.packed_bytes = packed_gemm_i8<>;
  k.pack = pack_gemm_i8_step<>;
  return k;
}();
inline constexpr Kernel max_pool_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("max_pool_f32/1v"), run_max_pool, run_max_pool_rows);
inline constexpr Kernel mean_hw_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("mean_hw_f32/2v"), run_mean_hw);

// ---- elementwise

template <class T>
inline MapArgs<T> map_args(const Step& s, const Frame& f) {
  MapArgs<T> e;
  e.images = s.x.extents.n;
  e.pixels = s.x.extents.h * s.x.extents.w;
  e.c = s.x.extents.c;
  e.x = f.read<T>(s.x);
  e.x_pixel_stride = s.x.pixel_stride;
  if (s.b.place != Place::none) {
    e.b = f.read<T>(s.b);
    e.b_pixel_stride = s.b.pixel_stride;
  }
  e.y = f.write<T>(s.y);
  e.y_pixel_stride = s.y.pixel_stride;
  return e;
}
inline ElementwiseArgs elementwise_args(const Step& s, const Frame& f) {
  ElementwiseArgs e = map_args<float>(s, f);
  e.slope = step_slope(s, f);
  e.act = s.act;
  return e;
}
inline void run_activation(const Step& s, const Frame& f) { activation(elementwise_args(s, f), f.team); }
inline void run_add(const Step& s, const Frame& f) { add(elementwise_args(s, f), f.team); }
inline void run_scale(const Step& s, const Frame& f) { scale(elementwise_args(s, f), f.team); }
template <class T>
inline void run_copy(const Step& s, const Frame& f) {
  copy(map_args<T>(s, f), f.team);
}
template <class T>
inline void run_interleave(const Step& s, const Frame& f) {
  interleave(map_args<T>(s, f), f.team);
}
template <class T>
inline void run_shuffle(const Step& s, const Frame& f) {
  shuffle(map_args<T>(s, f), s.groups, f.team);
}
template <class T>
inline void run_upsample(const Step& s, const Frame& f) {
  upsample(map_args<T>(s, f), s.x.extents.w, s.source->factor, f.team);
}
inline void run_add_upsampled(const Step& s, const Frame& f) {
  const Extents &fine = s.x.extents, &coarse = s.b.extents;
  add_upsampled(elementwise_args(s, f), fine.h, fine.w, coarse.h, coarse.w, f.team);
}
inline constexpr Kernel activation_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("activation_f32/1v"), run_activation);
inline constexpr Kernel add_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("add_f32/1v"), run_add);
inline constexpr Kernel scale_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("scale_f32/1v"), run_scale);
inline constexpr Kernel copy_kernel = plain_kernel(TINYFIQA_KERNEL_NAME("copy_f32/1v"), run_copy<float>);
inline constexpr Kernel interleave_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("interleave_f32/2"), run_interleave<float>);
inline constexpr Kernel shuffle_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("shuffle_f32/1"), run_shuffle<float>);
inline constexpr Kernel upsample_kernel =
    kernel_of_op(TINYFIQA_KERNEL_NAME("upsample_f32/1v"), run_upsample<float>);
inline constexpr Kernel add_upsampled_kernel =
    plain_kernel(TINYFIQA_KERNEL_NAME("add_upsampled_f32/1v"), run_add_upsampled);

/// A kernel that moves levels.
constexpr Kernel moving_kernel(const char* name, void (*run)(const Step&, const Frame&)) {
  Kernel k = plain_kernel(name, run);
  k.dtype = DType::u8;
  return k;
}
inline constexpr Kernel copy_i8_kernel =
    moving_kernel(TINYFIQA_KERNEL_NAME("copy_i8/row"), run_copy<std::uint8_t>);
inline constexpr Kernel interleave_i8_kernel =
    moving_kernel(TINYFIQA_KERNEL_NAME("interleave_i8/16"), run_interleave<std::uint8_t>);
inline constexpr Kernel shuffle_i8_kernel =
    moving_kernel(TINYFIQA_KERNEL_NAME("shuffle_i8/1"), run_shuffle<std::uint8_t>);
inline constexpr Kernel upsample_i8_kernel = [] {
  Kernel k = moving_kernel(TINYFIQA_KERNEL_NAME("upsample_i8/row"), run_upsample<std::uint8_t>);
  k.reads_op = true;
  return k;
}();

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
inline constexpr Kernel custom_kernel = kernel_of_op(TINYFIQA_KERNEL_NAME("custom_f32/1"), run_custom);

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

/// The kernel of an operation if the set has it.
template <KernelSet Set, OpKind Operation, const Kernel& K>
constexpr const Kernel* kernel_in() {
  if constexpr (has(Set, kernel_of(Operation)))
    return &K;
  else
    return nullptr;
}

/// The kernel of an operation on levels.
template <KernelSet Set>
constexpr const Kernel* choose_level_operation(OpKind kind, DType out) {
  if (out == DType::f32)
    return kind == OpKind::mean_hw ? kernel_in<Set, OpKind::mean_hw, mean_hw_i8_floats_kernel>() : nullptr;
  switch (kind) {
    case OpKind::max_pool:
      return kernel_in<Set, OpKind::max_pool, max_pool_i8_kernel>();
    case OpKind::mean_hw:
      return kernel_in<Set, OpKind::mean_hw, mean_hw_i8_kernel>();
    case OpKind::add:
      return kernel_in<Set, OpKind::add, add_i8_kernel>();
    case OpKind::scale:
      return kernel_in<Set, OpKind::scale, scale_i8_kernel>();
    case OpKind::shuffle:
      return kernel_in<Set, OpKind::shuffle, shuffle_i8_kernel>();
    case OpKind::upsample:
      return kernel_in<Set, OpKind::upsample, upsample_i8_kernel>();
    case OpKind::add_upsampled:
      return kernel_in<Set, OpKind::add_upsampled, add_upsampled_i8_kernel>();
    default:
      return nullptr;
  }
}

template <KernelSet Set>
constexpr const Kernel* choose_operation(OpKind kind, DType in, DType out) {
  if constexpr (has(Set, KernelSet::quantised))
    if (in == DType::u8) return choose_level_operation<Set>(kind, out);
  if (in != DType::f32 || out != DType::f32) return nullptr;
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

template <KernelSet Set>
constexpr const Kernel* choose_copy(DType dtype) {
  if constexpr (has(Set, KernelSet::quantised))
    if (dtype == DType::u8) return &copy_i8_kernel;
  return dtype == DType::f32 ? &copy_kernel : nullptr;
}
template <KernelSet Set>
constexpr const Kernel* choose_interleave(DType dtype) {
  if constexpr (has(Set, KernelSet::quantised | kernel_of(OpKind::shuffle)))
    if (dtype == DType::u8) return &interleave_i8_kernel;
  return dtype == DType::f32 ? kernel_in<Set, OpKind::shuffle, interleave_kernel>() : nullptr;
}

inline constexpr const Kernel* all_kernels[] = {
    &gemm_kernel,
    &conv_kernel,
    &depthwise_kernel<1>,
    &depthwise_kernel<3>,
    &depthwise_kernel<5>,
    &depthwise_kernel<7>,
    &max_pool_kernel,
    &mean_hw_kernel,
    &activation_kernel,
    &add_kernel,
    &scale_kernel,
    &copy_kernel,
    &interleave_kernel,
    &shuffle_kernel,
    &upsample_kernel,
    &add_upsampled_kernel,
    &custom_kernel,
    &levels_kernel,
    &gemm_mean_kernel,
    &gemm_mean_i8_kernel,
    &gemm_i8_kernel<DType::u8>,
    &gemm_i8_kernel<DType::f32>,
    &conv_i8_kernel<DType::u8>,
    &conv_i8_kernel<DType::f32>,
    &depthwise_i8_kernel<1, DType::u8>,
    &depthwise_i8_kernel<3, DType::u8>,
    &depthwise_i8_kernel<5, DType::u8>,
    &depthwise_i8_kernel<7, DType::u8>,
    &max_pool_i8_kernel,
    &mean_hw_i8_kernel,
    &add_i8_kernel,
    &scale_i8_kernel,
    &copy_i8_kernel,
    &interleave_i8_kernel,
    &shuffle_i8_kernel,
    &upsample_i8_kernel,
    &add_upsampled_i8_kernel,
    &to_floats_kernel,
#ifdef TINYFIQA_PLANAR
    &planar_gemm_kernel,
    &planar_depthwise_kernel,
    &planar_stem_kernel,
#endif
};

/// The backend with some kernels. Only the whole one has the list of all, and kernels that no network needs.
template <KernelSet Set>
inline constexpr Backend backend_with = [] {
  Backend b;
  b.isa = TINYFIQA_ISA_NAME;
  b.vector_floats = simd::width;
  b.pack_layout.vector_floats = simd::width;
  b.pack_layout.most_panel_vectors = gemm_max_vectors;
  b.conv = choose_conv<Set>;
  b.operation = choose_operation<Set>;
  b.copy = choose_copy<Set>;
  b.interleave = choose_interleave<Set>;
  b.levels = &levels_kernel;
  if constexpr (has(Set, KernelSet::quantised)) b.to_floats = &to_floats_kernel;
  if constexpr (has(Set, KernelSet::gemm | kernel_of(OpKind::mean_hw))) b.product_mean = &gemm_mean_kernel;
  if constexpr (has(Set, KernelSet::gemm | KernelSet::quantised | kernel_of(OpKind::mean_hw)))
    b.level_product_mean = &gemm_mean_i8_kernel;
  b.planar = choose_planar<Set>;
  b.run_chain = run_chain;
  b.image.resize = resize_u8x3;
  b.image.to_floats = pixels_to_floats;
  b.weights.halves_to_floats = halves_to_floats;
  b.weights.scale = scale_weights;
  if constexpr (Set == KernelSet::all) {
    b.embeddings.dot_products = dot_products;
    b.all = {all_kernels, sizeof(all_kernels) / sizeof(all_kernels[0])};
  }
  return b;
}();
inline constexpr const Backend& backend = backend_with<KernelSet::all>;

TINYFIQA_ISA_END
