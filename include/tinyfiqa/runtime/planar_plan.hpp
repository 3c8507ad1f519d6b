// Planning of planar maps (kernels/planar.hpp). A narrow map is planar if its producer and all its consumers
// have planar kernels. The last step of a planar part of the network writes its output by pixels again.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/runtime/arena.hpp>
#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_BEGIN

/// True if maps of so many channels are narrow: more would fill vectors well enough (docs/performance-log.md).
constexpr bool is_narrow(int channels) { return channels <= 24 && channels % 16 != 0; }

namespace detail {

class PlanarPlanner {
 public:
  constexpr PlanarPlanner(Span<Step> steps, const Buffer* buffers, const Backend& backend)
      : steps_(steps), buffers_(buffers), backend_(backend) {}

  constexpr void form() {
    for (Step& s : steps_) s.y.planar = makes_planes(s);
    for (bool changed = true; changed;) {
      changed = false;
      for (Step& s : steps_)
        if (s.y.planar && !agrees(s)) {
          s.y.planar = false;
          changed = true;
        }
    }
    for (Step& s : steps_) {
      s.x.planar = is_planar(s.x);
      s.b.planar = is_planar(s.b);
      if (s.x.planar || s.y.planar) s.kernel = backend_.planar(s.kernel)->kernel;
    }
  }

 private:
  /// True if the step could write a planar output. Its neighbours are not considered here.
  constexpr bool makes_planes(const Step& s) const {
    const Operand& y = s.y;
    const bool f32 = y.dtype == DType::f32;
    const bool whole = y.extents.w % backend_.vector_floats == 0;  // vectors of pixels
    return is_narrow(y.extents.c) && whole && f32 && takes(s) && y.buffer >= 0 &&
           !buffers_[y.buffer].outside && writers(y.buffer) == 1;
  }
  /// True when the step has a planar kernel, and its operands are whole maps.
  constexpr bool takes(const Step& s) const {
    const PlanarKernel* planar = backend_.planar(s.kernel);
    return planar != nullptr && planar->fits(s) && dense(s.x) && dense(s.y) &&
           (s.b.place == Place::none || dense(s.b));
  }
  static constexpr bool dense(const Operand& o) { return o.pixel_stride == o.extents.c && o.offset == 0; }

  constexpr int writers(int buffer) const {
    int count = 0;
    for (const Step& s : steps_) count += s.y.buffer == buffer ? 1 : 0;
    return count;
  }
  constexpr bool is_planar(const Operand& o) const {
    bool planar = false;
    if (o.buffer >= 0)
      for (const Step& s : steps_) planar = planar || (s.y.buffer == o.buffer && s.y.planar);
    return planar;
  }

  /// True when the producer of a planar map and all its consumers have planar kernels.
  constexpr bool agrees(const Step& s) const {
    if (backend_.planar(s.kernel)->reads_planes && !is_planar(s.x)) return false;
    if (s.b.place != Place::none && !is_planar(s.b)) return false;
    for (const Step& reader : steps_) {
      if (reader.gate.buffer == s.y.buffer) return false;
      if (reader.b.buffer == s.y.buffer && !reader.y.planar) return false;
      if (reader.x.buffer == s.y.buffer && !(takes(reader) && backend_.planar(reader.kernel)->reads_planes))
        return false;
    }
    return true;
  }

  Span<Step> steps_;
  const Buffer* buffers_;
  const Backend& backend_;
};

}  // namespace detail

TINYFIQA_END
