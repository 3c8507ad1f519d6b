// What a training kernel sees of one operation, and the table of training kernels.
#pragma once

#include <tinyfiqa/base/adam_step.hpp>
#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/lazy_map.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/team.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The gradient of a map; data is null when nobody needs it.
template <class T>
struct Gradient {
  T* data = nullptr;
  std::ptrdiff_t pixel_stride = 0;  ///< elements from pixel to pixel
  bool accumulate = false;          ///< others have written to it: add
  double* sums =
      nullptr;  ///< [3][C]: where backward leaves what the batch norm of the map's convolution needs
};

/// One operation in forward or backward.
template <class T>
struct TapeCall {
  const Op* op = nullptr;
  LazyMap<T> x[2];     ///< inputs; x[1].data is null for operations with one
  T* y = nullptr;      ///< the value, dense; of a convolution, its sums before batch norm
  T* saved = nullptr;  ///< kept from forward to backward: tape_saved() elements
  T* scratch = nullptr;
  T* params = nullptr;  ///< the network's block; forward moves running statistics

  const T* dy =
      nullptr;  ///< backward only, as all below; gradient of the value (after batch norm and activation)
  std::ptrdiff_t dy_pixel_stride = 0;
  Gradient<T> dx[2];
  /// Of a convolution: what its batch norm needs of dy, [3][C], where the operation that completed dy has
  /// taken it.
  const double* dy_sums = nullptr;
  T* gradient = nullptr;  ///< same offsets as params; added to

  Extents out;
  bool batch_statistics = true;  ///< batch norm by the batch's statistics, not the running ones
  Team team;
};

/// Forward and backward of one kind of operation. `scratch` says how many elements a call needs; it may look
/// at everything but the pointers.
template <class T>
struct TapeKernel {
  const char* name;
  void (*forward)(const TapeCall<T>&);
  void (*backward)(const TapeCall<T>&);
  std::size_t (*scratch)(const TapeCall<T>&);
  bool takes_sums = false;  ///< backward fills Gradient::sums
};

/// The kernels of one kind of arithmetic: an instruction set's floats, or the formulas of ref/.
template <class T>
struct TapeKernels {
  const TapeKernel<T>* (*conv)(const Op& op);
  const TapeKernel<T>* activation;
  const TapeKernel<T>* max_pool;
  const TapeKernel<T>* mean_hw;
  const TapeKernel<T>* add;
  const TapeKernel<T>* scale;  ///< forward leaves the gate's values in `saved`, y is not written
  const TapeKernel<T>* concat;
  const TapeKernel<T>* slice;  ///< backward only
  const TapeKernel<T>* shuffle;
  const TapeKernel<T>* interleave;  ///< concat, then shuffle into two groups
  const TapeKernel<T>* mask;        ///< dropout: `saved` holds the mask
  Span<const TapeKernel<T>* const> all;
};

/// All kernels of one instruction set that training uses.
struct TrainingBackend {
  const Backend* inference = nullptr;  ///< validation runs on it
  const TapeKernels<float>* tape = nullptr;
  AdamKernel adam = nullptr;
};

/// Elements of `saved` by kind. A convolution keeps mean, 1 / std, scale and shift, [C] each.
inline std::size_t tape_saved(const Op& op, const Extents& out) {
  const auto c = static_cast<std::size_t>(out.c), n = static_cast<std::size_t>(out.n);
  if (op.kind == OpKind::conv) return 4 * c;
  if (op.kind == OpKind::scale) return n * c;
  if (op.kind == OpKind::max_pool || op.kind == OpKind::dropout)
    return static_cast<std::size_t>(out.floats());
  return 0;
}

TINYFIQA_END
