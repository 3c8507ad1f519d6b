// The arguments of training kernels, and the tables of training kernels.
#pragma once

#include <tinyfiqa/base/adam_step.hpp>
#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/lazy_map.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/team.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The gradient of a map; data is null if it is not needed.
template <class T>
struct Gradient {
  T* data = nullptr;
  std::ptrdiff_t pixel_stride = 0;  ///< elements from pixel to pixel
  bool accumulate = false;          ///< add to it, because other operations have written to it
  /// [3][C]: where backward leaves the sums that the batch norm of the map's convolution needs; null for none.
  double* sums = nullptr;
};

/// One operation in forward or backward.
template <class T>
struct TapeCall {
  const Op* op = nullptr;
  LazyMap<T> x[max_op_inputs];  ///< inputs; data is null beyond the operation's last one
  T* y = nullptr;               ///< the value, dense; of a convolution, its sums before batch norm
  T* saved = nullptr;           ///< kept from forward to backward: tape_saved() elements
  T* scratch = nullptr;
  T* params = nullptr;  ///< the network's block; forward moves running statistics

  // Backward only.
  const T* dy = nullptr;  ///< gradient of the value (after batch norm and activation)
  std::ptrdiff_t dy_pixel_stride = 0;
  Gradient<T> dx[max_op_inputs];
  /// Of a convolution: the sums over dy that its batch norm needs, [3][C], if the operation that completed dy has
  /// computed them; else null.
  const double* dy_sums = nullptr;
  T* gradient = nullptr;  ///< same offsets as params; added to

  Extents out;
  bool batch_statistics = true;  ///< batch norm by the batch's statistics, not the running ones
  Communicator* ranks =
      nullptr;  ///< of floats: statistics are over the images of all ranks; null: over these images
  Team team;
};

/// Forward and backward of one kind of operation. `scratch` returns the elements of scratch that a call needs;
/// it may look at everything but the pointers.
template <class T>
struct TapeKernel {
  const char* name = "";
  void (*forward)(const TapeCall<T>&) = nullptr;
  void (*backward)(const TapeCall<T>&) = nullptr;
  std::size_t (*scratch)(const TapeCall<T>&) = nullptr;
  bool takes_sums = false;  ///< backward fills Gradient::sums
};

/// The kernels of one kind of arithmetic: an instruction set's floats, or the formulas of kernels/reference.
template <class T>
struct TapeKernels {
  const TapeKernel<T>* (*conv)(const Op& op) = nullptr;
  /// By OpKind, without conv. Null: the formula is used (autograd/formula_kernels.hpp).
  ///   scale   forward leaves the gate's values in `saved`, y is not written
  ///   slice   backward only
  ///   dropout `saved` holds the mask
  const TapeKernel<T>* operation[op_kind_count] = {};
  const TapeKernel<T>* interleave = nullptr;  ///< concat of two maps, then shuffle into two groups
  /// For maps in image lanes (kernels/train/image_lanes.hpp), whose vectors hold a number of each of `lane_images` images.
  /// lanes() returns null if the operation has no such kernel. `first`: its input is the network's, which lies by pixels.
  int lane_images = 0;  ///< 0: no operation has
  const TapeKernel<T>* (*lanes)(const Op& op, bool first) = nullptr;
  Span<const TapeKernel<T>* const> all;
};

/// All kernels of one instruction set that training uses.
struct TrainingBackend {
  const Backend* inference = nullptr;  ///< validation runs on it
  const TapeKernels<float>* tape = nullptr;
  AdamKernel adam = nullptr;
};

/// Elements of `saved` for a value of size `out`.
inline std::size_t tape_saved(const Op& op, const Extents& out) {
  const auto c = static_cast<std::size_t>(out.c), n = static_cast<std::size_t>(out.n);
  switch (op_info(op.kind).saved) {
    case Saved::nothing:
      return 0;
    case Saved::statistics:
      return 4 * c;
    case Saved::gate:
      return n * c;
    case Saved::map:
      return static_cast<std::size_t>(out.floats());
  }
  return 0;
}

TINYFIQA_END
