// Chains: consecutive steps (expand, depthwise, project; first convolution, pooling) run a few rows at a time.
// The maps between them, megabytes at large inputs, then stay in the cache:
//
//   rows of the last step's output                . . [begin .. end) . .
//   rows of the map before it that they need      . [lo ........... hi) .      lo = begin * stride - padding
//                                                     kept | computed now
//
// Rows that the next rows of output need too move to the front of their memory; they are not computed again.
#pragma once

#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// The rows lo .. hi - 1 of one intermediate map that are in memory, row lo first.
struct KeptRows {
  unsigned char* memory = nullptr;
  std::ptrdiff_t row_bytes = 0;
  int lo = 0, hi = 0, height = 0;

  /// Where row 0 of image 0 would be if all rows of all images up to `image` were in memory.
  TINYFIQA_INLINE unsigned char* origin(int image) const {
    return memory - (static_cast<std::ptrdiff_t>(image) * height + lo) * row_bytes;
  }
  /// Forgets the rows before `first`.
  void advance(int first) {
    if (first >= hi) {
      lo = hi = first;
    } else if (first > lo) {
      std::memmove(memory, memory + (first - lo) * row_bytes,
                   static_cast<std::size_t>((hi - first) * row_bytes));
      lo = first;
    }
  }
};

/// One thread's work on a chain.
class ChainRun {
 public:
  ChainRun(const Step* first, const Frame& frame, int thread) : first_(first), frame_(frame) {
    unsigned char* const memory =
        frame.arena + first->scratch + static_cast<std::size_t>(thread) * first->chain.thread_bytes;
    scratch_ = memory;  // the kernels' own scratch lies before the rows
    for (int k = 0; k + 1 < first->chain.steps; ++k) {
      const Extents& e = first[k].y.extents;
      kept_[k].memory = memory + first[k].rows;
      kept_[k].row_bytes =
          static_cast<std::ptrdiff_t>(e.w) * e.c * static_cast<std::ptrdiff_t>(dtype_bytes(first[k].y.dtype));
      kept_[k].height = e.h;
    }
  }

  /// Rows begin .. end of the last step's output.
  void run(int image, int begin, int end) {
    const int last = first_->chain.steps - 1;
    if (image != image_)
      for (KeptRows& b : kept_) b.lo = b.hi = 0;
    image_ = image;
    RowRange need[max_chain_steps];
    need[last] = {begin, end};
    for (int k = last; k > 0; --k) need[k - 1] = rows_read(first_[k], need[k].begin, need[k].end);
    for (int k = 0; k <= last; ++k) {
      RowsTask t;
      t.image = image;
      t.scratch = scratch_;
      t.x = k == 0 ? frame_.read<unsigned char>(first_->x) : kept_[k - 1].origin(image);
      if (k == last) {
        t.y = frame_.write<unsigned char>(first_[k].y);
        t.begin = begin;
      } else {
        kept_[k].advance(need[k].begin);
        t.y = kept_[k].origin(image);
        t.begin = kept_[k].hi;
        kept_[k].hi = need[k].end > t.begin ? need[k].end : t.begin;
      }
      t.end = need[k].end;
      if (t.begin < t.end) first_[k].run_rows(first_[k], frame_, t);
    }
  }

 private:
  const Step* first_;
  const Frame& frame_;
  unsigned char* scratch_ = nullptr;
  int image_ = -1;
  KeptRows kept_[max_chain_steps];
};

/// The whole chain; threads share the rows of the last output, chain.rows at a time.
inline void run_chain(const Step* first, const Frame& frame) {
  const Chain& chain = first->chain;
  const Extents& out = first[chain.steps - 1].y.extents;
  const int parts = (out.h + chain.rows - 1) / chain.rows;
  parallel_for(
      frame.team, out.n * parts,
      [&](int begin, int end, int slot) {
        ChainRun run(first, frame, slot);
        for (int i = begin; i < end; ++i) {
          const int row = i % parts * chain.rows, last = row + chain.rows;
          run.run(i / parts, row, last < out.h ? last : out.h);
        }
      },
      2);  // the fewer ranges, the fewer rows are computed twice
}

TINYFIQA_ISA_END
