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

/// The name of a camera's raw format, or null. Most are TIFFs inside.
inline const char* raw_format(Bytes b) {
  if (has_at(b, 0, "II*\0", 4) && has_at(b, 8, "CR\2", 3)) return "Canon's raw format CR2";
  if (has_at(b, 4, "ftypcrx ", 8)) return "Canon's raw format CR3";
  if (has_at(b, 0, "FUJIFILMCCD-RAW", 15)) return "Fujifilm's raw format RAF";
  if (has_at(b, 0, "IIRO", 4) || has_at(b, 0, "IIRS", 4)) return "Olympus's raw format ORF";
  if (has_at(b, 0, "IIU\0", 4)) return "Panasonic's raw format RW2";
  return nullptr;
}

/// The name of a format of pictures, films and documents that is recognised but not supported, or null.
inline const char* foreign_format(Bytes b) {
  if (const char* const raw = raw_format(b)) return raw;
  if (has_at(b, 0, "RIFF", 4) && has_at(b, 8, "WEBP", 4)) return "WebP";
  if (has_at(b, 0, "GIF8", 4)) return "GIF";
  if (has_at(b, 0, "II*\0", 4) || has_at(b, 0, "MM\0*", 4) || has_at(b, 0, "II+\0", 4) ||
      has_at(b, 0, "MM\0+", 4))
    return "TIFF (or a camera's raw format)";
  if (has_at(b, 0, "8BPS", 4)) return "Photoshop's PSD";
  if (has_at(b, 0, "\xFF\x0A", 2) || has_at(b, 4, "JXL ", 4)) return "JPEG XL";
  if (has_at(b, 4, "jP  ", 4) || has_at(b, 0, "\xFF\x4F\xFF\x51", 4)) return "JPEG 2000";
  if (has_at(b, 0, "%PDF", 4)) return "PDF";
  if (has_at(b, 0, "%!PS", 4)) return "PostScript";
  if (has_at(b, 0, "\0\0\1\0", 4) || has_at(b, 0, "\0\0\2\0", 4)) return "ICO";
  if (has_at(b, 0, "\x76\x2F\x31\x01", 4)) return "OpenEXR";
  if (has_at(b, 0, "#?RADIANCE", 10)) return "Radiance HDR";
  if (has_at(b, 0, "DDS ", 4)) return "DDS";
  if (has_at(b, 0, "qoif", 4)) return "QOI";
  if (has_at(b, 0, "BA", 2) && has_at(b, 14, "BM", 2)) return "an OS/2 bitmap array";
  if (has_at(b, 4, "ftypavif", 8) || has_at(b, 4, "ftypavis", 8)) return "AVIF";
  if (has_at(b, 4, "ftyphe", 6) || has_at(b, 4, "ftypmif1", 8) || has_at(b, 4, "ftypmsf1", 8)) return "HEIC";
  if (has_at(b, 4, "ftyp", 4) || has_at(b, 4, "moov", 4) || has_at(b, 0, "\x1A\x45\xDF\xA3", 4) ||
      (has_at(b, 0, "RIFF", 4) && has_at(b, 8, "AVI ", 4)) || has_at(b, 0, "\0\0\1\xBA", 4) ||
      has_at(b, 0, "FLV\1", 4))
    return "a video file";
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

/// Whether text begins with `start`, in upper or lower case, after white space and the mark of UTF-8. `start` is in lower
/// case.
inline bool text_begins(Bytes text, const char* start) {
  std::size_t at = has_at(text, 0, "\xEF\xBB\xBF", 3) ? 3 : 0;
  while (at < text.size && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
  for (; *start != '\0'; ++start, ++at) {
    if (at >= text.size) return false;
    const unsigned char c =
        text[at] >= 'A' && text[at] <= 'Z' ? static_cast<unsigned char>(text[at] + 32) : text[at];
    if (c != static_cast<unsigned char>(*start)) return false;
  }
  return true;
}

/// What a file is that is no image, with the fix; or null.
inline const char* no_image(Bytes b) {
  if (has_at(b, 0, "PK\3\4", 4) || has_at(b, 0, "PK\5\6", 4))
    return "this is a zip file, not an image; unpack it";
  if (has_at(b, 0, "\x1F\x8B", 2) ||
      has_at(b, 0,
             "\xFD"
             "7zXZ",
             5) ||
      has_at(b, 0, "BZh", 3) || has_at(b, 0, "7z\xBC\xAF", 4) || has_at(b, 0, "Rar!", 4) ||
      has_at(b, 257, "ustar", 5))
    return "this is an archive, not an image; unpack it";
  if (text_begins(b, "version https://git-lfs"))
    return "this is a pointer of Git LFS, not the image itself; get it with: git lfs pull";
  if (text_begins(b, "<!doctype html") || text_begins(b, "<html"))
    return "this is an HTML page, not an image (a failed download?); get the file again";
  if (text_begins(b, "<svg") || (text_begins(b, "<?xml") && looks_like_text(b)))
    return "this is SVG or other XML, not a photo; convert to JPEG or PNG";
  bool zeros = b.size > 0;
  for (std::size_t i = 0; i < b.size && i < 4096; ++i) zeros = zeros && b[i] == 0;
  if (zeros) return "the file holds nothing but zeros (a failed copy or a damaged disk?); get it again";
  return looks_like_text(b) ? "this is text, not an image (a failed download?)" : nullptr;
}

/// The error for bytes of ImageFormat::other, with the fix.
inline Status unknown_format(Bytes bytes) {
  if (bytes.empty()) return Status::error(Errc::bad_format, "the file is empty; get it again");
  if (const char* name = foreign_format(bytes))
    return Status::error(Errc::unsupported, name, " is not supported; convert to JPEG or PNG");
  if (bytes.size > 2 && bytes[0] == 'P' && ((bytes[1] >= '1' && bytes[1] <= '7') || bytes[1] == 'F') &&
      bytes[2] <= ' ')
    return Status::error(Errc::unsupported, "PNM kind P", static_cast<char>(bytes[1]),
                         " is not supported; write a binary PGM (P5) or PPM (P6)");
  if (const char* const other = no_image(bytes)) return Status::error(Errc::bad_format, other);
  return Status::error(Errc::bad_format,
                       "not an image in a known format; convert to JPEG, PNG, BMP, PPM or PGM");
}

}  // namespace detail
TINYFIQA_END
