// Runs a plan and looks at every number that its steps compute: where does NaN or infinity come from?
#pragma once

#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/runtime/plan.hpp>

TINYFIQA_BEGIN

/// The first number that is NaN or infinite.
struct NotFinite {
  static constexpr int none = -2, input = -1;
  int step = none;  ///< the step that computed it; `input` if it came from outside
  float value = 0;
  int image = 0, row = 0, column = 0, channel = 0;
};

namespace detail {

/// By its bits: a compiler that assumes finite numbers (-ffast-math) can't remove the check.
TINYFIQA_INLINE bool is_finite(float value) { return (float_bits(value) & 0x7f800000u) != 0x7f800000u; }

/// "NaN", "infinity" or "-infinity".
inline const char* number_name(float value) {
  return value != value ? "NaN" : value > 0 ? "infinity" : "-infinity";
}

/// True if all of `count` numbers are finite. A loop without branches, for compilers to vectorise.
inline bool all_finite(const float* values, std::ptrdiff_t count) {
  unsigned found = 0;
  for (std::ptrdiff_t i = 0; i < count; ++i) found |= is_finite(values[i]) ? 0u : 1u;
  return found == 0;
}

/// Looks at a map of floats. Returns true, and says where in `found`, if one is not finite.
inline bool find_not_finite(const Operand& map, const float* data, NotFinite& found) {
  const Extents& e = map.extents;
  // Planes: [N, H, C, W], so a column is next to the other and a channel is a row of W apart.
  const std::ptrdiff_t column_step = map.planar ? 1 : map.pixel_stride, channel_step = map.planar ? e.w : 1;
  const bool dense = map.pixel_stride == e.c;
  if (dense && all_finite(data, static_cast<std::ptrdiff_t>(e.floats()))) return false;
  for (int n = 0; n < e.n; ++n)
    for (int h = 0; h < e.h; ++h) {
      const float* const row = data + (static_cast<std::ptrdiff_t>(n) * e.h + h) * e.w * map.pixel_stride;
      for (int w = 0; w < e.w; ++w)
        for (int c = 0; c < e.c; ++c) {
          const float value = row[w * column_step + c * channel_step];
          if (is_finite(value)) continue;
          found.value = value;
          found.image = n, found.row = h, found.column = w, found.channel = c;
          return true;
        }
    }
  return false;
}

}  // namespace detail

/// run() for a plan that was made without chains: checks the input if it is floats, and then every map of floats at
/// once when its step has computed it. Ends at the first number that is not finite; the outputs are then not all
/// written.
inline NotFinite run_checked(const Plan& plan, const Frame& frame) {
  const FlushSubnormals flush;
  NotFinite found;
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& s = plan.steps[i];
    if (s.x.place == Place::input && s.x.dtype == DType::f32 &&
        detail::find_not_finite(s.x, frame.read<float>(s.x), found)) {
      found.step = NotFinite::input;
      return found;
    }
    s.run(s, frame);
    if (s.y.dtype == DType::f32 && detail::find_not_finite(s.y, frame.read<float>(s.y), found)) {
      found.step = i;
      return found;
    }
  }
  return found;
}

TINYFIQA_END
