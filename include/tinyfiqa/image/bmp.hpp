// Reads BMP: every version of its header, 1 to 32 bits a pixel, palettes, run lengths, bit masks, both orders of rows.
// (stb_image reads no palette of OS/2, no run lengths, and takes uninitialised memory for colours beyond a palette.)
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/transparency.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN
namespace detail {

/// Microsoft's BITMAPINFOHEADER and its relatives.
struct BmpHeader {
  enum Coding : unsigned { plain = 0, run_length_8 = 1, run_length_4 = 2, masks = 3, alpha_masks = 6 };

  long long width = 0, height = 0;
  bool top_down = false;
  unsigned bits = 0;  ///< of a pixel
  unsigned coding = plain;
  std::uint32_t mask[4] = {};          ///< of red, green, blue and alpha in pixels of 16 and 32 bits
  std::size_t pixels_at = 0;           ///< in the file
  unsigned char palette[256][3] = {};  ///< red, green, blue; black beyond the file's palette
};

inline Status damaged_bmp(const char* what) {
  return Status::error(Errc::bad_format, "damaged BMP (", what, "); get the file again");
}
inline Status cut_bmp(std::size_t size) {
  return Status::error(Errc::bad_format, "cut off after ", size, " bytes; get the file again");
}

/// Reads the masks of 16 and 32 bits. `after`: where the header ends.
inline Status read_bmp_masks(Bytes file, std::size_t header_bytes, BmpHeader& h) {
  const bool given = h.coding == BmpHeader::masks || h.coding == BmpHeader::alpha_masks;
  if (!given) {
    const bool half = h.bits == 16;
    h.mask[0] = half ? 0x7C00u : 0xFF0000u;
    h.mask[1] = half ? 0x03E0u : 0xFF00u;
    h.mask[2] = half ? 0x001Fu : 0xFFu;
    return Status();
  }
  // They follow the oldest header and are part of the newer ones, at the same place.
  const bool alpha = header_bytes >= 56 || (header_bytes == 40 && h.coding == BmpHeader::alpha_masks);
  constexpr std::size_t masks_at = 14 + 40;
  const std::size_t count = alpha ? 4 : 3;
  if (file.size < masks_at + 4 * count) return cut_bmp(file.size);
  for (std::size_t i = 0; i < count; ++i) h.mask[i] = read_uint(file.data + masks_at + 4 * i, 4, true);
  for (const std::uint32_t mask : h.mask) {
    const std::uint32_t low = mask & (~mask + 1);  // its bits must be neighbours
    if (mask != 0 && ((mask + low) & mask) != 0) return damaged_bmp("colour masks");
    if (h.bits == 16 && mask > 0xFFFF) return damaged_bmp("colour masks");
  }
  return Status();
}

/// Reads as many colours as there are between the header and the pixels. `count`: that the header says, or 0.
inline void read_bmp_palette(Bytes file, std::size_t header_bytes, std::size_t count, BmpHeader& h) {
  const std::size_t at = 14 + header_bytes, entry = header_bytes == 12 ? 3 : 4,
                    all = std::size_t{1} << h.bits;
  const std::size_t room = h.pixels_at > at ? (h.pixels_at - at) / entry : 0;
  if (count == 0 || count > all) count = all;
  if (count > room) count = room;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) h.palette[i][c] = file[at + entry * i + 2 - c];
}

inline Status check_bmp_header(const BmpHeader& h) {
  if (h.width < 1 || h.height < 1)
    return Status::error(Errc::bad_format, "damaged BMP (", h.width, "x", h.height,
                         " pixels); get the file again");
  const bool palette = h.bits == 1 || h.bits == 4 || h.bits == 8;
  bool known = false;
  switch (h.coding) {
    case BmpHeader::plain:
      known = palette || h.bits == 16 || h.bits == 24 || h.bits == 32;
      break;
    case BmpHeader::run_length_8:
      known = h.bits == 8;
      break;
    case BmpHeader::run_length_4:
      known = h.bits == 4;
      break;
    case BmpHeader::masks:
    case BmpHeader::alpha_masks:
      known = h.bits == 16 || h.bits == 32;
      break;
  }
  if (known) return Status();
  return Status::error(Errc::unsupported, "BMP with ", h.bits, " bits a pixel and compression ", h.coding,
                       " is not supported; convert to JPEG or PNG");
}

/// Reads everything before the pixels. The caller has seen "BM".
inline Result<BmpHeader> read_bmp_header(Bytes file) {
  if (file.size < 26) return cut_bmp(file.size);
  const auto u16 = [&](std::size_t at) { return read_uint(file.data + at, 2, true); };
  const auto u32 = [&](std::size_t at) { return read_uint(file.data + at, 4, true); };
  const std::size_t header_bytes = u32(14);
  constexpr std::size_t known[] = {12, 16, 40, 52, 56, 64, 108, 124};
  bool is_known = false;
  for (const std::size_t size : known) is_known = is_known || size == header_bytes;
  if (!is_known)
    return Status::error(Errc::unsupported, "BMP with a header of ", header_bytes,
                         " bytes is not supported; convert to JPEG or PNG");
  if (file.size < 14 + header_bytes) return cut_bmp(file.size);
  BmpHeader h;
  h.pixels_at = u32(10);
  std::size_t colours = 0;
  if (header_bytes == 12) {  // OS/2
    h.width = u16(18);
    h.height = u16(20);
    h.bits = u16(24);
  } else {
    h.width = static_cast<std::int32_t>(u32(18));
    h.height = static_cast<std::int32_t>(u32(22));
    h.bits = u16(28);
    h.top_down = h.height < 0;
    if (h.top_down) h.height = -h.height;
  }
  if (header_bytes >= 40) {
    h.coding = u32(30);
    colours = u32(46);
  }
  if (header_bytes == 64 && h.coding > BmpHeader::run_length_4) h.coding += 100;  // OS/2 has other ones
  if (const Status s = check_bmp_header(h); !s) return s;
  if (h.pixels_at > file.size) return cut_bmp(file.size);
  if (h.pixels_at < 14 + header_bytes) return damaged_bmp("the pixels lie in the header");
  if (const Status s = read_bmp_masks(file, header_bytes, h); !s) return s;
  if (h.bits <= 8) read_bmp_palette(file, header_bytes, colours, h);
  return h;
}

/// The row of the image that is stored as number `stored`.
inline unsigned char* bmp_row(const BmpHeader& h, long long stored, Image& out) {
  return out.pixel(0, static_cast<int>(h.top_down ? stored : h.height - 1 - stored));
}

/// The bits of a mask as a level. `max`: the mask, moved down to bit 0.
struct BmpChannel {
  std::uint32_t mask = 0, max = 0;
  int shift = 0;

  BmpChannel() = default;
  explicit BmpChannel(std::uint32_t m) : mask(m), max(m) {
    while (max != 0 && (max & 1u) == 0) {
      max >>= 1u;
      ++shift;
    }
  }
  unsigned level(std::uint32_t pixel) const {
    if (max == 0) return 0;
    if (max == 255) return (pixel & mask) >> shift;
    const std::uint64_t value = (pixel & mask) >> shift;
    return static_cast<unsigned>((value * 255 + max / 2) / max);
  }
};

/// Whether any pixel has an alpha above 0. Many programs leave it 0 everywhere and mean no transparency.
inline bool bmp_has_alpha(const BmpHeader& h, const unsigned char* in, std::size_t row_bytes) {
  if (h.mask[3] == 0) return false;
  const int bytes = static_cast<int>(h.bits / 8);
  for (long long y = 0; y < h.height; ++y, in += row_bytes)
    for (long long x = 0; x < h.width; ++x)
      if ((read_uint(in + x * bytes, bytes, true) & h.mask[3]) != 0) return true;
  return false;
}

/// Pixels of 16 or 32 bits.
inline void read_bmp_masked(const BmpHeader& h, const unsigned char* in, std::size_t row_bytes, Image& out) {
  const int bytes = static_cast<int>(h.bits / 8);
  const BmpChannel red(h.mask[0]), green(h.mask[1]), blue(h.mask[2]), alpha(h.mask[3]);
  const bool transparent = bmp_has_alpha(h, in, row_bytes);
  for (long long y = 0; y < h.height; ++y, in += row_bytes) {
    unsigned char* to = bmp_row(h, y, out);
    for (long long x = 0; x < h.width; ++x, to += 3) {
      const std::uint32_t pixel = read_uint(in + x * bytes, bytes, true);
      const unsigned opacity = transparent ? alpha.level(pixel) : 255;
      to[0] = on_background(red.level(pixel), opacity);
      to[1] = on_background(green.level(pixel), opacity);
      to[2] = on_background(blue.level(pixel), opacity);
    }
  }
}

/// Pixels of 24 bits, or of 1, 4 or 8 bits with a palette.
inline void read_bmp_plain(const BmpHeader& h, const unsigned char* in, std::size_t row_bytes, Image& out) {
  for (long long y = 0; y < h.height; ++y, in += row_bytes) {
    unsigned char* to = bmp_row(h, y, out);
    if (h.bits == 24) {
      reorder_pixels<ChannelOrder::bgr>(in, out.width, to);
      continue;
    }
    for (std::size_t x = 0; x < static_cast<std::size_t>(h.width); ++x, to += 3) {
      const std::size_t bit = x * h.bits;
      const unsigned index = in[bit / 8] >> (8 - h.bits - bit % 8) & ((1u << h.bits) - 1);
      std::memcpy(to, h.palette[index], 3);
    }
  }
}

/// Run lengths. Pixels that the codes leave out have the first colour of the palette.
class BmpRuns {
 public:
  BmpRuns(const BmpHeader& header, Bytes codes, Image& out) : h_(header), in_(codes), out_(out) {}

  Status read() {
    for (std::size_t i = 0; i < out_.rgb.size(); ++i) out_.rgb[i] = h_.palette[0][i % 3];
    while (in_.size - at_ >= 2) {
      const unsigned count = in_[at_], value = in_[at_ + 1];
      at_ += 2;
      if (count > 0) {
        for (unsigned i = 0; i < count; ++i) put(h_.bits == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
      } else if (value == 0) {  // end of the row
        x_ = 0;
        ++y_;
      } else if (value == 1) {  // end of the image
        return Status();
      } else if (value == 2) {  // move right and up
        if (in_.size - at_ < 2) break;
        x_ += in_[at_];
        y_ += in_[at_ + 1];
        at_ += 2;
      } else if (!copy(value)) {
        break;
      }
      if (y_ > h_.height) return damaged_bmp("more rows than its header says");
    }
    // The end code may be missing if all pixels are there.
    const bool all = y_ >= h_.height || (y_ == h_.height - 1 && x_ >= h_.width);
    return all ? Status() : damaged_bmp("pixels are missing");
  }

 private:
  /// `count` pixels as they are, in an even number of bytes.
  bool copy(unsigned count) {
    const std::size_t bytes = h_.bits == 8 ? count : (count + 1) / 2;
    if (in_.size - at_ < bytes) return false;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned value = in_[at_ + (h_.bits == 8 ? i : i / 2)];
      put(h_.bits == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
    }
    at_ += bytes;
    if (bytes % 2 == 1 && at_ < in_.size) ++at_;
    return true;
  }
  /// Runs may reach beyond the end of a row: what is beyond does not count.
  void put(unsigned index) {
    if (x_ < h_.width && y_ < h_.height) std::memcpy(bmp_row(h_, y_, out_) + 3 * x_, h_.palette[index], 3);
    ++x_;
  }

  const BmpHeader& h_;
  Bytes in_;
  Image& out_;
  std::size_t at_ = 0;
  long long x_ = 0, y_ = 0;
};

/// Decodes a BMP. A wholly transparent one counts as opaque. Errors: bad_format, unsupported, too_large.
inline Result<Image> decode_bmp(Bytes file, std::size_t max_pixels) {
  const Result<BmpHeader> header = read_bmp_header(file);
  if (!header) return header.status();
  const BmpHeader& h = *header;
  const auto width = static_cast<std::size_t>(h.width), height = static_cast<std::size_t>(h.height);
  if (const Status s = check_size(width, height, max_pixels); !s) return s;
  const Bytes pixels(file.data + h.pixels_at, file.size - h.pixels_at);
  const bool runs = h.coding == BmpHeader::run_length_8 || h.coding == BmpHeader::run_length_4;
  const std::size_t row_bytes = (width * h.bits + 31) / 32 * 4;
  if (!runs && row_bytes * height > pixels.size) return cut_bmp(file.size);
  Image out(static_cast<int>(h.width), static_cast<int>(h.height));
  if (runs) {
    if (const Status s = BmpRuns(h, pixels, out).read(); !s) return s;
  } else if (h.bits == 16 || h.bits == 32) {
    read_bmp_masked(h, pixels.data, row_bytes, out);
  } else {
    read_bmp_plain(h, pixels.data, row_bytes, out);
  }
  return out;
}

}  // namespace detail
TINYFIQA_END
