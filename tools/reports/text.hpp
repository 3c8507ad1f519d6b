// Format, join and split text.
#pragma once

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
