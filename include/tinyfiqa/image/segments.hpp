// A walk over the segments of a JPEG or the chunks of a PNG, before decoding: where the EXIF block is,
// whether the file is complete, and whether it would make stb_image 2.27 read or write out of bounds.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/exif.hpp>

#include <cstddef>
#include <cstring>

TINYFIQA_BEGIN
namespace detail {

/// The result of the walk.
struct ImageParts {
  Bytes exif;                         ///< the TIFF block with the EXIF tags; empty if there is none
  bool complete = false;              ///< the walk reached the end marker (JPEG: EOI, PNG: IEND)
  std::size_t width = 0, height = 0;  ///< of a PNG, by its header
  const char* unsupported = nullptr;  ///< a coding that the decoder lacks, in words; or null
  const char* damaged = nullptr;      ///< a damaged part that the decoder must not read, in words; or null
};

/// Checks the segments of a JPEG in their order (ITU-T T.81, annex B). stb_image 2.27 relies on three facts
/// that a damaged file may break: a Huffman table has at most 256 codes (else it writes out of bounds), the
/// tables of a scan are defined, and every component has data (else it reads uninitialised memory).
class JpegNotes {
 public:
  /// body [size]: the segment after its length field.
  void segment(int kind, const unsigned char* body, std::size_t size, ImageParts& parts) {
    if (kind == 0xE1 && size >= 6 && std::memcmp(body, "Exif\0\0", 6) == 0 && parts.exif.empty())
      parts.exif = Bytes(body + 6, size - 6);
    if (kind >= 0xC3 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC)
      parts.unsupported = kind >= 0xC9 ? "arithmetic coding" : "lossless or hierarchical coding";
    if (kind >= 0xC0 && kind <= 0xC2 && size >= 1 && body[0] != 8) parts.unsupported = "12 bits a sample";
    if (parts.damaged != nullptr) return;  // report the first damage
    if (kind == 0xC4 && !huffman(body, size)) parts.damaged = "Huffman table";
    if (kind == 0xDB && !quantisation(body, size)) parts.damaged = "quantisation table";
    if (kind >= 0xC0 && kind <= 0xC2 && !frame(kind == 0xC2, body, size)) parts.damaged = "frame header";
    if (kind == 0xDA && !scan(body, size)) parts.damaged = "scan header";
  }
  bool all_components_drawn() const { return components_ > 0 && drawn_ == (1u << components_) - 1u; }

 private:
  /// DHT: class and number, 16 counts of codes by length, the values of the codes; repeated to the end.
  bool huffman(const unsigned char* body, std::size_t size) {
    while (size > 0) {
      if (size < 17 || body[0] > 0x1F || (body[0] & 15) > 3) return false;
      std::size_t codes = 0;
      for (int i = 1; i <= 16; ++i) codes += body[i];
      if (codes > 256 || codes > size - 17) return false;
      defined_ |= 1u << (body[0] & 3) << (body[0] >> 4 == 0 ? 0 : 4);
      body += 17 + codes;
      size -= 17 + codes;
    }
    return true;
  }

  /// DQT: precision and number, 64 values of 1 or 2 bytes; repeated to the end.
  bool quantisation(const unsigned char* body, std::size_t size) {
    while (size > 0) {
      const std::size_t length = body[0] > 15 ? 129 : 65;
      if (size < length || body[0] > 0x1F || (body[0] & 15) > 3) return false;
      defined_ |= 1u << (body[0] & 3) << 8;
      body += length;
      size -= length;
    }
    return true;
  }

  /// SOF: precision, height, width, number of components; for each its name, sampling, quantisation table.
  bool frame(bool progressive, const unsigned char* body, std::size_t size) {
    if (size < 6 || body[5] < 1 || body[5] > 4 || size != 6u + 3u * body[5] || components_ > 0) return false;
    progressive_ = progressive;
    components_ = body[5];
    for (int c = 0; c < components_; ++c) {
      name_[c] = body[6 + 3 * c];
      quantisation_[c] = body[8 + 3 * c];
      if (quantisation_[c] > 3) return false;
    }
    return true;
  }

  /// SOS: number of components; for each its name and Huffman tables; first and last coefficient, bit
  /// positions. In a progressive file the first scan of a component holds the upper bits of coefficient 0
  /// (T.81, G.1.1.1.1).
  bool scan(const unsigned char* body, std::size_t size) {
    if (size < 4 || size != 4u + 2u * body[0]) return false;
    const int count = body[0];
    const bool dc = body[1 + 2 * count] == 0, refining = progressive_ && body[3 + 2 * count] >> 4 != 0;
    for (int i = 0; i < count; ++i) {
      int c = 0;
      while (c < components_ && name_[c] != body[1 + 2 * i]) ++c;
      const unsigned tables = body[2 + 2 * i], dc_table = tables >> 4, ac_table = tables & 15u;
      if (c == components_ || dc_table > 3 || ac_table > 3) return false;
      unsigned needed = 1u << quantisation_[c] << 8;
      if (!progressive_ || (dc && !refining)) needed |= 1u << dc_table;
      if (!progressive_ || !dc) needed |= 1u << ac_table << 4;
      if ((defined_ & needed) != needed) return false;
      if (progressive_ && (!dc || refining) && (drawn_ >> c & 1u) == 0) return false;
      drawn_ |= 1u << c;
    }
    return true;
  }

  unsigned char name_[4] = {}, quantisation_[4] = {};
  int components_ = 0;
  bool progressive_ = false;
  unsigned drawn_ = 0;    // bit c: a scan holds component c
  unsigned defined_ = 0;  // bits 0-3: DC tables, 4-7: AC tables, 8-11: quantisation tables
};

/// Walks over the segments of a JPEG. Between them, and in the entropy-coded data after SOS, it looks for the
/// next marker: 0xFF followed by neither 0 nor a restart marker. A thumbnail is skipped with the segment that
/// holds it, so that its end marker does not end the image.
inline ImageParts scan_jpeg(Bytes file) {
  ImageParts parts;
  JpegNotes notes;
  std::size_t at = 2;
  while (at < file.size) {
    const void* mark = std::memchr(file.data + at, 0xFF, file.size - at);
    if (mark == nullptr) return parts;
    at = static_cast<std::size_t>(static_cast<const unsigned char*>(mark) - file.data);
    while (at < file.size && file[at] == 0xFF) ++at;
    if (at == file.size) return parts;
    const int kind = file[at++];
    if (kind == 0xD9) {
      parts.complete = true;
      if (!notes.all_components_drawn() && parts.damaged == nullptr)
        parts.damaged = "a component without a scan";
      return parts;
    }
    if (kind <= 0x01 || (kind >= 0xD0 && kind <= 0xD8)) continue;  // stuffed zero, restart, SOI: no length
    if (file.size - at < 2) return parts;
    const std::size_t length = read_uint(file.data + at, 2, false);
    if (length < 2 || length > file.size - at) return parts;
    notes.segment(kind, file.data + at + 2, length - 2, parts);
    at += length;
  }
  return parts;
}

/// Walks over the chunks of a PNG: length, type, data, checksum (PNG specification, 5.3).
inline ImageParts scan_png(Bytes file) {
  ImageParts parts;
  std::size_t at = 8;
  while (at <= file.size && file.size - at >= 12) {
    const std::size_t length = read_uint(file.data + at, 4, false);
    if (length > file.size - at - 12) return parts;
    const unsigned char* type = file.data + at + 4;
    if (std::memcmp(type, "IEND", 4) == 0) {
      parts.complete = true;
      return parts;
    }
    if (std::memcmp(type, "IHDR", 4) == 0 && length >= 8) {
      parts.width = read_uint(type + 4, 4, false);
      parts.height = read_uint(type + 8, 4, false);
    }
    if (std::memcmp(type, "eXIf", 4) == 0 && parts.exif.empty()) parts.exif = Bytes(type + 4, length);
    at += length + 12;
  }
  return parts;
}

}  // namespace detail
TINYFIQA_END
