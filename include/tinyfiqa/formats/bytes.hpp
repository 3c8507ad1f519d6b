// Small helpers of the readers: overflow-checked products, names made fit for a message.
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

/// product *= factor; false, with `product` unchanged, if that overflows. Shapes in a file are anybody's
/// numbers: [2^32, 2^32] would otherwise multiply to 0 and pass every later check.
inline bool multiply_into(std::uint64_t& product, std::uint64_t factor) {
  if (factor != 0 && product > std::numeric_limits<std::uint64_t>::max() / factor) return false;
  product *= factor;
  return true;
}

/// sum += term; false, with `sum` unchanged, if that overflows.
inline bool add_into(std::uint64_t& sum, std::uint64_t term) {
  if (sum > std::numeric_limits<std::uint64_t>::max() - term) return false;
  sum += term;
  return true;
}

/// 'name' for a message: cut after 100 bytes, and what a terminal would obey is replaced by '?'. (Not called
/// quoted: overload resolution would find std::quoted through the argument.)
inline std::string in_quotes(std::string_view name) {
  std::string text = "'";
  for (const char c : name.substr(0, 100)) {
    const auto code = static_cast<unsigned char>(c);
    text += code < 0x20 || code == 0x7f ? '?' : c;
  }
  return text + (name.size() > 100 ? "...'" : "'");
}

/// "[64, 3, 3, 3]"; long shapes end in dots.
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
