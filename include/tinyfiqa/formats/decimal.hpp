// Decimal numbers from and to text, in every locale: std::from_chars and std::to_chars for floats, also where the
// standard library has them for integers only (libstdc++ before 11, libc++ before 20).
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

TINYFIQA_BEGIN

namespace detail {

// ---- By C's functions, whose decimal point depends on the locale. The tests compare them with the standard's.

/// strtod() or strtof(). `digits` contains no point, so the locale does not matter.
template <class Float>
Float from_digits(const std::string& digits, long long exponent) {
  const std::string text = digits + "e" + std::to_string(exponent);
  if constexpr (std::is_same_v<Float, float>)
    return std::strtof(text.c_str(), nullptr);
  else
    return std::strtod(text.c_str(), nullptr);
}

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `at` behind `word`, in small or large letters; null if the text does not begin so.
inline const char* after_word(const char* at, const char* end, const char* word) {
  for (; *word != '\0'; ++at, ++word)
    if (at == end || (*at | 0x20) != *word) return nullptr;
  return at;
}

/// inf, infinity, nan, nan(TEXT). Null if the text begins otherwise.
template <class Float>
const char* read_special(const char* at, const char* end, Float& value) {
  if (const char* const behind = after_word(at, end, "inf")) {
    value = std::numeric_limits<Float>::infinity();
    const char* const longer = after_word(behind, end, "inity");
    return longer != nullptr ? longer : behind;
  }
  const char* const behind = after_word(at, end, "nan");
  if (behind == nullptr) return nullptr;
  value = std::numeric_limits<Float>::quiet_NaN();
  if (behind == end || *behind != '(') return behind;
  for (const char* p = behind + 1; p != end; ++p) {
    if (*p == ')') return p + 1;
    const char letter = static_cast<char>(*p | 0x20);
    if (!is_digit(*p) && *p != '_' && (letter < 'a' || letter > 'z')) break;
  }
  return behind;
}

/// `at` behind "e12"; unchanged if there is none.
inline const char* read_exponent(const char* at, const char* end, long long& exponent) {
  if (at == end || (*at | 0x20) != 'e') return at;
  const char* p = at + 1;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  if (p == end || !is_digit(*p)) return at;
  long long value = 0;
  for (; p != end && is_digit(*p); ++p)
    if (value < 1000000000) value = 10 * value + (*p - '0');
  exponent += negative ? -value : value;
  return p;
}

template <class Float>
std::from_chars_result read_decimal_by_c(std::string_view text, Float& value) {
  const char *const begin = text.data(), *const end = begin + text.size();
  const char* at = begin;
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  Float magnitude = 0;
  if (const char* const behind = read_special(at, end, magnitude)) {
    value = negative ? -magnitude : magnitude;
    return {behind, std::errc()};
  }
  std::string digits;
  long long exponent = 0;
  bool any = false, fraction = false;
  for (; at != end && (is_digit(*at) || (*at == '.' && !fraction)); ++at) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    any = true;
    if (fraction) --exponent;
    if (!digits.empty() || *at != '0') digits.push_back(*at);
  }
  if (!any) return {begin, std::errc::invalid_argument};
  at = read_exponent(at, end, exponent);
  if (!digits.empty()) {
    magnitude = from_digits<Float>(digits, exponent);
    if (!std::isfinite(magnitude) || !(magnitude > 0)) return {at, std::errc::result_out_of_range};
  }
  value = negative ? -magnitude : magnitude;
  return {at, std::errc()};
}

/// printf(), with the C locale's point.
inline std::string printed(const char* format, int precision, double value) {
  char text[80];
  const int size = std::snprintf(text, sizeof text, format, precision, value);
  std::string plain;
  for (const char c : std::string_view(text, static_cast<std::size_t>(size))) {
    const bool usual = is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '+';
    if (usual)
      plain.push_back(c);
    else if (plain.empty() || plain.back() != '.')  // a locale's point may have several bytes
      plain.push_back('.');
  }
  return plain;
}

/// The fewest digits that read back as `value` > 0; value = D.DDD * 10^exponent.
inline std::string shortest_digits(float value, int& exponent) {
  for (int count = 1;; ++count) {
    const std::string text = printed("%.*e", count - 1, static_cast<double>(value));  // D.DDDe+XX
    const std::size_t e = text.find('e');
    exponent = static_cast<int>(std::strtol(text.c_str() + e + 1, nullptr, 10));
    std::string digits = text.substr(0, 1);
    if (e > 1) digits += text.substr(2, e - 2);
    // Below a power of two, floats are half as far apart. So digits above it may read back where nearer ones below don't.
    const long long number = std::strtoll(digits.c_str(), nullptr, 10);
    for (const long long close : {number, number + 1}) {
      const std::string candidate = std::to_string(close);
      if (candidate.size() != digits.size()) continue;  // 9 + 1: a shorter text would have been found
      if (from_digits<float>(candidate, exponent - (count - 1)) == value || count == 9) return candidate;
    }
  }
}

inline std::string decimal_text_by_c(float value) {
  if (!std::isfinite(value) || value == 0) return printed("%.*g", 9, static_cast<double>(value));
  const std::string sign = value < 0 ? "-" : "";
  const float magnitude = std::fabs(value);
  int exponent = 0;
  const std::string digits = shortest_digits(magnitude, exponent);
  const int count = static_cast<int>(digits.size()), size = exponent < 0 ? -exponent : exponent;
  const std::string scientific = digits.substr(0, 1) + (count > 1 ? "." + digits.substr(1) : "") + "e" +
                                 (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + std::to_string(size);
  std::string fixed;
  if (exponent < 0)
    fixed = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  else if (exponent >= count - 1)
    fixed = printed("%.*f", 0, static_cast<double>(magnitude));  // every digit of a large integer
  else
    fixed = digits.substr(0, static_cast<std::size_t>(exponent) + 1) + "." +
            digits.substr(static_cast<std::size_t>(exponent) + 1);
  return sign + (fixed.size() <= scientific.size() ? fixed : scientific);
}

inline std::string decimal_text_by_c(float value, int digits) {
  return printed("%.*g", digits, static_cast<double>(value));
}

// ---- What the library uses.

/// Reads the number at the beginning of the text, as std::from_chars does: no space or + before it; inf and nan are
/// numbers. `value` is changed only if there is no error (std::errc::invalid_argument, result_out_of_range).
template <class Float>
std::from_chars_result read_decimal(std::string_view text, Float& value) {
#ifdef __cpp_lib_to_chars
  return std::from_chars(text.data(), text.data() + text.size(), value);
#else
  return read_decimal_by_c(text, value);
#endif
}

/// The shortest text that reads back as exactly this number.
inline std::string decimal_text(float value) {
#ifdef __cpp_lib_to_chars
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
#else
  return decimal_text_by_c(value);
#endif
}

/// The number with `digits` (at most 20) significant digits, as %g prints it.
inline std::string decimal_text(float value, int digits) {
#ifdef __cpp_lib_to_chars
  char text[32];
  return std::string(text,
                     std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr);
#else
  return decimal_text_by_c(value, digits);
#endif
}

}  // namespace detail

TINYFIQA_END
