// Escape text for XML.
#pragma once

#include "reports/text.hpp"

#include <algorithm>
#include <string>

/// Escapes markup. Replaces control characters by a space and bytes that are not UTF-8 by a question mark.
inline std::string escape_xml(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    const char c = text[i];
    if (length == 0 || (length == 1 && static_cast<unsigned char>(c) < 0x20))
      out += length == 0 ? '?' : ' ';
    else if (c == '&' || c == '<' || c == '>' || c == '"')
      out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
    else
      out += text.substr(i, length);
    i += std::max<std::size_t>(1, length);
  }
  return out;
}
