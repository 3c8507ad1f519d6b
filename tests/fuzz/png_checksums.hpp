// Corrects the checksums of a mutated PNG, so that the fuzzers get behind them.
#pragma once

#include <tinyfiqa/image/format.hpp>
#include <tinyfiqa/image/png_chunks.hpp>

#include <cstddef>
#include <vector>

inline std::vector<unsigned char> with_checksums(tinyfiqa::Bytes file) {
  namespace detail = tinyfiqa::detail;
  std::vector<unsigned char> out(file.begin(), file.end());
  if (detail::image_format(file) != detail::ImageFormat::png) return out;
  for (std::size_t at = 8; at <= out.size() && out.size() - at >= 12;) {
    const std::size_t length = detail::read_uint(out.data() + at, 4, false);
    if (length > out.size() - at - 12) break;
    const auto sum = detail::png_checksum(tinyfiqa::Bytes(out.data() + at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      out[at + 8 + length + i] = static_cast<unsigned char>(sum >> (24 - 8 * i));
    at += length + 12;
  }
  return out;
}
