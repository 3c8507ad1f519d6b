// Planning of chains (runtime/chain.hpp): which steps run together a few rows at a time, and where the rows of
// the maps between them lie in a thread's scratch.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_BEGIN

/// A stretch of the arena, alive from the step that writes it to the last step that reads it.
struct Buffer {
  std::size_t floats = 0, offset = 0;
  int first_step = 0, last_step = 0;
};

namespace detail {

inline constexpr std::size_t arena_alignment_floats = 16;  // 64 bytes, a cache line and an AVX-512 vector

inline std::size_t align_floats(std::size_t n) {
  return (n + arena_alignment_floats - 1) / arena_alignment_floats * arena_alignment_floats;
}

class ChainPlanner {
 public:
  /// `output_buffer` is the caller's own memory.
  ChainPlanner(Span<Step> steps, Buffer* buffers, int output_buffer, Span<const Op> ops,
               const Backend& backend)
      : steps_(steps), buffers_(buffers), output_buffer_(output_buffer), ops_(ops), backend_(backend) {}

  /// Makes all chains; returns the floats of scratch that each thread needs for the largest.
  std::size_t form() {
    std::size_t most = 0;
    for (int i = 0; i < count();) {
      int last = i;
      while (last + 1 < count() && last + 1 - i < max_chain_steps && links(last)) ++last;
      if (last > i) {
        make_chain(i, last - i + 1);
        if (step(i).chain.thread_floats > most) most = step(i).chain.thread_floats;
      }
      i = last + 1;
    }
    return most;
  }

 private:
  // A chain pays where the map between its steps does not fit the second-level cache (docs/performance.md);
  // its bands should, beside the weights.
  static constexpr long long chain_map_floats = 384 * 1024;
  static constexpr std::size_t chain_floats = 64 * 1024;
  static constexpr int chain_rows = 16;

  int count() const { return static_cast<int>(steps_.size); }
  Step& step(int i) { return steps_[static_cast<std::size_t>(i)]; }

  /// True when step i + 1 alone reads what step i writes, both work by rows, and the map between them is
  /// worth it.
  bool links(int i) {
    const Step &a = step(i), &b = step(i + 1);
    const bool by_rows = a.kernel->run_rows != nullptr && b.kernel->run_rows != nullptr &&
                         a.gate.place == Place::none && b.gate.place == Place::none;
    const int map = a.y.buffer;
    if (!by_rows || map < 0 || map == output_buffer_ || b.x.buffer != map) return false;
    if (a.y.pixel_stride != a.y.extents.c || b.x.extents.c != a.y.extents.c) return false;
    // (A picture's floats cost nothing in a chain, and it saves their memory.)
    if (a.kernel != backend_.levels && a.y.extents.floats() / a.y.extents.n < chain_map_floats) return false;
    for (int j = 0; j < count(); ++j) {
      const Step& s = step(j);
      if (j != i + 1 && s.x.buffer == map) return false;
      if (j != i && s.y.buffer == map) return false;
      if (s.b.buffer == map || s.gate.buffer == map) return false;
    }
    return true;
  }

  void make_chain(int first, int count) {
    Chain& chain = step(first).chain;
    chain.steps = count;
    chain.run = backend_.run_chain;
    const int height = step(first + count - 1).y.extents.h;
    chain.rows = height < chain_rows ? height : chain_rows;
    while (place_bands(first, count, chain.rows) > chain_floats && chain.rows > 1) --chain.rows;
    chain.thread_floats = place_bands(first, count, chain.rows);
    // All of the chain's steps run at once: what one of them needs must be there for all.
    const int last = first + count - 1;
    for (int i = first; i <= last; ++i) {
      Step& s = step(i);
      for (const Operand* o : {&s.x, &s.b})
        if (o->buffer >= 0 && buffers_[o->buffer].last_step < last) buffers_[o->buffer].last_step = last;
      if (i == last) {
        Buffer& out = buffers_[s.y.buffer];
        if (out.first_step > first) out.first_step = first;
      } else {
        buffers_[s.y.buffer].floats = 0;
        s.y.place = step(i + 1).x.place = Place::band;
        s.y.buffer = step(i + 1).x.buffer = -1;
      }
    }
  }

  /// Gives each intermediate map its place in a thread's scratch, when the last step makes `rows` rows at a
  /// time; returns the floats of all.
  std::size_t place_bands(int first, int count, int rows) {
    std::size_t floats = 0;
    for (int i = first; i < first + count; ++i) {
      const Kernel& k = *step(i).kernel;
      if (k.scratch_floats == nullptr) continue;
      const std::size_t own =
          align_floats(k.scratch_floats(conv_shape(ops_[static_cast<std::size_t>(step(i).first_op)])));
      if (own > floats) floats = own;
    }
    for (int i = first + count - 1; i > first; --i) {
      const Extents& e = step(i).x.extents;
      rows = (rows - 1) * step(i).stride + step(i).window;
      if (rows > e.h) rows = e.h;
      step(i - 1).band = floats;
      floats += align_floats(static_cast<std::size_t>(rows) * static_cast<std::size_t>(e.w) *
                             static_cast<std::size_t>(e.c));
    }
    return floats;
  }

  Span<Step> steps_;
  Buffer* buffers_;
  int output_buffer_;
  Span<const Op> ops_;
  const Backend& backend_;
};

}  // namespace detail

TINYFIQA_END
