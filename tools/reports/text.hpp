// Format, join and split text, and show text that others wrote.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

/// The text that printf would print, of at most 511 characters.
template <class... Values>
std::string format_text(const char* pattern, Values... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

/// The value with this number of decimals.
inline std::string decimal_text(double value, int decimals = 6) {
  return format_text("%.*f", decimals, value);
}

/// A bar of `width` characters, of which this share is filled: "[####......]".
inline std::string bar_text(double share, int width) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * width);
  return "[" + std::string(filled, '#') + std::string(static_cast<std::size_t>(width) - filled, '.') + "]";
}

/// "1 face", "2 faces"
inline std::string count_text(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

inline std::string join_text(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

/// The parts between separators, empty ones included: "a,," has three parts.
inline std::vector<std::string> split_text(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1)
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

/// The number of bytes of the UTF-8 character at text[i]; 0 if it is not valid UTF-8.
inline std::size_t utf8_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned b = byte(i);
  const std::size_t length = b < 0x80 ? 1 : b < 0xC2 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 0;
  if (length == 0 || i + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  return length;
}

/// True if the character at text[i] could command a terminal or reorder a line: control characters, line
/// separators and the overrides of the writing direction. `length` is that of utf8_length().
inline bool is_control(const std::string& text, std::size_t i, std::size_t length) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[i + k]); };
  if (length == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (length == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;  // U+0080 to U+009F
  if (length != 3 || byte(0) != 0xE2) return false;
  if (byte(1) == 0x80) return byte(2) >= 0xA8 && byte(2) <= 0xAE;  // U+2028 to U+202E
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;    // U+2066 to U+2069
}

/// Text of a file's name or content as it may be printed on a terminal: one line, in which what is_control()
/// and bytes that are not UTF-8 become \n, \t, \r or \xHH. Other text stays as it is.
inline std::string shown_text(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i), bytes = std::max<std::size_t>(1, length);
    if (length != 0 && !is_control(text, i, length)) {
      out.append(text, i, bytes);
    } else {
      for (std::size_t k = i; k < i + bytes; ++k) {
        const char c = text[k];
        out += c == '\n'   ? "\\n"
               : c == '\t' ? "\\t"
               : c == '\r' ? "\\r"
                           : format_text("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      }
    }
    i += bytes;
  }
  return out;
}
