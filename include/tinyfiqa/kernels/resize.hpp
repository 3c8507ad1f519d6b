// Antialiased bilinear resize of 8-bit RGB, bit for bit what PIL's Image.resize(..., BILINEAR) gives.
//
// Every output position is a weighted sum over a window of input positions (a triangle as wide as the reduction, see
// ref/resize.hpp), with weights in units of 2^-22 and sums in 32 bits: they stay below 255 * 2^22 + 2^21 + a rounding
// of the weights, which is less than 2^31. Rows are filtered first and rounded to 8 bits, then columns:
//
//    in [in_h, in_w, 3]  --x-->  ring of y.taps rows [out_w, 3]  --y-->  out [out_h, out_w, 3]
//
// A filtered row is made when the first output row needs it and overwritten when none does any more, so that the
// scratch stays in the cache. A direction whose size does not change is skipped.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN
namespace kernels {

/// One direction of a resize. Output i is the sum of weights[i * taps + j] * input[first[i] + j] over j < count[i].
struct ResizeAxis {
  int in = 0, out = 0;
  int taps = 0;                           ///< room for each output's weights: resize_taps(in, out)
  const int* first = nullptr;             ///< [out], never decreasing
  const int* count = nullptr;             ///< [out], 1..taps
  const std::int32_t* weights = nullptr;  ///< [out, taps], units of 2^-22, never negative
};

}  // namespace kernels
TINYFIQA_END

TINYFIQA_ISA_BEGIN(kernels)

/// The most input positions that one output position looks at; in, out >= 1.
TINYFIQA_INLINE int resize_taps(int in, int out) {
  const int radius = in > out ? static_cast<int>((static_cast<std::int64_t>(in) + out - 1) / out) : 1;
  return radius > (in - 1) / 2 ? in : 2 * radius + 1;
}

/// Fills first [out], count [out], weights [out, resize_taps(in, out)] and returns the axis that points at them.
inline ResizeAxis make_resize_axis(int in, int out, int* first, int* count, std::int32_t* weights) {
  const int taps = resize_taps(in, out);
  const double scale = static_cast<double>(in) / out, radius = scale > 1 ? scale : 1, inverse = 1 / radius;
  const auto raw_weight = [=](int p, double centre) {
    const double distance = (p - centre + 0.5) * inverse;
    const double weight = 1 - (distance < 0 ? -distance : distance);
    return weight > 0 ? weight : 0;
  };
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    int low = static_cast<int>(centre - radius + 0.5), high = static_cast<int>(centre + radius + 0.5);
    if (low < 0) low = 0;
    if (high > in) high = in;
    if (high - low > taps) high = low + taps;
    double sum = 0;
    for (int p = low; p < high; ++p) sum += raw_weight(p, centre);
    std::int32_t* w = weights + static_cast<std::size_t>(i) * static_cast<std::size_t>(taps);
    for (int p = low; p < high; ++p)
      w[p - low] = static_cast<std::int32_t>(raw_weight(p, centre) / sum * (1 << 22) + 0.5);
    first[i] = low;
    count[i] = high - low;
  }
  return {in, out, taps, first, count, weights};
}

/// Bytes of scratch that resize_u8x3 needs: one ring of filtered rows, or nothing if a direction is skipped.
TINYFIQA_INLINE std::size_t resize_scratch_bytes(const ResizeAxis& x, const ResizeAxis& y) {
  if (x.in == x.out || y.in == y.out) return 0;
  return static_cast<std::size_t>(x.out) * 3 * static_cast<std::size_t>(y.taps);
}

/// A sum in units of 2^-22, half a unit of the result added already, to 0..255.
TINYFIQA_INLINE unsigned char resize_level(std::int32_t sum) {
  const std::int32_t level = sum >> 22;
  return static_cast<unsigned char>(level > 255 ? 255 : level);
}

/// One row: in [x.in, 3] -> out [x.out, 3]. A pixel is summed as four lanes, the fourth being the next pixel's red;
/// only a window that ends at the row's last pixel, where there is none, is summed as three.
inline void resize_row_u8x3(const unsigned char* TINYFIQA_RESTRICT in, const ResizeAxis& x,
                            unsigned char* TINYFIQA_RESTRICT out) {
  const std::int32_t half = 1 << 21;
  for (int i = 0; i < x.out; ++i, out += 3) {
    const unsigned char* p = in + std::ptrdiff_t{3} * x.first[i];
    const std::int32_t* w = x.weights + static_cast<std::size_t>(i) * static_cast<std::size_t>(x.taps);
    const int count = x.count[i];
    std::int32_t sum[4] = {half, half, half, half};
    if (x.first[i] + count < x.in) {
      for (int j = 0; j < count; ++j, p += 3) {
        unsigned char pixel[4];
        std::memcpy(pixel, p, 4);
        for (int c = 0; c < 4; ++c) sum[c] += w[j] * pixel[c];
      }
    } else {
      for (int j = 0; j < count; ++j, p += 3)
        for (int c = 0; c < 3; ++c) sum[c] += w[j] * p[c];
    }
    for (int c = 0; c < 3; ++c) out[c] = resize_level(sum[c]);
  }
}

/// Rows that are kept in a ring: row r begins at data + (r % rows) * stride.
struct ResizeRing {
  const unsigned char* data;
  std::ptrdiff_t stride;
  int rows;
};

/// One output row, columns [begin, begin + width): the weighted sum of `count` rows from row `first` on.
template <int MaxWidth>
TINYFIQA_INLINE void resize_columns_u8(const ResizeRing& ring, int first, int count, const std::int32_t* w, int begin,
                                       int width, unsigned char* TINYFIQA_RESTRICT out) {
  std::int32_t sum[MaxWidth];
  for (int i = 0; i < width; ++i) sum[i] = 1 << 21;
  int slot = first % ring.rows;
  for (int j = 0; j < count; ++j) {
    const unsigned char* row = ring.data + slot * ring.stride + begin;
    for (int i = 0; i < width; ++i) sum[i] += w[j] * row[i];
    slot = slot + 1 == ring.rows ? 0 : slot + 1;
  }
  for (int i = 0; i < width; ++i) out[begin + i] = resize_level(sum[i]);
}

/// One output row of `bytes` columns, in blocks that stay in registers.
inline void resize_rows_u8(const ResizeRing& ring, const ResizeAxis& y, int i, int bytes, unsigned char* out) {
  constexpr int Block = 64;
  const std::int32_t* w = y.weights + static_cast<std::size_t>(i) * static_cast<std::size_t>(y.taps);
  int at = 0;
  for (; at + Block <= bytes; at += Block) resize_columns_u8<Block>(ring, y.first[i], y.count[i], w, at, Block, out);
  if (at < bytes) resize_columns_u8<Block>(ring, y.first[i], y.count[i], w, at, bytes - at, out);
}

/// in [y.in, x.in, 3] -> out [y.out, x.out, 3]. Strides are in bytes from row to row, so that a rectangle of a larger
/// picture is resized where it lies; nothing outside of it is read. scratch: resize_scratch_bytes(x, y) bytes.
inline void resize_u8x3(const unsigned char* in, std::ptrdiff_t in_stride, const ResizeAxis& x, const ResizeAxis& y,
                        unsigned char* scratch, unsigned char* out, std::ptrdiff_t out_stride) {
  const int out_bytes = 3 * x.out;
  if (x.in == x.out && y.in == y.out) {
    for (int i = 0; i < y.out; ++i) std::memcpy(out + i * out_stride, in + i * in_stride, static_cast<std::size_t>(out_bytes));
  } else if (y.in == y.out) {
    for (int i = 0; i < y.out; ++i) resize_row_u8x3(in + i * in_stride, x, out + i * out_stride);
  } else if (x.in == x.out) {
    for (int i = 0; i < y.out; ++i) resize_rows_u8({in, in_stride, y.in}, y, i, out_bytes, out + i * out_stride);
  } else {
    int made = 0;
    for (int i = 0; i < y.out; ++i) {
      for (; made < y.first[i] + y.count[i]; ++made)
        resize_row_u8x3(in + made * in_stride, x, scratch + std::ptrdiff_t{made % y.taps} * out_bytes);
      resize_rows_u8({scratch, out_bytes, y.taps}, y, i, out_bytes, out + i * out_stride);
    }
  }
}

TINYFIQA_ISA_END
