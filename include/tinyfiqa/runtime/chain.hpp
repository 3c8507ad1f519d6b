// Chains: steps that follow each other (expand, depthwise, project; first convolution, pooling) run a few
// rows at a time, so that the maps between them, megabytes at large inputs, stay in the cache:
//
//   rows of the last step's output      . . [b .. e) . .
//   rows of the maps before it that     . [lo ....... hi) .      lo = b Stride - padding, hi = lo + ...
//   they need                             kept | computed now
//
// Rows that the next band needs too are moved to the front of the band's memory and not computed again.
#pragma once

#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// One intermediate map of a chain: rows lo .. hi of the image are in memory, row lo first.
struct Band {
  float* room = nullptr;
  std::ptrdiff_t row_floats = 0;
  int lo = 0, hi = 0, height = 0;

  /// Where image `image`'s row 0 would be if all images were there.
  TINYFIQA_INLINE float* origin(int image) const {
    return room - (static_cast<std::ptrdiff_t>(image) * height + lo) * row_floats;
  }
  /// Forgets the rows before `first`.
  void advance(int first) {
    if (first >= hi) {
      lo = hi = first;
    } else if (first > lo) {
      std::memmove(room, room + (first - lo) * row_floats,
                   static_cast<std::size_t>((hi - first) * row_floats) * sizeof(float));
      lo = first;
    }
  }
};

/// One thread's work on a chain.
class ChainRun {
 public:
  ChainRun(const Step* first, const Frame& frame, int thread) : first_(first), frame_(frame) {
    float* const room =
        frame.arena + first->scratch + static_cast<std::size_t>(thread) * first->chain.thread_floats;
    scratch_ = room;  // the kernels' own scratch lies before the bands
    for (int k = 0; k + 1 < first->chain.steps; ++k) {
      const Extents& e = first[k].y.extents;
      bands_[k].room = room + first[k].band;
      bands_[k].row_floats = static_cast<std::ptrdiff_t>(e.w) * e.c;
      bands_[k].height = e.h;
    }
  }

  /// Rows begin .. end of the last step's output.
  void run(int image, int begin, int end) {
    const int last = first_->chain.steps - 1;
    if (image != image_)
      for (Band& b : bands_) b.lo = b.hi = 0;
    image_ = image;
    RowRange need[max_chain_steps];
    need[last] = {begin, end};
    for (int k = last; k > 0; --k) need[k - 1] = rows_read(first_[k], need[k].begin, need[k].end);
    for (int k = 0; k <= last; ++k) {
      RowsTask t;
      t.image = image;
      t.scratch = scratch_;
      t.x = k == 0 ? frame_.read(first_->x) : bands_[k - 1].origin(image);
      if (k == last) {
        t.y = frame_.write(first_[k].y);
        t.begin = begin;
      } else {
        bands_[k].advance(need[k].begin);
        t.y = bands_[k].origin(image);
        t.begin = bands_[k].hi;
        bands_[k].hi = need[k].end > t.begin ? need[k].end : t.begin;
      }
      t.end = need[k].end;
      if (t.begin < t.end) first_[k].kernel->run_rows(first_[k], frame_, t);
    }
  }

 private:
  const Step* first_;
  const Frame& frame_;
  float* scratch_ = nullptr;
  int image_ = -1;
  Band bands_[max_chain_steps];
};

/// The whole chain; bands are split over threads.
inline void run_chain(const Step* first, const Frame& frame) {
  const Chain& chain = first->chain;
  const Extents& out = first[chain.steps - 1].y.extents;
  const int bands = (out.h + chain.rows - 1) / chain.rows;
  parallel_for(
      frame.team, out.n * bands,
      [&](int begin, int end, int slot) {
        ChainRun run(first, frame, slot);
        for (int i = begin; i < end; ++i) {
          const int row = i % bands * chain.rows, last = row + chain.rows;
          run.run(i / bands, row, last < out.h ? last : out.h);
        }
      },
      2);  // the fewer ranges, the fewer rows are computed twice
}

TINYFIQA_ISA_END
