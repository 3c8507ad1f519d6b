// The entropy-coded data of a JPEG, bit by bit, and its Huffman codes (ITU-T T.81, annexes C and F).
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/exif.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN
namespace detail {

/// The bits of one scan up to the next marker. Beyond its end there are zeros.
class JpegBits {
 public:
  JpegBits(Bytes file, std::size_t begin) : file_(file), at_(begin) {}

  /// The next 16 bits, which are not consumed. At least 32 are then loaded.
  unsigned peek16() {
    if (count_ < 32) fill();
    return static_cast<unsigned>(bits_ >> 48);
  }
  /// `count` is at most 32, and at most what a peek has loaded.
  void skip(int count) {
    bits_ <<= count;
    count_ -= count;
  }
  /// The next `count` bits, 0..16, as a number.
  unsigned take(int count) {
    const unsigned value = peek16() >> (16 - count);
    skip(count);
    return value;
  }
  void skip_many(int count) {
    for (; count > 0; count -= 16) take(count < 16 ? count : 16);
  }
  /// Whether bits beyond the end were consumed: data are missing.
  bool overrun() const { return count_ < invented_; }

  /// Leaves the rest of the last byte, which is padding. Returns where the next byte is in the file: a marker, if
  /// all bytes were consumed.
  std::size_t end() {
    // Bytes that were loaded and not consumed are given back, from the last one to the first.
    for (int whole = (count_ - invented_) / 8; whole > 0; --whole) {
      --at_;
      if (at_ > 0 && file_[at_] == 0 && file_[at_ - 1] == 0xFF) --at_;  // a stuffed zero
    }
    bits_ = 0;
    count_ = invented_ = 0;
    return at_;
  }

 private:
  void fill() {
    if (count_ <= 32 && file_.size - at_ >= 4) {
      const std::uint32_t word = read_uint(file_.data + at_, 4, false);
      const std::uint32_t inverse = ~word;  // has a zero byte where there is an 0xFF
      if (((inverse - 0x01010101u) & word & 0x80808080u) == 0) {
        bits_ |= std::uint64_t{word} << (32 - count_);
        count_ += 32;
        at_ += 4;
        return;
      }
    }
    while (count_ <= 56) {
      unsigned byte = 0;
      if (at_ < file_.size && !at_marker(byte)) {
        ++at_;
      } else {
        byte = 0;
        invented_ += 8;
      }
      bits_ |= std::uint64_t{byte} << (56 - count_);
      count_ += 8;
    }
  }
  /// Reads the byte at at_; moves to the stuffed zero behind an 0xFF.
  bool at_marker(unsigned& byte) {
    byte = file_[at_];
    if (byte != 0xFF) return false;
    std::size_t next = at_ + 1;
    while (next < file_.size && file_[next] == 0xFF) ++next;  // fill bytes
    if (next == file_.size || file_[next] != 0) return true;
    at_ = next;
    return false;
  }

  Bytes file_;
  std::size_t at_;
  std::uint64_t bits_ = 0;
  int count_ = 0, invented_ = 0;
};

/// One Huffman table.
class JpegCodes {
 public:
  /// counts [16]: of the codes by length; values: of the codes in their order. False if there are too many codes.
  bool build(const unsigned char* counts, const unsigned char* values, std::size_t size) {
    std::memset(fast_, 0, sizeof fast_);
    std::memcpy(values_, values, size);
    int code = 0, index = 0;
    for (int length = 1; length <= 16; ++length) {
      first_[length] = index - code;
      for (int i = 0; i < counts[length - 1]; ++i, ++code, ++index) add_fast(code, length, values_[index]);
      if (code > 1 << length) return false;
      end_[length] = static_cast<unsigned>(code) << (16 - length);
      code *= 2;
    }
    return true;
  }

  /// The value of the next code; -1 if there is no such code. The value's lower 4 bits say how many bits follow that
  /// belong to it: they are skipped, too.
  int next(JpegBits& bits) const {
    const unsigned ahead = bits.peek16();
    const unsigned fast = fast_[ahead >> (16 - fast_bits)];
    if (fast != 0) {
      bits.skip(static_cast<int>(fast >> 8));
      return static_cast<int>(fast & 255);
    }
    for (int length = fast_bits + 1; length <= 16; ++length) {
      if (ahead >= end_[length]) continue;
      const int value = values_[(first_[length] + static_cast<int>(ahead >> (16 - length))) & 255];
      bits.skip(length + (value & 15));
      return value;
    }
    return -1;
  }

 private:
  static constexpr int fast_bits = 9;

  /// All 9 bits that begin with this code.
  void add_fast(int code, int length, unsigned char value) {
    if (length > fast_bits || code >= 1 << length) return;
    const int begin = code << (fast_bits - length), count = 1 << (fast_bits - length);
    const int bits = length + (value & 15);
    for (int i = begin; i < begin + count; ++i) fast_[i] = static_cast<std::uint16_t>(bits << 8 | value);
  }

  std::uint16_t fast_[1 << fast_bits] = {};  // bits to skip, and value; 0 for longer codes
  unsigned end_[17] = {};                    // behind the last code of a length, as 16 bits
  int first_[17] = {};                       // index of a code is first_[length] + code
  unsigned char values_[256] = {};
};

}  // namespace detail
TINYFIQA_END
