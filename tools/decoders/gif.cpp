#include "decoders/gif.hpp"

#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/transparency.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

using namespace tinyfiqa;

// GIF89a specification: a header, blocks that begin with a byte for their kind, and in them data as
// sub-blocks of up to 255 bytes.
namespace {

Status damaged(const char* what) {
  return Status::error(Errc::bad_format, "damaged GIF (", what, "); get the file again");
}

/// Reads bytes; past the end, zeros.
class GifBytes {
 public:
  explicit GifBytes(Bytes file) : file_(file) {}
  unsigned next() { return at_ < file_.size ? file_[at_++] : (ended_ = true, 0u); }
  unsigned next_u16() {
    const unsigned low = next();
    return low | next() << 8;
  }
  void skip(std::size_t count) {
    ended_ = ended_ || count > file_.size - at_;
    at_ = ended_ ? file_.size : at_ + count;
  }
  /// The next `count` bytes; none if they are not all there.
  Bytes take(std::size_t count) {
    skip(count);
    return ended_ ? Bytes() : Bytes(file_.data + at_ - count, count);
  }
  /// The palette that the flags announce; none if there is none.
  Bytes take_palette(unsigned flags) {
    return (flags & 0x80) == 0 ? Bytes() : take(std::size_t{3} << ((flags & 7) + 1));
  }
  void skip_sub_blocks() {
    for (unsigned size = next(); size > 0; size = next()) skip(size);
  }
  bool ended() const { return ended_; }

 private:
  Bytes file_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

/// The codes of the LZW data, as the sub-blocks hold them.
class GifCodes {
 public:
  explicit GifCodes(GifBytes& bytes) : bytes_(bytes) {}
  /// -1 after the last code.
  int next(int bits) {
    while (held_ < bits) {
      if (left_ == 0) left_ = bytes_.next();
      if (left_ == 0) return -1;
      --left_;
      buffer_ |= bytes_.next() << held_;
      held_ += 8;
    }
    const int code = static_cast<int>(buffer_ & ((1u << bits) - 1));
    buffer_ >>= bits;
    held_ -= bits;
    return code;
  }

 private:
  GifBytes& bytes_;
  unsigned left_ = 0, buffer_ = 0;
  int held_ = 0;
};

/// The size and place of a frame, and how it is stored.
struct GifFrame {
  unsigned left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  Bytes palette;
  int transparent = -1;  ///< the index of the palette that is no colour
};

/// Decodes the LZW codes into the indices of all pixels.
Result<std::vector<unsigned char>> read_indices(GifBytes& bytes, std::size_t wanted) {
  const int root_bits = static_cast<int>(bytes.next());
  if (root_bits < 1 || root_bits > 8) return damaged("code size");
  constexpr std::size_t max_codes = 4096;
  const std::size_t clear = std::size_t{1} << root_bits, end = clear + 1;
  // A code stands for the pixels of its prefix and one more.
  std::vector<std::size_t> prefix(max_codes), length(max_codes, 1);
  std::vector<unsigned char> last(max_codes), indices(wanted);
  for (std::size_t c = 0; c < clear; ++c) last[c] = static_cast<unsigned char>(c);
  constexpr std::size_t none = max_codes;
  std::size_t known = end + 1, done = 0, before = none;
  int bits = root_bits + 1;
  GifCodes codes(bytes);
  while (done < wanted) {
    const int code = codes.next(bits);
    const auto c = static_cast<std::size_t>(code);
    if (code < 0 || c == end || bytes.ended()) return damaged("pixels are missing");
    if (c == clear) {
      known = end + 1;
      bits = root_bits + 1;
      before = none;
      continue;
    }
    if (c > known || (c == known && before == none) || (c == known && known == max_codes))
      return damaged("code");
    if (before != none && known < max_codes) {
      prefix[known] = before;
      length[known] = length[before] + 1;
      std::size_t first = c == known ? before : c;  // the first pixel of this code
      while (first >= clear) first = prefix[first];
      last[known++] = static_cast<unsigned char>(first);
      if (known == std::size_t{1} << bits && bits < 12) ++bits;
    }
    std::size_t at = done + length[c];
    for (std::size_t p = c;; p = prefix[p]) {
      if (--at < wanted) indices[at] = last[p];
      if (p < clear) break;
    }
    done += length[c];
    before = c;
  }
  return indices;
}

/// The row of the frame that is stored as number `stored`: every 8th from 0, every 8th from 4, every 4th from 2, every
/// 2nd from 1.
unsigned interlaced_row(unsigned stored, unsigned height) {
  constexpr unsigned first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; ++pass) {
    const unsigned rows = height > first[pass] ? (height - first[pass] + step[pass] - 1) / step[pass] : 0;
    if (stored < rows) return first[pass] + stored * step[pass];
    stored -= rows;
  }
  return 0;
}

/// Draws the frame. Returns whether any pixel is visible.
bool draw(const GifFrame& frame, const std::vector<unsigned char>& indices, Image& out) {
  const std::size_t colours = frame.palette.size / 3;
  bool visible = false;
  auto index = indices.begin();
  for (unsigned stored = 0; stored < frame.height; ++stored) {
    const unsigned row = frame.interlaced ? interlaced_row(stored, frame.height) : stored;
    unsigned char* to = out.pixel(static_cast<int>(frame.left), static_cast<int>(frame.top + row));
    for (unsigned x = 0; x < frame.width; ++x, ++index, to += 3) {
      if (*index == frame.transparent) continue;
      visible = true;
      if (*index < colours)
        std::memcpy(to, frame.palette.data + std::size_t{3} * *index, 3);
      else
        std::memset(to, 0, 3);  // black beyond the palette
    }
  }
  return visible;
}

/// Reads the blocks up to the data of the first image. `frame` has the palette for all images.
Status find_frame(GifBytes& bytes, GifFrame& frame) {
  while (!bytes.ended()) {
    switch (bytes.next()) {
      case 0x21:                     // extension
        if (bytes.next() == 0xF9) {  // of an image
          const Bytes control = bytes.take(bytes.next());
          if (control.size >= 4) frame.transparent = (control[0] & 1) != 0 ? control[3] : -1;
        }
        bytes.skip_sub_blocks();
        break;
      case 0x2C: {  // image
        frame.left = bytes.next_u16();
        frame.top = bytes.next_u16();
        frame.width = bytes.next_u16();
        frame.height = bytes.next_u16();
        const unsigned flags = bytes.next();
        frame.interlaced = (flags & 0x40) != 0;
        const Bytes palette = bytes.take_palette(flags);
        if (!palette.empty()) frame.palette = palette;
        if (bytes.ended()) return damaged("it is cut off");
        if (frame.width < 1 || frame.height < 1) return damaged("no pixels");
        return frame.palette.empty() ? damaged("no palette") : Status();
      }
      default:
        return damaged(bytes.ended() ? "it is cut off" : "no image");
    }
  }
  return damaged("it is cut off");
}

}  // namespace

Result<Image> decode_gif(Bytes file, std::size_t max_pixels) {
  GifBytes bytes(file);
  bytes.skip(6);
  const unsigned screen_width = bytes.next_u16(), screen_height = bytes.next_u16();
  const unsigned flags = bytes.next();
  bytes.skip(2);
  GifFrame frame;
  frame.palette = bytes.take_palette(flags);
  if (const Status s = find_frame(bytes, frame); !s) return s;
  const unsigned width = std::max(screen_width, frame.left + frame.width);
  const unsigned height = std::max(screen_height, frame.top + frame.height);
  if (const Status s = detail::check_size(width, height, max_pixels); !s) return s;
  const auto indices = read_indices(bytes, std::size_t{frame.width} * frame.height);
  if (!indices) return indices.status();
  Image out(static_cast<int>(width), static_cast<int>(height));
  std::fill(out.rgb.begin(), out.rgb.end(), background_level);
  if (!draw(frame, *indices, out)) return detail::nothing_visible();
  return out;
}
