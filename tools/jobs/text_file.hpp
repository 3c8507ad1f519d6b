// Text into a file, replaced as a whole.
#pragma once

#include <tinyfiqa/formats/file.hpp>

#include <string>

/// Errors: cannot_write.
inline tinyfiqa::Status write_text(const std::string& path, const std::string& text) {
  const tinyfiqa::Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return tinyfiqa::write_file(path, {&bytes, 1});
}
