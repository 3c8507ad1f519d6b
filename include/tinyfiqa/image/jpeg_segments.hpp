// A walk over the segments of a JPEG, before decoding (ITU-T T.81, annex B): where the EXIF block is, whether all data are
// there, and whether it would make stb_image 2.27 read or write out of bounds.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/jpeg_scan.hpp>
#include <tinyfiqa/image/limits.hpp>

#include <cstddef>
#include <cstring>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// The result of the walk.
struct JpegParts {
  Bytes exif;  ///< the TIFF block with the EXIF tags; empty if there is none
  /// The segments in their order. Together with an end marker they are a JPEG without foreign bytes between them.
  std::vector<Bytes> pieces;
  bool regular = true;  ///< the file begins with the one piece, and the end marker follows
};

/// Whether bytes behind a scan's data are no sign of damage: some cameras write a few too many, or fill up with zeros.
inline bool is_jpeg_filler(Bytes extra) {
  constexpr std::size_t few = 16;
  if (extra.size <= few) return true;
  for (const unsigned char byte : extra)
    if (byte != 0 && byte != 0xFF) return false;
  return true;
}

/// Whether a marker belongs to an image. Others, found after all data, belong to what a camera appended.
inline bool is_jpeg_image_marker(int kind) {
  return (kind >= 0xC0 && kind <= 0xDF && kind != 0xD8) || kind == 0xFE;
}

class JpegWalk {
 public:
  JpegWalk(Bytes file, std::size_t max_pixels) : file_(file), max_pixels_(max_pixels) {}

  Result<JpegParts> read() {
    for (;;) {
      const std::size_t before = at_;
      const int kind = next_marker();
      const Bytes between(file_.data + before, marker_ - before);
      const bool appended = kind < 0 || !is_jpeg_image_marker(kind);
      if (scans_ > 0 && appended && (kind < 0 || !is_application(kind) || !between.empty()) &&
          has_all_bits()) {
        parts_.regular = false;
        keep(before, before);
        return parts_;
      }
      if (kind < 0) return cut_off("no end-of-image marker");
      if (scans_ > 0 && !is_jpeg_filler(between)) return damaged("needless data");
      if (!between.empty()) keep(before, marker_);
      if (kind == 0xD9) return end_marker();
      if (kind == 0x01 || (kind >= 0xD0 && kind <= 0xD8)) {  // temporary, restart, SOI: no length
        keep(marker_, at_);
        continue;
      }
      if (const Status s = segment(kind); !s) return s;
    }
  }

 private:
  static bool is_application(int kind) { return kind >= 0xE0 && kind <= 0xEF; }

  /// Ends a piece at `end` and begins the next one at `begin`.
  void keep(std::size_t end, std::size_t begin) {
    parts_.regular = false;
    parts_.pieces.push_back(Bytes(file_.data + piece_, end - piece_));
    piece_ = begin;
  }

  /// Looks for 0xFF followed by another byte than 0, and moves behind it. -1 at the end of the file.
  int next_marker() {
    for (std::size_t at = at_; at < file_.size;) {
      const void* const mark = std::memchr(file_.data + at, 0xFF, file_.size - at);
      if (mark == nullptr) break;
      marker_ = static_cast<std::size_t>(static_cast<const unsigned char*>(mark) - file_.data);
      at = marker_;
      while (at < file_.size && file_[at] == 0xFF) ++at;
      if (at == file_.size) break;
      if (file_[at] == 0) continue;
      at_ = at + 1;
      return file_[at];
    }
    marker_ = file_.size;
    return -1;
  }

  Result<JpegParts> end_marker() {
    for (int c = 0; c < frame_.count; ++c)
      if ((drawn_ >> c & 1u) == 0) return damaged("a component without a scan");
    if (scans_ == 0) return damaged("a component without a scan");
    parts_.pieces.push_back(Bytes(file_.data + piece_, marker_ - piece_));
    return parts_;
  }

  /// Whether no coefficient lacks a bit, so that the end marker may be missing.
  bool has_all_bits() const {
    for (int c = 0; c < frame_.count; ++c) {
      if ((drawn_ >> c & 1u) == 0) return false;
      for (int k = 0; frame_.progressive && k < 64; ++k)
        if (missing_bits_[c][k] != 0) return false;
    }
    return true;
  }

  Status segment(int kind) {
    if (file_.size - at_ < 2) return cut_off("in a segment");
    const std::size_t length = read_uint(file_.data + at_, 2, false);
    if (length < 2) return damaged("length of a segment");
    if (length > file_.size - at_) return cut_off("in a segment");
    const Bytes body(file_.data + at_ + 2, length - 2);
    at_ += length;
    if (kind == 0xE1 && body.size >= 6 && std::memcmp(body.data, "Exif\0\0", 6) == 0 && parts_.exif.empty())
      parts_.exif = Bytes(body.data + 6, body.size - 6);
    if (kind == 0xC4) return huffman(body) ? Status() : damaged("Huffman table");
    if (kind == 0xDB) return quantisation(body) ? Status() : damaged("quantisation table");
    if (kind == 0xDD && body.size >= 2) restart_interval_ = read_uint(body.data, 2, false);
    if (kind >= 0xC0 && kind <= 0xCF && kind != 0xC8 && kind != 0xCC) return frame(kind, body);
    return kind == 0xDA ? scan(body) : Status();
  }

  /// DHT: class and number, 16 counts of codes by length, the values of the codes; repeated to the end.
  bool huffman(Bytes body) {
    const unsigned char* at = body.data;
    for (std::size_t size = body.size; size > 0;) {
      if (size < 17 || at[0] > 0x1F || (at[0] & 15) > 3) return false;
      std::size_t codes = 0;
      for (int i = 1; i <= 16; ++i) codes += at[i];
      if (codes > 256 || codes > size - 17) return false;
      const int table = (at[0] & 3) + (at[0] >> 4 == 0 ? 0 : 4);
      if (!codes_[table].build(at + 1, at + 17, codes)) return false;
      defined_ |= 1u << table;
      at += 17 + codes;
      size -= 17 + codes;
    }
    return true;
  }

  /// DQT: precision and number, 64 values of 1 or 2 bytes; repeated to the end.
  bool quantisation(Bytes body) {
    const unsigned char* at = body.data;
    for (std::size_t size = body.size; size > 0;) {
      const std::size_t length = at[0] > 15 ? 129 : 65;
      if (size < length || at[0] > 0x1F || (at[0] & 15) > 3) return false;
      defined_ |= 1u << (at[0] & 3) << 8;
      at += length;
      size -= length;
    }
    return true;
  }

  /// SOF: precision, height, width, number of components; for each its name, sampling, quantisation table.
  Status frame(int kind, Bytes body) {
    if (kind > 0xC2)
      return unsupported(kind >= 0xC9 ? "arithmetic coding" : "lossless or hierarchical coding");
    if (body.size >= 1 && body[0] != 8) return unsupported("12 bits a sample");
    if (body.size < 6 || body[5] < 1 || body[5] > 4 || body.size != 6u + 3u * body[5] || frame_.count > 0)
      return damaged("frame header");
    frame_.height = read_uint(body.data + 1, 2, false);
    frame_.width = read_uint(body.data + 3, 2, false);
    frame_.progressive = kind == 0xC2;
    if (frame_.width < 1 || frame_.height < 1) return damaged("no pixels");
    if (const Status s = check_size(frame_.width, frame_.height, max_pixels_); !s) return s;
    std::size_t h_max = 1, v_max = 1;
    for (int c = 0; c < body[5]; ++c) {
      JpegComponent& component = frame_.component[c];
      component.name = body.data[6 + 3 * c];
      component.h = body.data[7 + 3 * c] >> 4;
      component.v = body.data[7 + 3 * c] & 15;
      quantisation_[c] = body.data[8 + 3 * c];
      if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4 || quantisation_[c] > 3)
        return damaged("frame header");
      h_max = h_max < static_cast<std::size_t>(component.h) ? static_cast<std::size_t>(component.h) : h_max;
      v_max = v_max < static_cast<std::size_t>(component.v) ? static_cast<std::size_t>(component.v) : v_max;
    }
    frame_.count = body[5];
    lay_out(h_max, v_max);
    return Status();
  }

  void lay_out(std::size_t h_max, std::size_t v_max) {
    const auto blocks = [](std::size_t pixels, std::size_t part, std::size_t whole) {
      return ((pixels * part + whole - 1) / whole + 7) / 8;
    };
    frame_.units_x = blocks(frame_.width, 1, h_max);
    frame_.units_y = blocks(frame_.height, 1, v_max);
    for (int i = 0; i < frame_.count; ++i) {
      JpegComponent& c = frame_.component[i];
      const auto h = static_cast<std::size_t>(c.h), v = static_cast<std::size_t>(c.v);
      c.blocks_x = blocks(frame_.width, h, h_max);
      c.blocks_y = blocks(frame_.height, v, v_max);
      c.stored_x = frame_.units_x * h;
      if (frame_.progressive) c.nonzero.assign(c.stored_x * frame_.units_y * v, 0);
      std::memset(missing_bits_[i], 0xFF, sizeof missing_bits_[i]);
    }
  }

  /// SOS: number of components; for each its name and Huffman tables; first and last coefficient, bit positions.
  Status scan(Bytes body) {
    JpegScanHeader header;
    if (body.size < 4 || body.size != 4u + 2u * body[0] || body[0] < 1 || body[0] > frame_.count)
      return damaged("scan header");
    header.count = body[0];
    header.restart_interval = restart_interval_;
    const unsigned char* const tail = body.data + 1 + 2 * std::ptrdiff_t{header.count};
    if (frame_.progressive) {
      header.first = tail[0];
      header.last = tail[1];
      header.refines = tail[2] >> 4 != 0;
      const bool dc = header.first == 0;
      if (header.last > 63 || header.first > header.last || (dc ? header.last != 0 : header.count != 1))
        return damaged("scan header");
    }
    for (int i = 0; i < header.count; ++i)
      if (!scan_component(body.data[1 + 2 * i], body.data[2 + 2 * i], header, i))
        return damaged("scan header");
    if (++scans_ > max_jpeg_scans) return too_many_scans();
    if (static_cast<std::uint64_t>(scans_) * frame_.width * frame_.height > max_jpeg_scan_pixels)
      return too_many_scans();
    JpegScan data(frame_, header, file_, at_);
    const char* const damage = data.read();
    at_ = data.end();
    if (damage != nullptr) return next_marker() < 0 ? cut_off(damage) : damaged(damage);
    for (int i = 0; i < header.count; ++i)
      for (int k = header.first; k <= header.last; ++k)
        missing_bits_[header.component[i] - frame_.component][k] = tail[2] & 15;
    return Status();
  }

  /// Finds the component with this name, and the tables that its scan needs. In a progressive file the first scan of
  /// a component holds the upper bits of coefficient 0 (T.81, G.1.1.1.1).
  bool scan_component(int name, unsigned tables, JpegScanHeader& header, int i) {
    int c = 0;
    while (c < frame_.count && frame_.component[c].name != name) ++c;
    const unsigned dc_table = tables >> 4, ac_table = tables & 15u;
    if (c == frame_.count || dc_table > 3 || ac_table > 3) return false;
    for (int before = 0; before < i; ++before)
      if (header.component[before] == &frame_.component[c]) return false;
    const bool dc = header.first == 0;
    unsigned needed = 1u << quantisation_[c] << 8;
    if (!frame_.progressive || (dc && !header.refines)) needed |= 1u << dc_table;
    if (!frame_.progressive || !dc) needed |= 1u << ac_table << 4;
    if ((defined_ & needed) != needed) return false;
    if (frame_.progressive && (!dc || header.refines) && (drawn_ >> c & 1u) == 0) return false;
    drawn_ |= 1u << c;
    header.component[i] = &frame_.component[c];
    frame_.component[c].dc = &codes_[dc_table];
    frame_.component[c].ac = &codes_[4 + ac_table];
    return true;
  }

  Status cut_off(const char* where) const {
    return Status::error(Errc::bad_format, "cut off after ", file_.size, " bytes (", where,
                         "); get the file again");
  }
  static Status damaged(const char* what) {
    return Status::error(Errc::bad_format, "damaged JPEG (", what, "); get the file again");
  }
  static Status unsupported(const char* what) {
    return Status::error(Errc::unsupported, "JPEG with ", what,
                         " is not supported; save it as a baseline or progressive JPEG, or as PNG");
  }
  Status too_many_scans() const { return too_many_jpeg_scans(scans_, frame_.width, frame_.height); }

  Bytes file_;
  std::size_t max_pixels_;
  std::size_t at_ = 2, marker_ = 0, piece_ = 0, restart_interval_ = 0;
  int scans_ = 0;
  JpegParts parts_;
  JpegFrame frame_;
  JpegCodes codes_[8];                  // DC tables, AC tables
  unsigned char quantisation_[4] = {};  // of a component: the number of its table
  unsigned char missing_bits_[4][64];   // of a component's coefficients; 255: all
  unsigned drawn_ = 0;                  // bit c: a scan holds component c
  unsigned defined_ = 0;                // bits 0-3: DC tables, 4-7: AC tables, 8-11: quantisation tables
};

/// Walks over the segments and reads the data of all scans. A thumbnail is skipped with the segment that holds it.
/// Errors: bad_format, unsupported, too_large.
inline Result<JpegParts> scan_jpeg(Bytes file, std::size_t max_pixels) {
  return JpegWalk(file, max_pixels).read();
}

/// A copy of the image's segments, with an end marker.
inline std::vector<unsigned char> regular_jpeg(const JpegParts& parts) {
  std::vector<unsigned char> copy;
  for (const Bytes piece : parts.pieces) copy.insert(copy.end(), piece.begin(), piece.end());
  copy.insert(copy.end(), {0xFF, 0xD9});
  return copy;
}

}  // namespace detail
TINYFIQA_END
