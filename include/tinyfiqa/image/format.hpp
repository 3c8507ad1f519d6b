// Recognises image formats by the first bytes, never by the name of the file.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <cstring>

TINYFIQA_BEGIN
namespace detail {

enum class ImageFormat : unsigned char { jpeg, png, bmp, pnm, other };

inline bool has_at(Bytes bytes, std::size_t at, const char* magic, std::size_t length) {
  return bytes.size >= at + length && std::memcmp(bytes.data + at, magic, length) == 0;
}

/// True when the first bytes hold no control character but white space: prose, HTML, JSON, CSV.
inline bool looks_like_text(Bytes bytes) {
  const std::size_t count = bytes.size < 512 ? bytes.size : 512;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned char c = bytes[i];
    if ((c < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 127) return false;
  }
  return true;
}

/// The name of a format that is recognised but not supported, or null.
inline const char* foreign_format(Bytes b) {
  if (has_at(b, 0, "RIFF", 4) && has_at(b, 8, "WEBP", 4)) return "WebP";
  if (has_at(b, 0, "GIF8", 4)) return "GIF";
  if (has_at(b, 0, "II*\0", 4) || has_at(b, 0, "MM\0*", 4) || has_at(b, 0, "II+\0", 4) ||
      has_at(b, 0, "MM\0+", 4))
    return "TIFF (or a camera's raw format)";
  if (has_at(b, 0, "8BPS", 4)) return "Photoshop's PSD";
  if (has_at(b, 0, "\xFF\x0A", 2) || has_at(b, 4, "JXL ", 4)) return "JPEG XL";
  if (has_at(b, 4, "jP  ", 4) || has_at(b, 0, "\xFF\x4F\xFF\x51", 4)) return "JPEG 2000";
  if (has_at(b, 0, "%PDF", 4)) return "PDF";
  if (has_at(b, 4, "ftypavif", 8) || has_at(b, 4, "ftypavis", 8)) return "AVIF";
  if (has_at(b, 4, "ftyphe", 6) || has_at(b, 4, "ftypmif1", 8) || has_at(b, 4, "ftypmsf1", 8)) return "HEIC";
  if (has_at(b, 4, "ftyp", 4)) return "a video file";
  return nullptr;
}

/// The format by the first bytes; ImageFormat::other for all that decode_image() does not read.
inline ImageFormat image_format(Bytes bytes) {
  if (has_at(bytes, 0, "\xFF\xD8\xFF", 3)) return ImageFormat::jpeg;
  if (has_at(bytes, 0, "\x89PNG\r\n\x1A\n", 8)) return ImageFormat::png;
  if (has_at(bytes, 0, "BM", 2) && !looks_like_text(bytes)) return ImageFormat::bmp;
  const bool netpbm = bytes.size > 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
  if (netpbm && (bytes[2] == '#' || bytes[2] == ' ' || (bytes[2] >= '\t' && bytes[2] <= '\r')))
    return ImageFormat::pnm;
  return ImageFormat::other;
}

/// The error for bytes of ImageFormat::other, with the fix.
inline Status unknown_format(Bytes bytes) {
  if (bytes.empty()) return Status::error(Errc::bad_format, "the file is empty; get it again");
  if (const char* name = foreign_format(bytes))
    return Status::error(Errc::unsupported, name, " is not supported; convert to JPEG or PNG");
  if (bytes.size > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' && bytes[2] <= ' ')
    return Status::error(Errc::unsupported, "PNM kind P", static_cast<char>(bytes[1]),
                         " is not supported; write a binary PGM (P5) or PPM (P6)");
  if (looks_like_text(bytes))
    return Status::error(Errc::bad_format, "this is text, not an image (a failed download?)");
  return Status::error(Errc::bad_format,
                       "not an image in a known format; convert to JPEG, PNG, BMP, PPM or PGM");
}

}  // namespace detail
TINYFIQA_END
