// The bytes of a fuzzer as numbers and texts.
#pragma once

#include <tinyfiqa/base/span.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

/// Ends the fuzzer, which then writes the input to a file, if something does not hold.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// The bytes one after the other; zeros after the last.
class Input {
 public:
  explicit Input(tinyfiqa::Bytes bytes) : bytes_(bytes) {}
  Input(const unsigned char* data, std::size_t size) : bytes_(data, size) {}

  bool empty() const { return at_ == bytes_.size; }
  unsigned char byte() { return at_ < bytes_.size ? bytes_[at_++] : static_cast<unsigned char>(0); }
  /// 0 .. bound - 1; bound is at most 256.
  int below(int bound) { return byte() % bound; }
  /// lowest .. highest; they differ by at most 255.
  int between(int lowest, int highest) { return lowest + below(highest - lowest + 1); }
  bool flip() { return byte() % 2 == 1; }
  template <class T, std::size_t Count>
  T one_of(const T (&choices)[Count]) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(Count)))];
  }
  /// Any bit pattern: also infinities and NaN.
  float any_float() {
    const unsigned char bits[4] = {byte(), byte(), byte(), byte()};
    float value = 0;
    std::memcpy(&value, bits, sizeof value);
    return value;
  }
  /// As many floats, in memory of their own, so that a sanitizer sees reads beyond the end.
  std::vector<float> floats(int count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = any_float();
    return values;
  }
  /// A coordinate in or near a small image, or any float.
  float coordinate() {
    const int kind = below(4);
    return kind == 0 ? any_float() : static_cast<float>(byte()) / 4 - static_cast<float>(kind);
  }
  /// The text up to the next line feed, which is left out.
  std::string line() {
    std::string text;
    while (!empty()) {
      const auto c = static_cast<char>(byte());
      if (c == '\n') break;
      text += c;
    }
    return text;
  }
  tinyfiqa::Bytes rest() const { return {bytes_.data + at_, bytes_.size - at_}; }

 private:
  tinyfiqa::Bytes bytes_;
  std::size_t at_ = 0;
};
