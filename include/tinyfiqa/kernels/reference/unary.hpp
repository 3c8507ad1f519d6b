// Formulas, forward beside backward, of operations with one dense input whose gradient needs only dy. Training
// takes them for double and, where there is no fast kernel, for float. Maps are [N, H, W, C], dense.
#pragma once

#include <tinyfiqa/kernels/reference/backward.hpp>
#include <tinyfiqa/kernels/reference/forward.hpp>
#include <tinyfiqa/nn/operations.hpp>

TINYFIQA_BEGIN
namespace reference {

template <class T>
struct UnaryFormula {
  bool known = false;  ///< (gcc's sanitizers can't compare pointers to functions in a constant)
  /// Writes y.
  void (*forward)(const Op& op, MapShape in, const T* x, MapShape out, T* y) = nullptr;
  /// Adds to dx.
  void (*backward)(const Op& op, MapShape in, MapShape out, const T* dy, T* dx) = nullptr;
};

// ---- global average:  y[i, c] = mean over pixels of x;   dx = dy / pixels

template <class T>
void mean_hw_forward(const Op&, MapShape in, const T* x, MapShape, T* y) {
  mean_forward(in, x, y);
}
template <class T>
void mean_hw_backward(const Op&, MapShape in, MapShape, const T* dy, T* dx) {
  mean_backward(in, dy, dx);
}

// ---- nearest upsampling:  y[i, h, w, c] = x[i, h / factor, w / factor, c];   dx = sum of dy over its copies

template <class T>
void upsample_forward(const Op& op, MapShape in, const T* x, MapShape out, T* y) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int c = 0; c < out.c; ++c)
          y[out.at(i, oy, ox, c)] = x[in.at(i, oy / op.factor, ox / op.factor, c)];
}
template <class T>
void upsample_backward(const Op& op, MapShape in, MapShape out, const T* dy, T* dx) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int c = 0; c < out.c; ++c)
          dx[in.at(i, oy / op.factor, ox / op.factor, c)] += dy[out.at(i, oy, ox, c)];
}

/// The formulas of an operation; not `known` for operations that are not of this kind.
template <class T>
constexpr UnaryFormula<T> unary_formula(OpKind kind) {
  switch (kind) {
    case OpKind::mean_hw:
      return {true, mean_hw_forward<T>, mean_hw_backward<T>};
    case OpKind::upsample:
      return {true, upsample_forward<T>, upsample_backward<T>};
    default:
      return {};
  }
}

}  // namespace reference
TINYFIQA_END
