// Decodes PNG on top of stb_image's inflate. (stb_image's own decoder checks no checksum, inflates without a limit, and
// takes uninitialised memory for colours beyond a palette.)
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/png_chunks.hpp>
#include <tinyfiqa/image/stb.hpp>
#include <tinyfiqa/image/transparency.hpp>

#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// One pass of an interlaced PNG (Adam7), or the only one: its pixels are every `dx`-th from `x` on, in every `dy`-th
/// row from `y` on.
struct PngPass {
  std::size_t x, y, dx, dy;
  std::size_t width(const PngParts& p) const { return p.width > x ? (p.width - x + dx - 1) / dx : 0; }
  std::size_t height(const PngParts& p) const { return p.height > y ? (p.height - y + dy - 1) / dy : 0; }
  /// Bytes of a row, without the one for its filter.
  std::size_t row_bytes(const PngParts& p) const {
    return (width(p) * p.samples() * static_cast<std::size_t>(p.bits) + 7) / 8;
  }
  /// Bytes of the pass.
  std::size_t bytes(const PngParts& p) const { return width(p) == 0 ? 0 : height(p) * (row_bytes(p) + 1); }
};

inline Span<const PngPass> png_passes(const PngParts& parts) {
  static constexpr PngPass whole[] = {{0, 0, 1, 1}};
  static constexpr PngPass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                      {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  return parts.interlaced ? Span<const PngPass>(adam7, 7) : Span<const PngPass>(whole, 1);
}

/// The checksum of zlib data (RFC 1950).
inline std::uint32_t adler32(const unsigned char* bytes, std::size_t size) {
  std::uint32_t a = 1, b = 0;
  while (size > 0) {
    std::size_t block = size < 5552 ? size : 5552;  // as many as can be summed up in 32 bits
    size -= block;
    for (; block >= 16; block -= 16, bytes += 16) {
      std::uint32_t sum = 0, weighted = 0;
      for (unsigned i = 0; i < 16; ++i) {
        sum += bytes[i];
        weighted += (16 - i) * bytes[i];
      }
      b += 16 * a + weighted;
      a += sum;
    }
    for (; block > 0; --block) b += a += *bytes++;
    a %= 65521;
    b %= 65521;
  }
  return b << 16 | a;
}

/// The inflated data: rows with their filter bytes. (A vector would be filled with zeros first.)
using PngRows = std::unique_ptr<unsigned char[]>;

/// Whether the checksum is in the last bytes of the data. Some programs append a few more.
inline bool ends_with_adler(Bytes zlib, std::uint32_t sum) {
  constexpr std::size_t appended = 64;
  for (std::size_t back = 4; back <= zlib.size && back <= 4 + appended; ++back)
    if (read_uint(zlib.data + zlib.size - back, 4, false) == sum) return true;
  return false;
}

/// Inflates the data of all IDAT chunks, `wanted` bytes. Errors: bad_format, too_large.
inline Result<PngRows> inflate_png(const PngParts& parts, std::size_t wanted) {
  constexpr std::size_t max_extra = 4096;  // of bytes that belong to no pixel: other readers ignore them
  std::vector<unsigned char> joined;
  Bytes zlib = parts.data[0];
  if (parts.data.size() > 1) {
    std::size_t size = 0;
    for (const Bytes part : parts.data) size += part.size;
    joined.reserve(size);
    for (const Bytes part : parts.data) joined.insert(joined.end(), part.begin(), part.end());
    zlib = Bytes(joined.data(), joined.size());
  }
  if (wanted + max_extra > static_cast<std::size_t>(INT_MAX) || zlib.size > static_cast<std::size_t>(INT_MAX))
    return Status::error(Errc::too_large, "more than 2 GB of pixels; make it smaller");
#ifdef TINYFIQA_NO_STB
  return without_stb("PNG is read");
#else
  PngRows rows(new unsigned char[wanted + max_extra]);
  const int got =
      stbi_zlib_decode_buffer(reinterpret_cast<char*>(rows.get()), static_cast<int>(wanted + max_extra),
                              reinterpret_cast<const char*>(zlib.data), static_cast<int>(zlib.size));
  if (got < 0) {
    const char* const why = stbi_failure_reason();
    if (why != nullptr && std::strcmp(why, "output buffer limit") == 0)
      return damaged_png("more data than its pixels need");
    return damaged_png("zlib data: ", why != nullptr ? why : "unreadable");
  }
  if (static_cast<std::size_t>(got) < wanted) return damaged_png("pixels are missing");
  if (!ends_with_adler(zlib, adler32(rows.get(), static_cast<std::size_t>(got))))
    return damaged_png("wrong checksum of its pixels");
  return rows;
#endif
}

/// The predictor of filter 4 (PNG specification, 9.4).
inline unsigned char paeth(int left, int up, int corner) {
  const int p = left + up - corner;
  const int to_left = std::abs(p - left), to_up = std::abs(p - up), to_corner = std::abs(p - corner);
  if (to_left <= to_up && to_left <= to_corner) return static_cast<unsigned char>(left);
  return static_cast<unsigned char>(to_up <= to_corner ? up : corner);
}

/// Undoes the filter of a row. `up`: the row above it, zeros for the first one. `step`: bytes from a sample to the
/// same one of the pixel at its left; `Step` is the same if it is known when this is compiled. False for an unknown
/// filter.
template <std::size_t Step>
bool unfilter_png(int filter, std::size_t step, std::size_t size, const unsigned char* up,
                  unsigned char* row) {
  if (Step > 0) step = Step;
  const std::size_t first = step < size ? step : size;
  const auto add = [](unsigned char& to, int value) { to = static_cast<unsigned char>(to + value); };
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (std::size_t i = first; i < size; ++i) add(row[i], row[i - step]);
      return true;
    case 2:
      for (std::size_t i = 0; i < size; ++i) add(row[i], up[i]);
      return true;
    case 3:
      for (std::size_t i = 0; i < first; ++i) add(row[i], up[i] / 2);
      for (std::size_t i = first; i < size; ++i) add(row[i], (row[i - step] + up[i]) / 2);
      return true;
    case 4:
      for (std::size_t i = 0; i < first; ++i) add(row[i], up[i]);
      for (std::size_t i = first; i < size; ++i) add(row[i], paeth(row[i - step], up[i], up[i - step]));
      return true;
  }
  return false;
}

/// Turns rows of samples into RGB on the background.
class PngColours {
 public:
  explicit PngColours(const PngParts& parts) : parts_(parts) {
    const std::size_t palette = parts.palette.size / 3, alphas = parts.transparency.size;
    for (std::size_t i = 0; i < palette && parts.has_palette(); ++i) {
      alpha_[i] = i < alphas ? parts.transparency[i] : 255;
      for (std::size_t c = 0; c < 3; ++c) palette_[i][c] = on_background(parts.palette[3 * i + c], alpha_[i]);
    }
    for (std::size_t i = palette; i < 256; ++i) alpha_[i] = 255;  // black beyond the palette
    const std::size_t wanted = parts.colour == 0 ? 2 : 6;
    if (parts.colour != 0 && parts.colour != 2) return;
    has_key_ = alphas >= wanted;
    for (std::size_t c = 0; has_key_ && c < wanted / 2; ++c)
      key_[c] = read_uint(parts.transparency.data + 2 * c, 2, false);
  }

  /// `count` pixels -> RGB, each `step` bytes after the one before.
  void convert(const unsigned char* row, std::size_t count, unsigned char* to, std::size_t step) {
    if (parts_.colour == 2 && parts_.bits == 8 && !has_key_ && step == 3) {
      std::memcpy(to, row, 3 * count);
      visible_ = true;
    } else if (parts_.colour == 6 && parts_.bits == 8 && step == 3) {
      visible_ |= lay_on_background(row, count, to);
    } else if (parts_.bits < 8) {
      convert_small(row, count, to, step);
    } else {
      convert_any(row, count, to, step);
    }
  }

  bool visible() const { return visible_; }

 private:
  /// 1, 2 or 4 bits: grey, or indices of the palette.
  void convert_small(const unsigned char* row, std::size_t count, unsigned char* to, std::size_t step) {
    const auto bits = static_cast<std::size_t>(parts_.bits);
    const unsigned max = (1u << bits) - 1;
    for (std::size_t x = 0; x < count; ++x, to += step) {
      const std::size_t bit = x * bits;
      const unsigned value = row[bit / 8] >> (8 - bits - bit % 8) & max;
      if (parts_.has_palette())
        put_index(value, to);
      else
        put(255 / max * value, 255 / max * value, 255 / max * value, has_key_ && value == key_[0] ? 0 : 255,
            to);
    }
  }

  /// 8 or 16 bits of any colour type: the upper 8 bits count.
  void convert_any(const unsigned char* row, std::size_t count, unsigned char* to, std::size_t step) {
    const std::size_t bytes = static_cast<std::size_t>(parts_.bits) / 8, pixel = bytes * parts_.samples();
    const bool colour = parts_.colour == 2 || parts_.colour == 6, alpha = parts_.colour >= 4;
    for (std::size_t x = 0; x < count; ++x, row += pixel, to += step) {
      if (parts_.has_palette()) {
        put_index(row[0], to);
        continue;
      }
      const unsigned opacity = alpha ? row[pixel - bytes] : is_key(row, bytes) ? 0 : 255;
      const std::size_t green = colour ? bytes : 0;
      put(row[0], row[green], row[2 * green], opacity, to);
    }
  }

  bool is_key(const unsigned char* pixel, std::size_t bytes) const {
    if (!has_key_) return false;
    for (std::size_t c = 0; c < parts_.samples(); ++c)
      if (read_uint(pixel + c * bytes, static_cast<int>(bytes), false) != key_[c]) return false;
    return true;
  }
  void put_index(unsigned index, unsigned char* to) {
    visible_ |= alpha_[index] != 0;
    std::memcpy(to, palette_[index], 3);
  }
  void put(unsigned red, unsigned green, unsigned blue, unsigned alpha, unsigned char* to) {
    visible_ |= alpha != 0;
    to[0] = on_background(red, alpha);
    to[1] = on_background(green, alpha);
    to[2] = on_background(blue, alpha);
  }

  const PngParts& parts_;
  unsigned char palette_[256][3] = {}, alpha_[256] = {};
  bool has_key_ = false, visible_ = false;
  std::uint32_t key_[3] = {};  // the transparent grey or RGB
};

/// Decodes the pixels. Errors: bad_format, too_large (more than max_pixels, or a side > max_image_side).
inline Result<Image> decode_png(const PngParts& parts, std::size_t max_pixels) {
  if (const Status s = check_size(parts.width, parts.height, max_pixels); !s) return s;
  std::size_t wanted = 0;
  for (const PngPass& pass : png_passes(parts)) wanted += pass.bytes(parts);
  const Result<PngRows> rows = inflate_png(parts, wanted);
  if (!rows) return rows.status();
  const std::size_t step = (parts.samples() * static_cast<std::size_t>(parts.bits) + 7) / 8;
  const auto unfilter = step == 3 ? unfilter_png<3> : step == 4 ? unfilter_png<4> : unfilter_png<0>;
  Image out(static_cast<int>(parts.width), static_cast<int>(parts.height));
  PngColours colours(parts);
  unsigned char* at = rows->get();
  for (const PngPass& pass : png_passes(parts)) {
    const std::size_t width = pass.width(parts), size = pass.row_bytes(parts);
    const std::vector<unsigned char> zeros(size);
    const unsigned char* up = zeros.data();
    for (std::size_t row = 0; width > 0 && row < pass.height(parts); ++row, at += size + 1) {
      if (!unfilter(at[0], step, size, up, at + 1)) return damaged_png("filter of a row");
      colours.convert(at + 1, width,
                      out.pixel(static_cast<int>(pass.x), static_cast<int>(pass.y + row * pass.dy)),
                      3 * pass.dx);
      up = at + 1;
    }
  }
  if (!colours.visible()) return nothing_visible();
  return out;
}

}  // namespace detail
TINYFIQA_END
