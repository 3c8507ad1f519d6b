#include "decoders/gif.hpp"

#include <tinyfiqa/image/exif.hpp>

#include <cstddef>
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
  void skip_colours(unsigned flags) {
    if ((flags & 0x80) != 0) skip(std::size_t{3} << ((flags & 7) + 1));
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

/// Adds up the lengths of the codes, until there are `wanted` pixels.
Status count_pixels(GifBytes& bytes, std::size_t wanted) {
  const int root_bits = static_cast<int>(bytes.next());
  if (root_bits < 1 || root_bits > 11) return damaged("code size");
  constexpr std::size_t max_codes = 4096;
  const std::size_t clear = std::size_t{1} << root_bits, end = clear + 1;
  std::vector<std::size_t> length(max_codes, 1);
  std::size_t known = end + 1, pixels = 0, before = 0;  // before: the length of the code before
  int bits = root_bits + 1;
  GifCodes codes(bytes);
  while (pixels < wanted) {
    const int code = codes.next(bits);
    const auto c = static_cast<std::size_t>(code);
    if (code < 0 || c == end || bytes.ended()) return damaged("pixels are missing");
    if (c == clear) {
      known = end + 1;
      bits = root_bits + 1;
      before = 0;
      continue;
    }
    if (c > known || (c == known && before == 0)) return damaged("code");
    if (before > 0 && known < max_codes) {
      length[known++] = before + 1;
      if (known == std::size_t{1} << bits && bits < 12) ++bits;
    }
    before = length[c];
    pixels += before;
  }
  return Status();
}

}  // namespace

Status check_gif(Bytes file) {
  GifBytes bytes(file);
  bytes.skip(10);
  const unsigned flags = bytes.next();
  bytes.skip(2);
  bytes.skip_colours(flags);
  while (!bytes.ended()) {
    switch (bytes.next()) {
      case 0x21:  // extension
        bytes.skip(1);
        bytes.skip_sub_blocks();
        break;
      case 0x2C: {  // image
        bytes.skip(4);
        const std::size_t width = bytes.next_u16(), height = bytes.next_u16();
        bytes.skip_colours(bytes.next());
        return count_pixels(bytes, width * height);
      }
      default:
        return damaged(bytes.ended() ? "it is cut off" : "no image");
    }
  }
  return damaged("it is cut off");
}
