// Steps as constants of a program: a fifth of the bytes of a Step, which is made of one when it runs.
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cstdint>

TINYFIQA_BEGIN

namespace detail {

/// An Operand as it is after planning.
struct CompactOperand {
  std::uint32_t offset = 0;
  std::uint16_t h = 0, w = 0, c = 0, pixel_stride = 0;
  Place place = Place::none;
  DType dtype = DType::f32;
  std::uint8_t output = 0;
  bool planar = false;
  std::uint8_t zero = 0;  ///< of 8-bit maps: their Quantisation
  float scale = 1.0f;
};

/// A Step as it is after planning. Operands are indices into a table, in which the first one is none.
struct CompactStep {
  void (*run)(const Step&, const Frame&) = nullptr;
  void (*run_rows)(const Step&, const Frame&, const RowsTask&) = nullptr;
  const Op* source = nullptr;
  std::uint32_t packed = 0, slope = 0, rows = 0, thread_bytes = 0;
  std::uint16_t groups = 1, chain_rows = 0;
  std::uint8_t x = 0, b = 0, y = 0, gate = 0;
  Act act = Act::none;
  std::uint8_t window = 1, stride = 1, padding = 0, chain_steps = 0;
  bool has_slope = false;
};

/// What run_constant() runs.
struct ConstantSteps {
  const CompactStep* steps = nullptr;
  int count = 0;
  const CompactOperand* operands = nullptr;
  int images = 1;
  std::size_t scratch = 0;
  const LevelScale* levels = nullptr;
  void (*run_chain)(const Step* first, const Frame& frame) = nullptr;
};

template <int Operands, int Steps>
struct CompactSteps {
  CompactStep steps[Steps];
  CompactOperand operands[Operands];
  LevelScale levels;
  int images = 1;
  std::size_t scratch = 0;
  bool fits = true;  ///< every number fits its member

  constexpr ConstantSteps view(void (*run_chain)(const Step*, const Frame&)) const {
    return {steps, Steps, operands, images, scratch, &levels, run_chain};
  }
};

constexpr bool same_operand(const Operand& a, const Operand& b) {
  return a.place == b.place && a.dtype == b.dtype && a.output == b.output && a.planar == b.planar &&
         a.offset == b.offset && a.pixel_stride == b.pixel_stride && a.extents.h == b.extents.h &&
         a.extents.w == b.extents.w && a.extents.c == b.extents.c && a.quant == b.quant;
}

/// Operand i of a plan.
constexpr const Operand& operand_of(Span<const Step> steps, std::size_t i) {
  const Step& s = steps[i / 4];
  return i % 4 == 0 ? s.x : i % 4 == 1 ? s.b : i % 4 == 2 ? s.y : s.gate;
}
/// The first operand of a plan that equals operand i.
constexpr std::size_t first_equal(Span<const Step> steps, std::size_t i) {
  for (std::size_t j = 0; j < i; ++j)
    if (same_operand(operand_of(steps, j), operand_of(steps, i))) return j;
  return i;
}
/// The number of different operands, and one more for none.
constexpr int count_operands(Span<const Step> steps) {
  int count = 1;
  for (std::size_t i = 0; i < 4 * steps.size; ++i)
    if (operand_of(steps, i).place != Place::none && first_equal(steps, i) == i) ++count;
  return count;
}

constexpr CompactOperand compact(const Operand& o, int images, bool& fits) {
  CompactOperand c;
  c.offset = static_cast<std::uint32_t>(o.offset);
  c.h = static_cast<std::uint16_t>(o.extents.h);
  c.w = static_cast<std::uint16_t>(o.extents.w);
  c.c = static_cast<std::uint16_t>(o.extents.c);
  c.pixel_stride = static_cast<std::uint16_t>(o.pixel_stride);
  c.place = o.place;
  c.dtype = o.dtype;
  c.output = static_cast<std::uint8_t>(o.output);
  c.planar = o.planar;
  c.zero = static_cast<std::uint8_t>(o.quant.zero);
  c.scale = o.quant.scale;
  fits = fits && c.offset == o.offset && c.h == o.extents.h && c.w == o.extents.w && c.c == o.extents.c &&
         c.pixel_stride == o.pixel_stride && o.extents.n == images;
  return c;
}

constexpr CompactStep compact(const Step& s, bool& fits) {
  CompactStep c;
  c.run = s.run;
  c.run_rows = s.chain.steps > 0 || s.x.place == Place::rows ? s.run_rows : nullptr;
  c.source = s.source;
  c.packed = static_cast<std::uint32_t>(s.packed);
  c.slope = static_cast<std::uint32_t>(s.slope);
  c.rows = static_cast<std::uint32_t>(s.rows);
  c.thread_bytes = static_cast<std::uint32_t>(s.chain.thread_bytes);
  c.groups = static_cast<std::uint16_t>(s.groups);
  c.chain_rows = static_cast<std::uint16_t>(s.chain.rows);
  c.act = s.act;
  c.window = static_cast<std::uint8_t>(s.window);
  c.stride = static_cast<std::uint8_t>(s.stride);
  c.padding = static_cast<std::uint8_t>(s.padding);
  c.chain_steps = static_cast<std::uint8_t>(s.chain.steps);
  c.has_slope = s.has_slope;
  fits = fits && c.packed == s.packed && c.slope == s.slope && c.rows == s.rows &&
         c.thread_bytes == s.chain.thread_bytes && c.groups == s.groups && c.chain_rows == s.chain.rows &&
         c.window == s.window && c.stride == s.stride && c.padding == s.padding;
  return c;
}

/// The steps of a plan as constants.
template <int Operands, int Steps>
constexpr CompactSteps<Operands, Steps> compact_steps(Span<const Step> steps) {
  CompactSteps<Operands, Steps> all;
  all.fits = Operands <= 256;
  all.images = steps[0].y.extents.n;
  all.scratch = steps[0].scratch;
  std::uint8_t places[4 * Steps] = {};  // of the operands in the table
  std::uint8_t count = 1;
  for (std::size_t i = 0; i < 4 * steps.size; ++i) {
    if (operand_of(steps, i).place == Place::none) continue;
    const std::size_t first = first_equal(steps, i);
    places[i] = first < i ? places[first] : count++;
    if (first == i) all.operands[places[i]] = compact(operand_of(steps, i), all.images, all.fits);
  }
  for (std::size_t i = 0; i < steps.size; ++i) {
    CompactStep& s = all.steps[i];
    s = compact(steps[i], all.fits);
    s.x = places[4 * i];
    s.b = places[4 * i + 1];
    s.y = places[4 * i + 2];
    s.gate = places[4 * i + 3];
    if (steps[i].x.place == Place::input) all.levels = steps[i].levels;
  }
  return all;
}

inline void expand(const CompactOperand& c, int images, Operand& o) {
  o.place = c.place;
  o.dtype = c.dtype;
  o.planar = c.planar;
  o.output = c.output;
  o.offset = c.offset;
  o.pixel_stride = c.pixel_stride;
  o.extents = {images, c.h, c.w, c.c};
  o.quant = {c.scale, c.zero};
}

inline void expand(const ConstantSteps& all, const CompactStep& c, Step& s) {
  expand(all.operands[c.x], all.images, s.x);
  expand(all.operands[c.b], all.images, s.b);
  expand(all.operands[c.y], all.images, s.y);
  expand(all.operands[c.gate], all.images, s.gate);
  s.run = c.run;
  s.run_rows = c.run_rows;
  s.source = c.source;
  s.packed = c.packed;
  s.slope = c.slope;
  s.rows = c.rows;
  s.scratch = all.scratch;
  s.groups = c.groups;
  s.act = c.act;
  s.window = c.window;
  s.stride = c.stride;
  s.padding = c.padding;
  s.has_slope = c.has_slope;
  s.chain.steps = c.chain_steps;
  s.chain.rows = c.chain_rows;
  s.chain.thread_bytes = c.thread_bytes;
  s.levels = *all.levels;
}

/// run() of runtime/plan.hpp for constant steps. `steps` is memory for those of the longest chain.
inline void run_constant(const ConstantSteps& all, const Frame& frame, Step* steps) {
  const FlushSubnormals flush;
  for (int i = 0; i < all.count;) {
    const int together = all.steps[i].chain_steps > 0 ? all.steps[i].chain_steps : 1;
    for (int k = 0; k < together; ++k) expand(all, all.steps[i + k], steps[k]);
    if (together > 1)
      all.run_chain(steps, frame);
    else
      steps[0].run(steps[0], frame);
    i += together;
  }
}

}  // namespace detail

TINYFIQA_END
