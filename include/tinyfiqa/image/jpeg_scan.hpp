// Reads the data of a JPEG without computing pixels, to see whether all are there: stb_image takes missing data for
// grey, and does not notice damage.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/jpeg_bits.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// A component of a frame: Y, Cb or Cr.
struct JpegComponent {
  int name = 0, h = 1, v = 1;              ///< h, v: blocks of it in a unit (MCU)
  std::size_t blocks_x = 0, blocks_y = 0;  ///< that hold pixels
  std::size_t stored_x = 0;                ///< blocks in a row, with those that fill up the last unit
  std::vector<std::uint64_t> nonzero;      ///< progressive: bit k of a block: its coefficient k is not 0
  const JpegCodes *dc = nullptr, *ac = nullptr;  ///< in this scan
};

/// The sizes of a frame (SOF).
struct JpegFrame {
  bool progressive = false;
  std::size_t width = 0, height = 0, units_x = 0, units_y = 0;
  int count = 0;
  JpegComponent component[4];
};

/// What a scan holds (SOS).
struct JpegScanHeader {
  int count = 0;
  JpegComponent* component[4] = {};
  int first = 0, last = 63;          ///< coefficients
  bool refines = false;              ///< one bit more of each, instead of the first bits
  std::size_t restart_interval = 0;  ///< units between restart markers; 0: none
};

/// Reads the data of one scan.
class JpegScan {
 public:
  JpegScan(const JpegFrame& frame, const JpegScanHeader& scan, Bytes file, std::size_t begin)
      : frame_(frame), scan_(scan), file_(file), bits_(file, begin) {}

  /// Null if all data are there, or what is damaged.
  const char* read() {
    const JpegComponent& only = *scan_.component[0];
    const bool single = scan_.count == 1;
    const std::size_t units_x = single ? only.blocks_x : frame_.units_x;
    const std::size_t units_y = single ? only.blocks_y : frame_.units_y;
    std::size_t since_restart = 0;
    for (std::size_t y = 0; y < units_y; ++y) {
      for (std::size_t x = 0; x < units_x; ++x) {
        if (scan_.restart_interval > 0 && since_restart++ == scan_.restart_interval) {
          if (!restart()) return "restart marker";
          since_restart = 1;
        }
        const bool valid = single ? block(*scan_.component[0], x, y) : unit(x, y);
        if (bits_.overrun()) return "data are missing";
        if (!valid) return "code";
      }
    }
    return nullptr;
  }
  /// Where the data end.
  std::size_t end() { return bits_.end(); }

 private:
  bool unit(std::size_t x, std::size_t y) {
    for (int c = 0; c < scan_.count; ++c) {
      JpegComponent& component = *scan_.component[c];
      const auto h = static_cast<std::size_t>(component.h), v = static_cast<std::size_t>(component.v);
      for (std::size_t i = 0; i < h * v; ++i)
        if (!block(component, x * h + i % h, y * v + i / h)) return false;
    }
    return true;
  }

  bool block(JpegComponent& c, std::size_t x, std::size_t y) {
    if (!frame_.progressive) return dc(c) && ac(c);
    if (scan_.first == 0) return scan_.refines ? (bits_.take(1), true) : dc(c);
    std::uint64_t& nonzero = c.nonzero[y * c.stored_x + x];
    return scan_.refines ? refine_ac(c, nonzero) : first_ac(c, nonzero);
  }

  bool dc(const JpegComponent& c) {
    const int size = c.dc->next(bits_);
    return size >= 0 && size <= 15;
  }

  bool ac(const JpegComponent& c) {
    for (int k = 1; k < 64; ++k) {
      const int code = c.ac->next(bits_);
      if (code < 0) return false;
      const int size = code & 15, zeros = code >> 4;
      if (size == 0 && zeros < 15) return true;
      k += zeros;
    }
    return true;
  }

  /// A run of blocks that end here, 2^power + power bits, this one included.
  void begin_run(int power) { run_ = (1u << power) + bits_.take(power); }

  bool first_ac(const JpegComponent& c, std::uint64_t& nonzero) {
    if (run_ > 0) return --run_, true;
    for (int k = scan_.first; k <= scan_.last; ++k) {
      const int code = c.ac->next(bits_);
      if (code < 0) return false;
      const int size = code & 15, zeros = code >> 4;
      if (size == 0 && zeros < 15) {
        begin_run(zeros);
        --run_;
        return true;
      }
      k += zeros;
      if (size > 0 && k < 64) nonzero |= std::uint64_t{1} << k;
    }
    return true;
  }

  /// A bit for each coefficient that is not 0, and new ones among those that are (T.81, G.1.2.3).
  bool refine_ac(const JpegComponent& c, std::uint64_t& nonzero) {
    int k = scan_.first;
    for (; run_ == 0 && k <= scan_.last; ++k) {
      const int code = c.ac->next(bits_);
      if (code < 0) return false;
      const int size = code & 15;
      int zeros = code >> 4;
      if (size > 1) return false;
      if (size == 0 && zeros < 15) {
        begin_run(zeros);
        break;
      }
      for (; k <= scan_.last; ++k) {
        if ((nonzero >> k & 1u) != 0)
          bits_.take(1);
        else if (zeros-- == 0)
          break;
      }
      if (size > 0 && k <= scan_.last) nonzero |= std::uint64_t{1} << k;
    }
    if (run_ == 0) return true;
    if (k <= scan_.last) bits_.skip_many(count_bits(nonzero >> k << (63 - scan_.last + k)));
    --run_;
    return true;
  }

  static int count_bits(std::uint64_t x) {
    int count = 0;
    for (; x != 0; x &= x - 1) ++count;
    return count;
  }

  /// Reads a restart marker; they are numbered from 0 to 7.
  bool restart() {
    std::size_t at = bits_.end();
    if (at >= file_.size || file_[at] != 0xFF) return false;
    while (at < file_.size && file_[at] == 0xFF) ++at;
    if (at == file_.size || file_[at] != 0xD0 + restarts_ % 8) return false;
    ++restarts_;
    run_ = 0;
    bits_ = JpegBits(file_, at + 1);
    return true;
  }

  const JpegFrame& frame_;
  const JpegScanHeader& scan_;
  Bytes file_;
  JpegBits bits_;
  unsigned run_ = 0, restarts_ = 0;
};

}  // namespace detail
TINYFIQA_END
