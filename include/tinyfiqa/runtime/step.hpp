// Steps: a plan is a list of steps, and a step is one call of one kernel on operands in the arena.
#pragma once

#include <tinyfiqa/base/dtype.hpp>
#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/team.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/runtime/packed_weights.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The memory that a step reads or writes. Input and outputs are the caller's. `rows`: between two steps of a
/// chain (runtime/chain.hpp), which keep only some rows of the map, in a thread's scratch.
enum class Place : unsigned char { none, arena, input, output, rows };

/// A map in memory: the first element of pixel 0, and the distance from pixel to pixel.
struct Operand {
  Place place = Place::none;
  DType dtype = DType::f32;
  bool planar = false;     ///< rows of planes, [N, H, C, W]; see kernels/planar.hpp
  int output = 0;          ///< which output, when place is output
  std::size_t offset = 0;  ///< bytes from the start of its place
  int pixel_stride = 0;    ///< elements from pixel to pixel; more than extents.c in a slice
  Extents extents;
  int buffer = -1;     ///< its number in the planner, if place is arena or output
  Quantisation quant;  ///< of integer elements: the numbers that they stand for
};

/// How a network sees the levels 0..255 of an image's three channels: x = (level - mean) * scale.
struct LevelScale {
  float mean[3] = {0, 0, 0};
  float scale[3] = {1, 1, 1};
};

struct Kernel;
struct Frame;
struct Step;

/// A task: compute rows begin .. end - 1 of image `image` of a step's output. x and y point to where element 0 of
/// row 0 of image 0 would be; only the rows that are needed exist.
struct RowsTask {
  const unsigned char* x = nullptr;
  unsigned char* y = nullptr;
  int image = 0, begin = 0, end = 0;
  unsigned char* scratch = nullptr;  ///< Kernel::scratch_bytes() bytes, for one thread

  template <class T>
  TINYFIQA_INLINE const T* read() const {
    return reinterpret_cast<const T*>(x);
  }
  template <class T>
  TINYFIQA_INLINE T* write() const {
    return reinterpret_cast<T*>(y);
  }
};

/// A chain, as a field of its first step.
struct Chain {
  int steps = 0;                 ///< 0: the step runs alone
  int rows = 0;                  ///< of the last step's output at a time
  std::size_t thread_bytes = 0;  ///< of scratch, for each thread
  void (*run)(const Step* first, const Frame& frame) = nullptr;
};

/// One kernel call. `packed`, `slope` and `scratch` count bytes into the packed weights and the arena.
struct Step {
  const Kernel* kernel = nullptr;
  int op = -1;        ///< the operation whose value this step computes
  int first_op = -1;  ///< the first of the operations that are fused into this step
  Operand x, b, y;  ///< b: residual, gate of a scale, second input, or the map between a product and its mean
  Operand gate;     ///< [N, 1, 1, C]: x is multiplied by it when it is read
  /// The functions of `kernel`, which may be null when the step runs (runtime/constant_plan.hpp).
  void (*run)(const Step&, const Frame&) = nullptr;
  void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr;
  Act act = Act::none;
  int window = 1, stride = 1, padding = 0;
  int groups = 1;  ///< of a convolution or a shuffle
  /// Operation first_op, for kernels that read parameters of its own (Kernel::reads_op); null for others.
  const Op* source = nullptr;
  std::size_t packed = 0;
  std::size_t slope = 0;  ///< place of the slopes of PReLU in the packed weights
  bool has_slope = false;
  std::size_t scratch = 0;
  LevelScale levels;  ///< of the step that reads an image's levels
  Chain chain;
  std::size_t rows = 0;  ///< inside a chain: where its output's rows lie in the thread's scratch, in bytes
};

/// The memory of one run.
struct Frame {
  unsigned char* arena = nullptr;
  const unsigned char* packed = nullptr;
  const void* input = nullptr;     ///< floats or, in a plan for images, levels
  void* const* outputs = nullptr;  ///< the caller's memory for each output of the plan
  Team team;

  template <class T>
  TINYFIQA_INLINE const T* read(const Operand& o) const {
    const auto* base = o.place == Place::input    ? static_cast<const unsigned char*>(input)
                       : o.place == Place::output ? static_cast<const unsigned char*>(outputs[o.output])
                                                  : arena;
    return reinterpret_cast<const T*>(base + o.offset);
  }
  template <class T>
  TINYFIQA_INLINE T* write(const Operand& o) const {
    auto* base = o.place == Place::output ? static_cast<unsigned char*>(outputs[o.output]) : arena;
    return reinterpret_cast<T*>(base + o.offset);
  }
};

/// Channels that a product of levels and its mean take at a time, if panels are narrower.
inline constexpr int level_mean_columns = 16;
inline constexpr int max_chain_steps = 8;  ///< ChainLimits::most_steps is at most this

struct RowRange {
  int begin = 0, end = 0;
};

/// The rows of a step's input that are read for rows begin .. end - 1 of its output.
TINYFIQA_INLINE constexpr RowRange rows_read(const Step& s, int begin, int end) {
  const int first = begin * s.stride - s.padding, last = (end - 1) * s.stride - s.padding + s.window;
  const int height = s.x.extents.h;
  RowRange r{first < 0 ? 0 : first, last < height ? last : height};
  if (r.end < r.begin) r.end = r.begin;
  return r;
}

/// The shape of a convolution without the size of its input.
struct ConvShape {
  int cout = 0, cin = 0, window = 1, stride = 1, padding = 0, groups = 1;
  DType in = DType::f32, out = DType::f32;  ///< element types of the maps
  Act act = Act::none;
  TINYFIQA_INLINE constexpr int depth() const { return cin / groups * window * window; }
  /// True for 1x1 convolutions that are matrix products.
  TINYFIQA_INLINE constexpr bool is_product() const {
    return window == 1 && stride == 1 && padding == 0 && groups == 1;
  }
};

/// `in`: the element type of the input map.
constexpr ConvShape conv_shape(const Op& op, DType in = DType::f32) {
  return {op.channels, op.in_channels, op.window, op.stride, op.padding, op.groups, in, op.dtype, op.act};
}
/// The shape of the convolution that is operation `id` of a network.
constexpr ConvShape conv_shape(Span<const Op> ops, int id) {
  const Op& op = ops[static_cast<std::size_t>(id)];
  return conv_shape(op, ops[static_cast<std::size_t>(op.inputs[0])].dtype);
}

/// Weights [Cout][Cin / G][K][K] with batch norm multiplied in, and bias [Cout].
struct FoldedConv {
  ConvShape shape;
  const float* weight = nullptr;
  const float* bias = nullptr;
  // For 8-bit maps:
  Quantisation x, y;
  const LevelScale* levels = nullptr;  ///< of the image that is the input; else null
  const float* slope = nullptr;        ///< [Cout], PReLU's
  const float* y_factor = nullptr;     ///< [Cout], Op::level_factors of the output; null for ones
};

/// A kernel's name for this translation unit: <op>_<dtype>/<tile>/<isa>. `op` is the part before <isa>.
#define TINYFIQA_KERNEL_NAME(op) op "/" TINYFIQA_ISA_NAME

/// A kernel, and the functions that belong to it: the layout of the packed weights is the kernel's.
struct Kernel {
  const char* name = "";        ///< TINYFIQA_KERNEL_NAME
  DType dtype = DType::f32;     ///< of the elements that it writes
  bool takes_residual = false;  ///< adds operand b in its epilogue
  bool reads_op = false;        ///< needs Step::source
  bool takes_image =
      false;  ///< may read the levels of an image, as the first layer of a network of 8-bit maps
  bool takes_gate = false;  ///< multiplies x by operand gate; needs scratch for its packed weights once
  void (*run)(const Step&, const Frame&) = nullptr;
  /// The same for some rows; null if the kernel can't be part of a chain.
  void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr;
  /// Bytes of the packed weights; null for kernels without weights.
  std::size_t (*packed_bytes)(const ConvShape& shape) = nullptr;
  /// Writes the packed weights. `workspace` has Cout * Cin / G * K * K floats, but none where
  /// shape.is_product().
  void (*pack)(const FoldedConv& conv, float* workspace, unsigned char* packed) = nullptr;
  /// Bytes of scratch that each thread needs for an input of that width; null for none.
  std::size_t (*scratch_bytes)(const ConvShape& shape, int width) = nullptr;
};

/// A kernel for narrow maps. It replaces another kernel and takes the same packed weights.
struct PlanarKernel {
  const Kernel* kernel = nullptr;
  bool reads_planes = false;            ///< x is planar; otherwise only y is
  bool (*fits)(const Step&) = nullptr;  ///< true if it can compute this step, with y planar or not
};

namespace kernels {
struct ResizeAxis;
}

/// Kernels for the preprocessing of images: kernels/resize.hpp and kernels/pixels.hpp.
struct ImageKernels {
  void (*resize)(const unsigned char* in, std::ptrdiff_t in_stride, const kernels::ResizeAxis& x,
                 const kernels::ResizeAxis& y, unsigned char* scratch, unsigned char* out,
                 std::ptrdiff_t out_stride) = nullptr;
  void (*to_floats)(const unsigned char* levels, std::ptrdiff_t pixels, const float* mean, const float* scale,
                    float* out) = nullptr;
};

/// Kernels for the loading of weights: kernels/weights.hpp.
struct WeightKernels {
  bool (*halves_to_floats)(const unsigned char* halves, std::ptrdiff_t count, float* out) = nullptr;
  void (*scale)(float* values, std::ptrdiff_t count, double factor) = nullptr;
};

/// Kernels for the comparison of embeddings: kernels/dot_products.hpp. Null in a backend for one network alone.
struct EmbeddingKernels {
  void (*dot_products)(const float* x, const float* rows, std::ptrdiff_t count, int n, float* out) = nullptr;
};

/// The kernels of one instruction set.
struct Backend {
  const char* isa = "";
  int vector_floats = 1;
  PackLayout pack_layout;
  /// The kernel for a convolution of this shape and these element types; null when there is none.
  const Kernel* (*conv)(const ConvShape& shape) = nullptr;
  /// The kernel for an operation that has one for all shapes, from and to maps of these element types; null when there
  /// is none.
  const Kernel* (*operation)(OpKind kind, DType in, DType out) = nullptr;
  // Kernels of steps that are not operations: copy a map into a part of another one, interleave the channels of
  // two maps, convert the levels of an image to floats.
  const Kernel* (*copy)(DType dtype) = nullptr;
  const Kernel* (*interleave)(DType dtype) = nullptr;
  const Kernel* levels = nullptr;
  /// Converts a map of levels to the floats that they stand for; null if there is none.
  const Kernel* to_floats = nullptr;
  /// A product and the mean of its result over rows and columns, without the map between them; null if there is
  /// none.
  const Kernel* product_mean = nullptr;
  const Kernel* level_product_mean = nullptr;  ///< the same from levels to levels
  /// The planar kernel that can replace `kernel` on narrow maps; null if there is none.
  const PlanarKernel* (*planar)(const Kernel* kernel) = nullptr;
  void (*run_chain)(const Step* first, const Frame& frame) = nullptr;
  ImageKernels image;
  WeightKernels weights;
  EmbeddingKernels embeddings;
  Span<const Kernel* const> all;  ///< every kernel of its own, for tests, benches and docs
  /// The backend whose kernels this one has where it has none of its own: "avx512" if this is "avx512vnni". Else null.
  const Backend* base = nullptr;
};

/// The kernels of an instruction set that adds 8-bit dot products to another one: convolutions of levels.
struct DotProductKernels {
  const char* isa = "";
  const Backend* base = nullptr;
  const Kernel* (*conv)(const ConvShape& shape) = nullptr;  ///< convolutions of floats: those of `base`
  Span<const Kernel* const> all;
};

TINYFIQA_END
