// The layout of an arena: which buffers share memory. Inference and training plan by this one function.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// A contiguous part of the arena. It is alive from time `first` (when it is written) to time `last` (when it
/// is read for the last time), both included. The unit of time is the planner's own.
struct Buffer {
  std::size_t bytes = 0;
  std::size_t offset = 0;  ///< from the start of the arena, a multiple of arena_alignment
  int first = 0, last = 0;
  bool outside = false;  ///< in the caller's memory: not in the arena
  bool placed = false;
};

inline constexpr std::size_t arena_alignment = 64;  // bytes: a cache line and an AVX-512 vector

constexpr std::size_t align_bytes(std::size_t n) {
  return (n + arena_alignment - 1) / arena_alignment * arena_alignment;
}

namespace detail {

constexpr int largest_unplaced(Span<const Buffer> buffers) {
  int best = -1;
  for (std::size_t i = 0; i < buffers.size; ++i) {
    const Buffer& b = buffers[i];
    if (b.outside || b.placed) continue;
    if (best < 0 || b.bytes > buffers[static_cast<std::size_t>(best)].bytes) best = static_cast<int>(i);
  }
  return best;
}

/// Moves `b` to the lowest offset where no placed buffer that is alive at the same time overlaps it.
constexpr void place(Buffer& b, Span<const Buffer> buffers) {
  b.offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Buffer& other : buffers) {
      if (!other.placed) continue;
      const bool together = other.first <= b.last && b.first <= other.last;
      const bool overlap = b.offset < other.offset + other.bytes && other.offset < b.offset + b.bytes;
      if (!together || !overlap) continue;
      b.offset = other.offset + other.bytes;
      moved = true;
    }
  }
  b.placed = true;
}

}  // namespace detail

/// Gives every buffer its offset, largest first (best fit by size, first fit by offset); returns the bytes of
/// the arena. Sizes must be multiples of arena_alignment.
constexpr std::size_t lay_out_arena(Span<Buffer> buffers) {
  std::size_t bytes = 0;
  for (Buffer& b : buffers) b.placed = false;
  const Span<const Buffer> all(buffers.data, buffers.size);
  for (int next = 0; (next = detail::largest_unplaced(all)) >= 0;) {
    Buffer& b = buffers[static_cast<std::size_t>(next)];
    detail::place(b, all);
    if (b.offset + b.bytes > bytes) bytes = b.offset + b.bytes;
  }
  return bytes;
}

TINYFIQA_END
