// Recognises image formats by the first bytes, never by the name of the file.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/exif.hpp>

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

/// Refuses BMP files that stb_image misreads: those that are cut off (it fills in zeros) and run-length
/// coded ones.
inline Status check_bmp(Bytes file) {
  const auto cut = [&] {
    return Status::error(Errc::bad_format, "cut off after ", file.size, " bytes; get the file again");
  };
  if (file.size < 26) return cut();
  const auto u16 = [&](std::size_t at) {
    return static_cast<std::size_t>(read_uint(file.data + at, 2, true));
  };
  const auto u32 = [&](std::size_t at) {
    return static_cast<std::size_t>(read_uint(file.data + at, 4, true));
  };
  const bool core = u32(14) == 12;  // the 12-byte header of OS/2
  if (!core && file.size < 54) return cut();
  if (!core && (u32(30) == 1 || u32(30) == 2))
    return Status::error(Errc::unsupported, "run-length coded BMP is not supported; convert to JPEG or PNG");
  const std::size_t width = core ? u16(18) : u32(18);
  std::size_t height = core ? u16(20) : u32(22);
  if (height >= 0x80000000u) height = 0x100000000u - height;  // negative: rows are stored from top to bottom
  const std::size_t bits = core ? u16(24) : u16(28);
  if (width > 0xFFFFFF || height > 0xFFFFFF || bits > 32) return Status();  // check_size() refuses it
  const std::size_t row_bytes = (width * bits + 31) / 32 * 4, offset = u32(10);
  return offset > file.size || row_bytes * height > file.size - offset ? cut() : Status();
}

}  // namespace detail
TINYFIQA_END
