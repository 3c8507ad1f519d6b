// Helpers for tests that call one kernel of a backend, as one step of a plan, on guarded memory.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/kernels/reference/unary.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include "guarded.hpp"

#include <algorithm>
#include <vector>

namespace single_step {
using namespace tinyfiqa;

inline unsigned char* bytes_of(GuardedFloats& f) { return reinterpret_cast<unsigned char*>(f.data()); }
inline void fill(GuardedFloats& f, Rng& rng) {
  for (float& v : f) v = rng.uniform(-1.0f, 1.0f);
}
inline std::vector<float> random(std::size_t n, Rng& rng) {
  std::vector<float> v(n);
  for (float& x : v) x = rng.uniform(-1.0f, 1.0f);
  return v;
}
/// An operand in `place`, from channel `first_channel` on. pixel_stride 0: dense.
inline Operand at(Place place, Extents e, int pixel_stride = 0, int first_channel = 0) {
  Operand o;
  o.place = place;
  o.offset = static_cast<std::size_t>(first_channel) * sizeof(float);
  o.pixel_stride = pixel_stride == 0 ? e.c : pixel_stride;
  o.extents = e;
  return o;
}
/// Runs `kernel` with x and b in guarded memory and y full of NaN, and returns y; empty if there is no such kernel.
inline std::vector<float> run_step(const Kernel* kernel, Step s, const std::vector<float>& x,
                                   const std::vector<float>& b, std::size_t out) {
  if (kernel == nullptr) return {};
  GuardedFloats gx(x.size()), gb(b.size() + 1), gy(out);
  std::copy(x.begin(), x.end(), gx.begin());
  std::copy(b.begin(), b.end(), gb.begin() + 1);
  void* const outputs[] = {gy.data()};
  Frame f;
  f.input = gx.data();
  f.arena = reinterpret_cast<unsigned char*>(gb.data() + 1);
  f.outputs = outputs;
  kernel->run(s, f);
  return {gy.begin(), gy.end()};
}
inline reference::MapShape shape(Extents e) { return {e.n, e.h, e.w, e.c}; }

}  // namespace single_step
