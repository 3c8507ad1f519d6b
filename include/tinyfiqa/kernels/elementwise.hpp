// Operations on single elements or pixels: activation, add, scale by a gate, copy, interleave, shuffle.
//
// Maps are [images, pixels, channels] with a pixel stride. Each pixel is read and written by whole vectors
// and one part (load_part / store_part), so exactly c channels are touched.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

/// Pixel strides are in floats. y may be x or b (in-place), except in interleave and shuffle.
struct ElementwiseArgs {
  int images = 0, pixels = 0, c = 0;  ///< pixels of one image; channels of x
  const float* x = nullptr;           ///< [images, pixels, c]; not null
  std::ptrdiff_t x_pixel_stride = 0;
  const float* b = nullptr;  ///< add, interleave: [images, pixels, c]; scale: gates [images, c]; else null
  std::ptrdiff_t b_pixel_stride = 0;  ///< scale: from image to image
  float* y = nullptr;                 ///< [images, pixels, c], interleave: 2 c channels; not null
  std::ptrdiff_t y_pixel_stride = 0;
  const float* slope = nullptr;  ///< [c], for prelu; ignored by other activations, null then
  Act act = Act::none;           ///< of `activation`
};

/// Calls op(image, pixel, first, count) for every vector of channels. `pixel` is counted over all images,
/// channels are first .. first + count - 1.
template <class Op>
inline void for_each_vector(const ElementwiseArgs& e, const Team& team, const Op& op) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) {
      const int image = i / e.pixels;
      for (int first = 0; first < e.c; first += simd::width)
        op(image, i, first, e.c - first < simd::width ? e.c - first : simd::width);
    }
  });
}

/// y = act(x)
inline void activation(const ElementwiseArgs& e, const Team& team) {
  for_each_vector(e, team, [&](int, int i, int first, int count) {
    const vf slope = e.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(e.slope + first, count);
    const vf x = simd::load_up_to(e.x + i * e.x_pixel_stride + first, count);
    simd::store_up_to(e.y + i * e.y_pixel_stride + first, activate(e.act, x, slope), count);
  });
}

/// y = x + b
inline void add(const ElementwiseArgs& e, const Team& team) {
  for_each_vector(e, team, [&](int, int i, int first, int count) {
    const vf sum = simd::load_up_to(e.x + i * e.x_pixel_stride + first, count) +
                   simd::load_up_to(e.b + i * e.b_pixel_stride + first, count);
    simd::store_up_to(e.y + i * e.y_pixel_stride + first, sum, count);
  });
}

/// y[n, h, w, c] = x[n, h, w, c] * b[n, c]
inline void scale(const ElementwiseArgs& e, const Team& team) {
  for_each_vector(e, team, [&](int image, int i, int first, int count) {
    const vf gate = simd::load_up_to(e.b + image * e.b_pixel_stride + first, count);
    simd::store_up_to(e.y + i * e.y_pixel_stride + first,
                      simd::load_up_to(e.x + i * e.x_pixel_stride + first, count) * gate, count);
  });
}

/// y = x. A concatenation is one copy for each operand, into slices of one map.
inline void copy(const ElementwiseArgs& e, const Team& team) {
  for_each_vector(e, team, [&](int, int i, int first, int count) {
    simd::store_up_to(e.y + i * e.y_pixel_stride + first,
                      simd::load_up_to(e.x + i * e.x_pixel_stride + first, count), count);
  });
}

/// y[2 j] = x[j], y[2 j + 1] = b[j],    j < c: concatenation and shuffle into 2 groups in one pass. y has 2 c
/// channels and overlaps neither x nor b.
inline void interleave(const ElementwiseArgs& e, const Team& team) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) {
      const float* TINYFIQA_RESTRICT a = e.x + i * e.x_pixel_stride;
      const float* TINYFIQA_RESTRICT b = e.b + i * e.b_pixel_stride;
      float* TINYFIQA_RESTRICT y = e.y + i * e.y_pixel_stride;
      for (int j = 0; j < e.c; ++j) {
        y[2 * j] = a[j];
        y[2 * j + 1] = b[j];
      }
    }
  });
}

/// y[j groups + g] = x[g (c / groups) + j],    g < groups, j < c / groups. y must not overlap x.
inline void shuffle(const ElementwiseArgs& e, int groups, const Team& team) {
  const int per_group = e.c / groups;
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) {
      const float* x = e.x + i * e.x_pixel_stride;
      float* y = e.y + i * e.y_pixel_stride;
      for (int g = 0; g < groups; ++g)
        for (int j = 0; j < per_group; ++j) y[j * groups + g] = x[g * per_group + j];
    }
  });
}

/// Nearest-neighbour upsampling by an integer factor:  y[n, h, w, c] = x[n, h / factor, w / factor, c].
/// `pixels` counts the pixels of one image of x, `width` those of one of its rows; y is not x.
inline void upsample(const ElementwiseArgs& e, int width, int factor, const Team& team) {
  const std::ptrdiff_t out_width = std::ptrdiff_t{width} * factor;
  const double work = static_cast<double>(e.images) * e.pixels * e.c * factor * factor;
  parallel_for(worth_team(team, work), e.images * e.pixels / width, [&](int begin, int end, int) {
    for (int row = begin; row < end; ++row)  // of x, counted over all images
      for (int dy = 0; dy < factor; ++dy) {
        float* y = e.y + (std::ptrdiff_t{row} * factor + dy) * out_width * e.y_pixel_stride;
        for (std::ptrdiff_t ox = 0; ox < out_width; ++ox, y += e.y_pixel_stride) {
          const float* const x = e.x + (std::ptrdiff_t{row} * width + ox / factor) * e.x_pixel_stride;
          for (int first = 0; first < e.c; first += simd::width) {
            const int count = e.c - first < simd::width ? e.c - first : simd::width;
            simd::store_up_to(y + first, simd::load_up_to(x + first, count), count);
          }
        }
      }
  });
}

/// y[n, h, w, c] = x[n, h, w, c] + b[n, h coarse_h / height, w coarse_w / width, c], rounded down. `height` and `width`
/// are those of x and y, which may be the same map.
inline void add_upsampled(const ElementwiseArgs& e, int height, int width, int coarse_h, int coarse_w,
                          const Team& team) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * height, [&](int begin, int end, int) {
    for (int row = begin; row < end; ++row) {  // counted over all images
      const int coarse_row = row / height * coarse_h + row % height * coarse_h / height;
      const float* const b = e.b + std::ptrdiff_t{coarse_row} * coarse_w * e.b_pixel_stride;
      for (int w = 0; w < width; ++w) {
        const std::ptrdiff_t at = std::ptrdiff_t{row} * width + w;
        const float* const x = e.x + at * e.x_pixel_stride;
        const float* const from = b + w * coarse_w / width * e.b_pixel_stride;
        float* const y = e.y + at * e.y_pixel_stride;
        for (int first = 0; first < e.c; first += simd::width) {
          const int count = e.c - first < simd::width ? e.c - first : simd::width;
          simd::store_up_to(
              y + first, simd::load_up_to(x + first, count) + simd::load_up_to(from + first, count), count);
        }
      }
    }
  });
}

TINYFIQA_ISA_END
