// Small helpers of the file readers: sums and products that check for overflow, and names and shapes as text.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/little_endian.hpp>
#include <tinyfiqa/base/span.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

TINYFIQA_BEGIN

/// product *= factor. Returns false and leaves `product` unchanged if that overflows. The
/// numbers in a file are not trusted: without this check a shape of [2^32, 2^32] would multiply
/// to 0 and pass every later check.
inline bool multiply_into(std::uint64_t& product, std::uint64_t factor) {
  if (factor != 0 && product > std::numeric_limits<std::uint64_t>::max() / factor) return false;
  product *= factor;
  return true;
}

/// sum += term. Returns false and leaves `sum` unchanged if that overflows.
inline bool add_into(std::uint64_t& sum, std::uint64_t term) {
  if (sum > std::numeric_limits<std::uint64_t>::max() - term) return false;
  sum += term;
  return true;
}

/// The name in single quotes, for a message: at most 100 bytes, with control characters replaced by '?'. (It
/// is not called `quoted`, because argument-dependent lookup would find std::quoted too.)
inline std::string in_quotes(std::string_view name) {
  std::string text = "'";
  for (const char c : name.substr(0, 100)) {
    const auto code = static_cast<unsigned char>(c);
    text += code < 0x20 || code == 0x7f ? '?' : c;
  }
  return text + (name.size() > 100 ? "...'" : "'");
}

/// A shape as text: "[64, 3, 3, 3]". After 8 extents "..." stands for the rest.
template <class Extents>
std::string shape_text(const Extents& extents) {
  std::string text = "[";
  std::size_t count = 0;
  for (const auto extent : extents) {
    if (count == 8) return text + ", ...]";
    if (count++ != 0) text += ", ";
    text += std::to_string(extent);
  }
  return text + "]";
}

TINYFIQA_END
