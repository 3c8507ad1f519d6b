// Planning of chains (runtime/chain.hpp): which steps run together, a few rows at a time, and where the rows of
// the maps between them lie in a thread's scratch.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/runtime/arena.hpp>
#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_BEGIN

/// Which steps run together, and how many rows of the last one's output at a time. The defaults are for speed on
/// processors with caches. A chain pays there when the map between its steps does not fit the second-level cache
/// (docs/performance-log.md); the rows that it keeps should fit there, beside the weights.
struct ChainLimits {
  long long least_map_bytes = 1536 * 1024;   ///< smaller maps between two steps are in memory as a whole
  std::size_t most_rows_bytes = 256 * 1024;  ///< of the rows that a chain keeps
  int most_steps = 6;                        ///< 2 .. max_chain_steps
  int rows = 16;
  int least_rows = 2;       ///< with one row at a time, 3x3 windows move twice as many rows as they compute
  bool ends_small = false;  ///< a chain ends at the step with the smallest output that it can reach
};

/// For little memory: no map is in memory as a whole that can be avoided. (Planar maps are: they form no chains.)
constexpr ChainLimits low_memory_chains() {
  ChainLimits limits;
  limits.least_map_bytes = 0;
  limits.most_steps = max_chain_steps;
  limits.rows = 1;
  limits.least_rows = 1;
  limits.ends_small = true;
  return limits;
}

namespace detail {

class ChainPlanner {
 public:
  constexpr ChainPlanner(Span<Step> steps, Buffer* buffers, Span<const Op> ops, const Backend& backend,
                         const ChainLimits& limits)
      : steps_(steps), buffers_(buffers), ops_(ops), backend_(backend), limits_(limits) {}

  /// Makes all chains; returns the bytes of scratch that each thread needs for the largest.
  constexpr std::size_t form() {
    std::size_t most = 0;
    for (int i = 0; i < count();) {
      int last = i;
      for (int end = i + 1;
           end < count() && end - i < limits_.most_steps && links(end - 1) && has_room(i, end); ++end)
        if (!limits_.ends_small || output_bytes(end) <= output_bytes(last)) last = end;
      if (last > i) {
        make_chain(i, last - i + 1);
        if (step(i).chain.thread_bytes > most) most = step(i).chain.thread_bytes;
      }
      i = last + 1;
    }
    return most;
  }

 private:
  constexpr int count() const { return static_cast<int>(steps_.size); }
  constexpr Step& step(int i) { return steps_[static_cast<std::size_t>(i)]; }
  constexpr long long output_bytes(int i) {
    const Operand& y = step(i).y;
    return y.extents.floats() * static_cast<long long>(dtype_bytes(y.dtype));
  }

  /// True when step i + 1 alone reads what step i writes, both work by rows, and the map between them is
  /// large enough.
  constexpr bool links(int i) {
    const Step &a = step(i), &b = step(i + 1);
    const bool by_rows = a.kernel->run_rows != nullptr && b.kernel->run_rows != nullptr &&
                         a.gate.place == Place::none && b.gate.place == Place::none;
    const int map = a.y.buffer;
    if (!by_rows || map < 0 || buffers_[map].outside || b.x.buffer != map) return false;
    if (a.y.pixel_stride != a.y.extents.c || b.x.extents.c != a.y.extents.c) return false;
    // Converting an image's levels to floats inside a chain always pays: it saves the memory of the floats.
    const long long image_bytes = output_bytes(i) / a.y.extents.n;
    if (a.kernel != backend_.levels && image_bytes < limits_.least_map_bytes) return false;
    for (int j = 0; j < count(); ++j) {
      const Step& s = step(j);
      if (j != i + 1 && s.x.buffer == map) return false;
      if (j != i && s.y.buffer == map) return false;
      if (s.b.buffer == map || s.gate.buffer == map) return false;
    }
    return true;
  }

  /// True when a chain of the steps first .. last can compute limits_.least_rows at a time. Pairs always may.
  constexpr bool has_room(int first, int last) {
    return last - first < 2 ||
           place_rows(first, last + 1 - first, limits_.least_rows) <= limits_.most_rows_bytes;
  }

  constexpr void make_chain(int first, int count) {
    Chain& chain = step(first).chain;
    chain.steps = count;
    chain.run = backend_.run_chain;
    const int height = step(first + count - 1).y.extents.h;
    chain.rows = height < limits_.rows ? height : limits_.rows;
    while (place_rows(first, count, chain.rows) > limits_.most_rows_bytes && chain.rows > 1) --chain.rows;
    chain.thread_bytes = place_rows(first, count, chain.rows);
    // The steps of a chain run together: what one of them reads must stay alive for all of them.
    const int last = first + count - 1;
    for (int i = first; i <= last; ++i) {
      Step& s = step(i);
      for (const Operand* o : {&s.x, &s.b})
        if (o->buffer >= 0 && buffers_[o->buffer].last < last) buffers_[o->buffer].last = last;
      if (i == last) {
        Buffer& out = buffers_[s.y.buffer];
        if (out.first > first) out.first = first;
      } else {
        buffers_[s.y.buffer].bytes = 0;
        s.y.place = step(i + 1).x.place = Place::rows;
        s.y.buffer = step(i + 1).x.buffer = -1;
      }
    }
  }

  /// Gives the rows of each intermediate map their place in a thread's scratch, when the last step writes
  /// `rows` rows at a time; returns the bytes of all.
  constexpr std::size_t place_rows(int first, int count, int rows) {
    std::size_t bytes = 0;
    for (int i = first; i < first + count; ++i) {
      const Kernel& k = *step(i).kernel;
      if (k.scratch_bytes == nullptr) continue;
      const std::size_t own =
          align_bytes(k.scratch_bytes(conv_shape(ops_, step(i).first_op), step(i).x.extents.w));
      if (own > bytes) bytes = own;
    }
    for (int i = first + count - 1; i > first; --i) {
      const Extents& e = step(i).x.extents;
      rows = (rows - 1) * step(i).stride + step(i).window;
      if (rows > e.h) rows = e.h;
      step(i - 1).rows = bytes;
      bytes += align_bytes(static_cast<std::size_t>(rows) * static_cast<std::size_t>(e.w) *
                           static_cast<std::size_t>(e.c) * dtype_bytes(step(i).x.dtype));
    }
    return bytes;
  }

  Span<Step> steps_;
  Buffer* buffers_;
  Span<const Op> ops_;
  const Backend& backend_;
  ChainLimits limits_;
};

}  // namespace detail

TINYFIQA_END
