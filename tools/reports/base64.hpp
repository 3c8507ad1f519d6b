// Encode bytes as base64 (RFC 4648), for JSON and data: addresses.
#pragma once

#include <tinyfiqa/base/span.hpp>

#include <string>

inline std::string base64_text(tinyfiqa::Bytes bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size; i += 3) {
    const auto at = [&](std::size_t k) { return i + k < bytes.size ? unsigned{bytes[i + k]} : 0u; };
    const unsigned three = at(0) << 16u | at(1) << 8u | at(2);
    for (unsigned k = 0; k < 4; ++k) text += i + k > bytes.size ? '=' : digits[three >> (18 - 6 * k) & 63u];
  }
  return text;
}
