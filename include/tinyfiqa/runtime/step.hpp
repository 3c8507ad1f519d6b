// What a plan is made of: steps, each one call of one kernel on operands in the arena.
#pragma once

#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/team.hpp>
#include <tinyfiqa/nn/graph.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// Where a step reads or writes. The input and the output of a run are the caller's own memory.
/// `band`: between two steps of a chain (runtime/chain.hpp), which keeps a few rows at a time.
enum class Place : unsigned char { none, arena, input, output, band };

/// A map in memory: the first float of pixel 0, and the distance from pixel to pixel.
struct Operand {
  Place place = Place::none;
  std::size_t offset = 0;  ///< floats from the start of its place
  int pixel_stride = 0;    ///< floats; more than extents.c in a slice
  Extents extents;
  int buffer = -1;      ///< the planner's, when place is arena or output
  bool planar = false;  ///< rows of planes, [N, H, C, W]; see kernels/planar.hpp
};

/// How a network sees the levels 0..255 of a picture's three channels: x = (level - mean) * scale.
struct LevelScale {
  float mean[3] = {0, 0, 0};
  float scale[3] = {1, 1, 1};
};

struct Kernel;
struct Frame;
struct Step;

/// Rows begin .. end of image `image` of a step's output, from and to maps whose first float (of image 0, row
/// 0) would be at x and y; only the rows that are needed exist.
struct RowsTask {
  const float* x = nullptr;
  float* y = nullptr;
  int image = 0, begin = 0, end = 0;
  float* scratch = nullptr;  ///< the kernel's, for one thread
};

/// What the first step of a chain knows of it.
struct Chain {
  int steps = 0;                  ///< 0: the step runs alone
  int rows = 0;                   ///< of the last step's output at a time
  std::size_t thread_floats = 0;  ///< of scratch, for each thread
  void (*run)(const Step* first, const Frame& frame) = nullptr;
};

/// One kernel call. `packed` and `scratch` count floats into the packed weights and the arena.
struct Step {
  const Kernel* kernel = nullptr;
  int op = -1;        ///< the graph's operation whose value this step makes
  int first_op = -1;  ///< the operation it starts with, when several are fused
  Operand x, b, y;    ///< b: residual, gate of a scale, or second input
  Operand gate;       ///< [N, 1, 1, C]: multiplies x on the way in
  Act act = Act::none;
  int window = 1, stride = 1, padding = 0, groups = 1;
  std::size_t packed = 0;
  std::size_t slope = 0;  ///< prelu's slopes lie behind the packed weights
  bool has_slope = false;
  std::size_t scratch = 0;
  const CustomOp* custom = nullptr;
  LevelScale levels;  ///< of the step that reads a picture's levels
  Chain chain;
  std::size_t band = 0;  ///< its output's place in the thread's scratch, inside a chain
};

/// The memory of one run.
struct Frame {
  float* arena = nullptr;
  const float* packed = nullptr;
  const float* input = nullptr;
  const unsigned char* levels = nullptr;  ///< the input of a plan for pictures, instead
  float* output = nullptr;
  Team team;

  TINYFIQA_INLINE const float* read(const Operand& o) const {
    return (o.place == Place::input ? input : o.place == Place::output ? output : arena) + o.offset;
  }
  TINYFIQA_INLINE float* write(const Operand& o) const {
    return (o.place == Place::output ? output : arena) + o.offset;
  }
};

inline constexpr int max_chain_steps = 6;

struct RowRange {
  int begin = 0, end = 0;
};

/// Rows of a step's input that rows begin .. end of its output read.
TINYFIQA_INLINE RowRange rows_read(const Step& s, int begin, int end) {
  const int first = begin * s.stride - s.padding, last = (end - 1) * s.stride - s.padding + s.window;
  const int height = s.x.extents.h;
  RowRange r{first < 0 ? 0 : first, last < height ? last : height};
  if (r.end < r.begin) r.end = r.begin;
  return r;
}

/// What a convolution looks like, its input's size aside.
struct ConvShape {
  int cout = 0, cin = 0, window = 1, stride = 1, padding = 0, groups = 1;
  TINYFIQA_INLINE constexpr int depth() const { return cin / groups * window * window; }
  /// A 1x1 convolution that is a matrix product as it is.
  TINYFIQA_INLINE constexpr bool is_product() const {
    return window == 1 && stride == 1 && padding == 0 && groups == 1;
  }
};

constexpr ConvShape conv_shape(const Op& op) {
  return {op.channels, op.in_channels, op.window, op.stride, op.padding, op.groups};
}

/// Weights [Cout][Cin / G][K][K] with batch norm multiplied in, and bias [Cout].
struct FoldedConv {
  ConvShape shape;
  const float* weight = nullptr;
  const float* bias = nullptr;
};

/// A kernel as plans see it. Packing belongs to it, because the layout of the weights does.
struct Kernel {
  const char* name;     ///< <op>_<dtype>/<tile>/<isa>
  bool takes_residual;  ///< adds operand b on the way out
  void (*run)(const Step&, const Frame&);
  /// Floats of the packed weights; null for kernels without weights.
  std::size_t (*packed_floats)(const ConvShape& shape);
  /// `room` has Cout * Cin / G * K * K floats, but none where shape.is_product().
  void (*pack)(const FoldedConv& conv, float* room, float* packed);
  /// Floats of arena that each thread needs beside the operands; null for none.
  std::size_t (*scratch_floats)(const ConvShape& shape);
  /// The same for some rows; null for kernels that can't be part of a chain.
  void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr;
  bool takes_gate = false;  ///< multiplies x by operand gate; needs scratch for its packed weights once
};

/// A kernel for narrow maps, which takes the same packed weights as the one that it stands in for.
struct PlanarKernel {
  const Kernel* kernel;
  bool reads_planes;          ///< x is planar; else x is as usual, and y alone planar
  bool (*fits)(const Step&);  ///< whether it can do this step, whatever the layout of y
};

namespace kernels {
struct ResizeAxis;
}

/// What is done to a picture before a network sees it; see kernels/resize.hpp and kernels/pixels.hpp.
struct ImageKernels {
  void (*resize)(const unsigned char* in, std::ptrdiff_t in_stride, const kernels::ResizeAxis& x,
                 const kernels::ResizeAxis& y, unsigned char* scratch, unsigned char* out,
                 std::ptrdiff_t out_stride);
  void (*to_floats)(const unsigned char* levels, std::ptrdiff_t pixels, const float* mean, const float* scale,
                    float* out);
};

/// What is done to weights before a network has them; see kernels/weights.hpp.
struct WeightKernels {
  bool (*halves_to_floats)(const unsigned char* halves, std::ptrdiff_t count, float* out);
  void (*scale)(float* values, std::ptrdiff_t count, double factor);
};

/// The kernels of one instruction set.
struct Backend {
  const char* isa;
  int vector_floats;
  /// The kernel for a convolution of this shape; null when there is none.
  const Kernel* (*conv)(const ConvShape& shape);
  const Kernel* activation;
  const Kernel* max_pool;
  const Kernel* mean_hw;
  const Kernel* add;
  const Kernel* scale;
  const Kernel* copy;
  const Kernel* interleave;
  const Kernel* shuffle;
  const Kernel* custom;
  const Kernel* levels;  ///< a picture's levels to floats
  /// What stands in for a convolution's kernel on narrow maps; null where there is nothing.
  const PlanarKernel* (*planar)(const Kernel* kernel);
  Span<const Kernel* const> all;  ///< every kernel, for tests, benches and docs
  void (*run_chain)(const Step* first, const Frame& frame);
  ImageKernels image;
  WeightKernels weights;
};

TINYFIQA_END
