// Training kernels of the user's own operations (nn/custom_op.hpp). They copy lazy and strided maps to dense
// ones, because these operations take dense maps.
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/kernels/reference/lazy.hpp>

TINYFIQA_BEGIN
namespace detail {

template <class T>
Extents extents_of(const LazyMap<T>& x) {
  return {x.n, x.h, x.w, x.c};
}

/// Dense inputs and gradients, one after the other in the call's scratch.
template <class T>
CustomCall<T> custom_call(const TapeCall<T>& t, bool backward) {
  CustomCall<T> call;
  T* next = t.scratch;
  for (const int side : {0, 1}) {
    const LazyMap<T>& x = t.x[side];
    call.in[side] = extents_of(x);
    const auto pixels = static_cast<std::ptrdiff_t>(call.in[side].pixels());
    if (pixels == 0) continue;
    call.x[side] = next;
    for (std::ptrdiff_t p = 0; p < pixels; ++p)
      for (int c = 0; c < x.c; ++c) *next++ = reference::lazy_value(x, p, c);
    if (!backward || t.dx[side].data == nullptr) continue;
    call.dx[side] = next;
    for (std::ptrdiff_t i = 0; i < pixels * x.c; ++i) *next++ = 0;
  }
  call.out = t.out;
  call.y = t.y;
  if (t.op->weight >= 0) call.params = t.params + t.op->weight;
  if (t.op->weight >= 0 && backward) call.dparams = t.gradient + t.op->weight;
  if (!backward) return call;
  T* const dy = next;
  for (std::ptrdiff_t p = 0; p < t.out.pixels(); ++p)
    for (int c = 0; c < t.out.c; ++c) *next++ = t.dy[p * t.dy_pixel_stride + c];
  call.dy = dy;
  return call;
}

template <class T>
void tape_custom_forward(const TapeCall<T>& t) {
  custom_forward(*t.op->custom, custom_call(t, false));
}
template <class T>
void tape_custom_backward(const TapeCall<T>& t) {
  const CustomCall<T> call = custom_call(t, true);
  custom_backward(*t.op->custom, call);
  for (const int side : {0, 1}) {
    const Gradient<T>& to = t.dx[side];
    if (call.dx[side] == nullptr) continue;
    const T* from = call.dx[side];
    for (std::ptrdiff_t p = 0; p < call.in[side].pixels(); ++p)
      for (int c = 0; c < call.in[side].c; ++c) {
        T& at = to.data[p * to.pixel_stride + c];
        at = (to.accumulate ? at : T(0)) + *from++;
      }
  }
}
template <class T>
std::size_t tape_custom_scratch(const TapeCall<T>& t) {
  return static_cast<std::size_t>(2 * extents_of(t.x[0]).floats() + 2 * extents_of(t.x[1]).floats() +
                                  t.out.floats());
}
template <class T>
inline constexpr TapeKernel<T> tape_custom = [] {
  TapeKernel<T> k;
  k.name = "custom";
  k.forward = tape_custom_forward<T>;
  k.backward = tape_custom_backward<T>;
  k.scratch = tape_custom_scratch<T>;
  return k;
}();

}  // namespace detail
TINYFIQA_END
