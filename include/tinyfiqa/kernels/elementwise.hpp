// Operations on single elements or pixels: activation, add, scale by a gate, copy, interleave, shuffle.
//
// Maps are [images, pixels, channels] with a pixel stride. Each pixel is read and written by whole vectors
// and one part (load_part / store_part), so exactly c channels are touched.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/simd/levels.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// Maps of elements T. Pixel strides are in elements. y may be x or b (in-place), except in interleave and shuffle.
template <class T>
struct MapArgs {
  int images = 0, pixels = 0, c = 0;  ///< pixels of one image; channels of x
  const T* x = nullptr;               ///< [images, pixels, c]; not null
  std::ptrdiff_t x_pixel_stride = 0;
  const T* b = nullptr;  ///< add, interleave: [images, pixels, c]; scale: gates [images, c]; else null
  std::ptrdiff_t b_pixel_stride = 0;  ///< scale: from image to image
  T* y = nullptr;                     ///< [images, pixels, c], interleave: 2 c channels; not null
  std::ptrdiff_t y_pixel_stride = 0;
  const float* slope = nullptr;  ///< [c], for prelu; ignored by other activations, null then
  Act act = Act::none;           ///< of `activation`
};
using ElementwiseArgs = MapArgs<float>;

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

/// Copies the c elements of a pixel.
TINYFIQA_INLINE void copy_pixel(const float* x, int c, float* y) {
  for (int first = 0; first < c; first += simd::width) {
    const int count = c - first < simd::width ? c - first : simd::width;
    simd::store_up_to(y + first, simd::load_up_to(x + first, count), count);
  }
}
TINYFIQA_INLINE void copy_pixel(const std::uint8_t* x, int c, std::uint8_t* y) {
  std::memmove(y, x, static_cast<std::size_t>(c));
}

/// y = x. A concatenation is one copy for each operand, into slices of one map.
template <class T>
inline void copy(const MapArgs<T>& e, const Team& team) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) copy_pixel(e.x + i * e.x_pixel_stride, e.c, e.y + i * e.y_pixel_stride);
  });
}

/// y[2 j] = a[j], y[2 j + 1] = b[j],    j < c
TINYFIQA_INLINE void interleave_pixel(const float* TINYFIQA_RESTRICT a, const float* TINYFIQA_RESTRICT b,
                                      int c, float* TINYFIQA_RESTRICT y) {
  for (int j = 0; j < c; ++j) {
    y[2 * j] = a[j];
    y[2 * j + 1] = b[j];
  }
}
/// By 16 bytes; the last ones end with the channels, and some are written twice.
TINYFIQA_INLINE void interleave_pixel(const std::uint8_t* a, const std::uint8_t* b, int c, std::uint8_t* y) {
  const auto write_16 = [&](int at) TINYFIQA_INLINE_LAMBDA {
    const simd::vb va = simd::load_16(a + at), vb = simd::load_16(b + at);
    simd::store_16(y + 2 * at, simd::interleave_low(va, vb));
    simd::store_16(y + 2 * at + 16, simd::interleave_high(va, vb));
  };
  int j = 0;
  for (; j + 16 <= c; j += 16) write_16(j);
  if (j < c && c >= 16) return write_16(c - 16);
  for (; j < c; ++j) {
    y[2 * j] = a[j];
    y[2 * j + 1] = b[j];
  }
}

/// y[2 j] = x[j], y[2 j + 1] = b[j],    j < c: concatenation and shuffle into 2 groups in one pass. y has 2 c
/// channels and overlaps neither x nor b.
template <class T>
inline void interleave(const MapArgs<T>& e, const Team& team) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i)
      interleave_pixel(e.x + i * e.x_pixel_stride, e.b + i * e.b_pixel_stride, e.c,
                       e.y + i * e.y_pixel_stride);
  });
}

/// y[j groups + g] = x[g (c / groups) + j],    g < groups, j < c / groups. y must not overlap x.
template <class T>
inline void shuffle(const MapArgs<T>& e, int groups, const Team& team) {
  const int per_group = e.c / groups;
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) {
      const T* x = e.x + i * e.x_pixel_stride;
      T* y = e.y + i * e.y_pixel_stride;
      for (int g = 0; g < groups; ++g)
        for (int j = 0; j < per_group; ++j) y[j * groups + g] = x[g * per_group + j];
    }
  });
}

/// Nearest-neighbour upsampling by an integer factor:  y[n, h, w, c] = x[n, h / factor, w / factor, c].
/// `pixels` counts the pixels of one image of x, `width` those of one of its rows; y is not x.
template <class T>
inline void upsample(const MapArgs<T>& e, int width, int factor, const Team& team) {
  const std::ptrdiff_t out_width = std::ptrdiff_t{width} * factor;
  const double work = static_cast<double>(e.images) * e.pixels * e.c * factor * factor;
  parallel_for(worth_team(team, work), e.images * e.pixels / width, [&](int begin, int end, int) {
    for (int row = begin; row < end; ++row)  // of x, counted over all images
      for (int dy = 0; dy < factor; ++dy) {
        T* y = e.y + (std::ptrdiff_t{row} * factor + dy) * out_width * e.y_pixel_stride;
        for (std::ptrdiff_t ox = 0; ox < out_width; ++ox, y += e.y_pixel_stride)
          copy_pixel(e.x + (std::ptrdiff_t{row} * width + ox / factor) * e.x_pixel_stride, e.c, y);
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
