// Write text to a file.
#pragma once

#include <tinyfiqa/formats/write_file.hpp>

#include <string>

/// Replaces the file as a whole: a reader sees the old text or the new one. Errors: cannot_write.
inline tinyfiqa::Status write_text(const std::string& path, const std::string& text) {
  const tinyfiqa::Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return tinyfiqa::write_file(path, {&bytes, 1});
}
