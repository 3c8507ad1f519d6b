// Write text to a file.
#pragma once

#include <tinyfiqa/formats/write_file.hpp>

#include <string>
#include <vector>

/// Replaces the file as a whole: a reader sees the old text or the new one. Errors: cannot_write.
inline tinyfiqa::Status write_text(const std::string& path, const std::string& text) {
  const tinyfiqa::Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return tinyfiqa::write_file(path, {&bytes, 1});
}
/// The same for text in pieces.
inline tinyfiqa::Status write_text(const std::string& path, const std::vector<std::string>& pieces) {
  std::vector<tinyfiqa::Bytes> parts;
  for (const std::string& piece : pieces)
    parts.emplace_back(reinterpret_cast<const unsigned char*>(piece.data()), piece.size());
  return tinyfiqa::write_file(path, tinyfiqa::Span<const tinyfiqa::Bytes>(parts));
}
