// Antialiased bilinear resize of 8-bit RGB, bit for bit what PIL's Image.resize(..., BILINEAR) gives.
//
//   along each direction:    out[i] = (sum over j of weight[i][j] in[first[i] + j] + 2^21) / 2^22
//
// Each output position is a weighted sum over a window of input positions. The weights are a triangle as wide
// as the reduction (formula in kernels/reference/resize.hpp), in units of 2^-22. Sums have 32 bits: they stay
// below 255 * 2^22 + 2^21 + the rounding of the weights, which is less than 2^31.
//
// The first pass filters along rows and rounds to 8 bits, the second along columns. Both passes are the same
// loop, a weighted sum of runs of bytes. For the first pass, 16 rows are therefore transposed together, so
// that their pixels are neighbours in memory:
//
//    16 rows of in        --transpose-->       --sum-->         --transpose back-->  rows of the ring
//    [16][in_w, 3]        [in_w, 3, 16]        [out_w, 3, 16]                        [ring rows][out_w, 3]
//
//    windows of the ring  --sum-->             rows of out
//    [taps][out_w, 3]                          [out_h][out_w, 3]
//
// A filtered row is computed when the first output row needs it, and overwritten in the ring when none needs
// it any more, so that the scratch stays in the cache. A direction whose size does not change is skipped.
// Reads exactly in's pixels and writes exactly out's.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN
namespace kernels {

/// One direction of a resize:
///   output[i] = sum of weights[i * taps + j] * input[first[i] + j],    j < count[i]
struct ResizeAxis {
  int in = 0, out = 0;                    ///< sizes in pixels, at least 1
  int taps = 0;                           ///< row length of weights: resize_taps(in, out)
  const int* first = nullptr;             ///< [out], never decreasing; not null
  const int* count = nullptr;             ///< [out], 1..taps; not null
  const std::int32_t* weights = nullptr;  ///< [out, taps], units of 2^-22, never negative; not null
};

}  // namespace kernels
TINYFIQA_END

TINYFIQA_ISA_BEGIN(kernels)

/// The largest number of input positions that an output position is a sum of. in, out >= 1.
TINYFIQA_INLINE int resize_taps(int in, int out) {
  const int radius = in > out ? static_cast<int>((static_cast<std::int64_t>(in) + out - 1) / out) : 1;
  return radius > (in - 1) / 2 ? in : 2 * radius + 1;
}

/// Fills first [out], count [out] and weights [out, resize_taps(in, out)], and returns an axis that points
/// at them.
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

/// Rows that are transposed together.
inline constexpr int resize_lanes = 16;

/// Size of resize_u8x3's scratch, in bytes.
TINYFIQA_INLINE std::size_t resize_scratch_bytes(const ResizeAxis& x, const ResizeAxis& y) {
  if (x.in == x.out) return 0;
  const std::size_t transposed =
      (static_cast<std::size_t>(x.in) + static_cast<std::size_t>(x.out)) * 3 * resize_lanes;
  if (y.in == y.out) return transposed;
  return transposed + static_cast<std::size_t>(x.out) * 3 * static_cast<std::size_t>(y.taps + resize_lanes);
}

/// Rows of bytes, possibly kept in a ring: row r is at data + (r % rows) * stride. The stride is in bytes.
struct ResizeRing {
  const unsigned char* data;
  std::ptrdiff_t stride;
  int rows;
};

/// out[i] = weighted sum of column begin + i over `count` rows from row `first` on, rounded and clamped to
/// 0..255, i < width <= MaxWidth.
template <int MaxWidth>
TINYFIQA_INLINE void resize_sum_u8(const ResizeRing& ring, int first, int count, const std::int32_t* w,
                                   int begin, int width, unsigned char* TINYFIQA_RESTRICT out) {
  std::int32_t sum[MaxWidth];
  const auto row = [&](int j) { return ring.data + (first + j) % ring.rows * ring.stride + begin; };
  for (int i = 0; i < width; ++i) sum[i] = 1 << 21;
  int j = 0;
  for (; j + 4 <= count; j += 4) {
    const unsigned char *r0 = row(j), *r1 = row(j + 1), *r2 = row(j + 2), *r3 = row(j + 3);
    for (int i = 0; i < width; ++i)
      sum[i] += (w[j] * r0[i] + w[j + 1] * r1[i]) + (w[j + 2] * r2[i] + w[j + 3] * r3[i]);
  }
  for (; j < count; ++j) {
    const unsigned char* r0 = row(j);
    for (int i = 0; i < width; ++i) sum[i] += w[j] * r0[i];
  }
  for (int i = 0; i < width; ++i) {
    const std::int32_t level = sum[i] >> 22;
    out[i] = static_cast<unsigned char>(level > 255 ? 255 : level);
  }
}

/// Output position i along `axis`: the weighted sum of rows of `bytes` bytes. Block columns at a time, so
/// that the sums stay in registers.
template <int Block>
inline void resize_position_u8(const ResizeRing& ring, const ResizeAxis& axis, int i, int bytes,
                               unsigned char* out) {
  const std::int32_t* w = axis.weights + static_cast<std::size_t>(i) * static_cast<std::size_t>(axis.taps);
  int at = 0;
  for (; at + Block <= bytes; at += Block)
    resize_sum_u8<Block>(ring, axis.first[i], axis.count[i], w, at, Block, out + at);
  if (at < bytes) resize_sum_u8<Block>(ring, axis.first[i], axis.count[i], w, at, bytes - at, out + at);
}

/// Transposes 8 x 8 bytes, one row in each little-endian word: exchanges the off-diagonal blocks of 4 x 4
/// bytes, then those of 2 x 2, then single bytes.
TINYFIQA_INLINE void resize_transpose_8x8(std::uint64_t (&a)[8]) {
  const auto exchange = [](std::uint64_t& low, std::uint64_t& high, int bits, std::uint64_t mask) {
    const std::uint64_t t = ((low >> bits) ^ high) & mask;
    high ^= t;
    low ^= t << bits;
  };
  exchange(a[0], a[4], 32, 0x00000000FFFFFFFFu);
  exchange(a[1], a[5], 32, 0x00000000FFFFFFFFu);
  exchange(a[2], a[6], 32, 0x00000000FFFFFFFFu);
  exchange(a[3], a[7], 32, 0x00000000FFFFFFFFu);
  exchange(a[0], a[2], 16, 0x0000FFFF0000FFFFu);
  exchange(a[1], a[3], 16, 0x0000FFFF0000FFFFu);
  exchange(a[4], a[6], 16, 0x0000FFFF0000FFFFu);
  exchange(a[5], a[7], 16, 0x0000FFFF0000FFFFu);
  exchange(a[0], a[1], 8, 0x00FF00FF00FF00FFu);
  exchange(a[2], a[3], 8, 0x00FF00FF00FF00FFu);
  exchange(a[4], a[5], 8, 0x00FF00FF00FF00FFu);
  exchange(a[6], a[7], 8, 0x00FF00FF00FF00FFu);
}

/// The number of columns of n that are transposed in blocks of 8 x 8. The others go byte by byte; on
/// big-endian machines all do.
TINYFIQA_INLINE int resize_whole_blocks(int n) {
  const std::uint16_t one = 1;
  unsigned char low = 0;
  std::memcpy(&low, &one, 1);
  return low == 1 ? n / 8 * 8 : 0;
}

/// rows [16][n] -> out [n, 16], in bytes.
inline void resize_transpose(const unsigned char* const (&rows)[resize_lanes], int n,
                             unsigned char* TINYFIQA_RESTRICT out) {
  const int whole = resize_whole_blocks(n);
  for (int at = 0; at < whole; at += 8)
    for (int lane = 0; lane < resize_lanes; lane += 8) {
      std::uint64_t a[8];
      for (int r = 0; r < 8; ++r) std::memcpy(&a[r], rows[lane + r] + at, 8);
      resize_transpose_8x8(a);
      for (int r = 0; r < 8; ++r) std::memcpy(out + std::ptrdiff_t{resize_lanes} * (at + r) + lane, &a[r], 8);
    }
  for (int at = whole; at < n; ++at)
    for (int r = 0; r < resize_lanes; ++r) out[std::ptrdiff_t{resize_lanes} * at + r] = rows[r][at];
}

/// in [n, 16] -> the first `count` of rows [16][n], in bytes.
inline void resize_transpose_back(const unsigned char* TINYFIQA_RESTRICT in, int n, int count,
                                  unsigned char* const (&rows)[resize_lanes]) {
  const int whole = resize_whole_blocks(n);
  for (int at = 0; at < whole; at += 8)
    for (int lane = 0; lane < count; lane += 8) {
      std::uint64_t a[8];
      for (int r = 0; r < 8; ++r) std::memcpy(&a[r], in + std::ptrdiff_t{resize_lanes} * (at + r) + lane, 8);
      resize_transpose_8x8(a);
      for (int r = 0; r < 8 && lane + r < count; ++r) std::memcpy(rows[lane + r] + at, &a[r], 8);
    }
  for (int at = whole; at < n; ++at)
    for (int r = 0; r < count; ++r) rows[r][at] = in[std::ptrdiff_t{resize_lanes} * at + r];
}

/// The first pass: filters input rows begin .. begin + count - 1, count <= 16, into the same rows of a ring
/// of out_rows rows at `out`. With fewer than 16 rows the last one is repeated as input; only `count` rows
/// are written.
inline void resize_along_rows_u8x3(const unsigned char* in, std::ptrdiff_t in_stride, const ResizeAxis& x,
                                   int begin, int count, unsigned char* scratch, unsigned char* out,
                                   std::ptrdiff_t out_stride, int out_rows) {
  const unsigned char* from[resize_lanes];
  unsigned char* to[resize_lanes];
  for (int r = 0; r < resize_lanes; ++r) {
    const int row = begin + (r < count ? r : count - 1);
    from[r] = in + row * in_stride;
    to[r] = out + (row % out_rows) * out_stride;
  }
  constexpr int Pixel = 3 * resize_lanes;
  unsigned char* filtered = scratch + std::ptrdiff_t{Pixel} * x.in;
  resize_transpose(from, 3 * x.in, scratch);
  for (int i = 0; i < x.out; ++i)
    resize_position_u8<Pixel>({scratch, Pixel, x.in}, x, i, Pixel, filtered + std::ptrdiff_t{Pixel} * i);
  resize_transpose_back(filtered, 3 * x.out, count, to);
}

/// in [y.in, x.in, 3] -> out [y.out, x.out, 3]. Row strides are in bytes, so that a rectangle of a larger
/// image is resized without a copy; nothing outside it is read. scratch: resize_scratch_bytes(x, y) bytes,
/// may be null if that is 0. `out` overlaps neither.
inline void resize_u8x3(const unsigned char* in, std::ptrdiff_t in_stride, const ResizeAxis& x,
                        const ResizeAxis& y, unsigned char* scratch, unsigned char* out,
                        std::ptrdiff_t out_stride) {
  const int bytes = 3 * x.out;
  const bool along_x = x.in != x.out, along_y = y.in != y.out;
  if (!along_x && !along_y)
    for (int i = 0; i < y.out; ++i)
      std::memcpy(out + i * out_stride, in + i * in_stride, static_cast<std::size_t>(bytes));
  if (!along_x && along_y)
    for (int i = 0; i < y.out; ++i)
      resize_position_u8<64>({in, in_stride, y.in}, y, i, bytes, out + i * out_stride);
  if (!along_x) return;

  // Without a second pass, filtered rows go straight to the output.
  unsigned char* ring = along_y ? scratch + std::ptrdiff_t{3 * resize_lanes} * (x.in + x.out) : out;
  const std::ptrdiff_t ring_stride = along_y ? bytes : out_stride;
  const int ring_rows = along_y ? y.taps + resize_lanes : y.out;
  int made = 0;
  for (int i = 0; i < y.out; ++i) {
    const int needed = along_y ? y.first[i] + y.count[i] : i + 1;
    while (made < needed) {
      const int count = y.in - made < resize_lanes ? y.in - made : resize_lanes;
      resize_along_rows_u8x3(in, in_stride, x, made, count, scratch, ring, ring_stride, ring_rows);
      made += count;
    }
    if (along_y) resize_position_u8<64>({ring, ring_stride, ring_rows}, y, i, bytes, out + i * out_stride);
  }
}

TINYFIQA_ISA_END
