// Splits a stream of JPEG images, as written by `ffmpeg -f image2pipe -c:v mjpeg`, into frames.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <cstring>
#include <vector>

TINYFIQA_BEGIN

/// One frame of a stream, or the reason why it is broken.
struct MjpegFrame {
  std::size_t number = 0;  ///< in the stream, from 1; broken frames count
  Status status;  ///< bad_format if the frame is cut off, too_large; decode_image() finds other damage
  Bytes bytes;    ///< from SOI to EOI; valid only during the call that passes the frame
  std::size_t garbage = 0;  ///< bytes before the frame that belong to none
};

/// Takes the stream in pieces of any size and holds at most one frame. A frame begins at FF D8 FF and ends at
/// the end marker that a walk over the segments (ITU-T T.81, annex B) finds. Markers inside segments, such as
/// those of a thumbnail, and stuffed or restart markers in entropy-coded data do not end it. A start marker
/// inside a frame means that the frame is cut off and the next one begins.
class MjpegSplitter {
 public:
  /// Longer frames are reported as too_large and skipped.
  static constexpr std::size_t default_max_frame_bytes = std::size_t{64} << 20u;

  explicit MjpegSplitter(std::size_t max_frame_bytes = default_max_frame_bytes)
      : max_frame_bytes_(max_frame_bytes) {}

  /// Calls sink(const MjpegFrame&) for each frame that ends in this piece.
  template <class Sink>
  void feed(Bytes piece, const Sink& sink) {
    for (std::size_t at = 0; at < piece.size;) {
      if (state_ == State::data || state_ == State::segment) {
        const std::size_t run = run_length(piece, at);
        keep(piece.data + at, run);
        at += run;
        if (at == piece.size) {
          limit(sink);
          return;
        }
      }
      step(piece[at++], sink);
      limit(sink);
    }
  }

  /// Ends the stream: a frame that did not end is passed to `sink` as broken. Returns the number of bytes
  /// after the last frame.
  template <class Sink>
  std::size_t finish(const Sink& sink) {
    if (number_ > 0 && inside()) broken(Errc::bad_format, "the stream ends in the middle of it", sink);
    const std::size_t left = garbage_ + (state_ == State::outside_ff ? 1 : state_ == State::soi ? 2 : 0);
    garbage_ = 0;
    state_ = State::outside;
    return left;
  }

  /// Frames so far, including broken ones.
  std::size_t frames() const { return number_; }

 private:
  enum class State : unsigned char {
    outside,      // no frame
    outside_ff,   // after FF
    soi,          // after FF D8
    data,         // between markers or in entropy-coded data
    marker,       // after FF in a frame
    length_high,  // after a marker with a length
    length_low,
    segment,  // rest_ bytes of it are left
  };

  bool inside() const { return state_ >= State::data; }

  /// The number of bytes from piece[at] on that don't change the state.
  std::size_t run_length(Bytes piece, std::size_t at) {
    const std::size_t left = piece.size - at;
    if (state_ == State::segment) {
      const std::size_t run = rest_ < left ? rest_ : left;
      rest_ -= run;
      if (rest_ == 0) state_ = State::data;
      return run;
    }
    const void* mark = std::memchr(piece.data + at, 0xFF, left);
    return mark == nullptr
               ? left
               : static_cast<std::size_t>(static_cast<const unsigned char*>(mark) - (piece.data + at));
  }

  void keep(const unsigned char* bytes, std::size_t count) {
    frame_.insert(frame_.end(), bytes, bytes + count);
  }
  void keep(unsigned char byte) { frame_.push_back(byte); }

  template <class Sink>
  void step(unsigned char byte, const Sink& sink) {
    switch (state_) {
      case State::outside:
        if (byte == 0xFF)
          state_ = State::outside_ff;
        else
          ++garbage_;
        return;
      case State::outside_ff:
        if (byte == 0xFF)
          ++garbage_;
        else if (byte == 0xD8)
          state_ = State::soi;
        else
          garbage_ += 2, state_ = State::outside;
        return;
      case State::soi:
        if (byte == 0xFF)
          begin();
        else
          garbage_ += 3, state_ = State::outside;
        return;
      case State::data:
        keep(byte);
        if (byte == 0xFF) state_ = State::marker;
        return;
      case State::marker:
        return on_marker(byte, sink);
      case State::length_high:
        keep(byte);
        rest_ = std::size_t{byte} << 8u;
        state_ = State::length_low;
        return;
      case State::length_low:
        keep(byte);
        rest_ += byte;
        rest_ = rest_ > 2 ? rest_ - 2 : 0;  // the length counts itself
        state_ = rest_ > 0 ? State::segment : State::data;
        return;
      case State::segment:
        keep(byte);
        if (--rest_ == 0) state_ = State::data;
        return;
    }
  }

  /// FF D8 FF was seen.
  void begin() {
    ++number_;
    frame_.assign({0xFF, 0xD8, 0xFF});
    state_ = State::marker;
  }

  template <class Sink>
  void on_marker(unsigned char kind, const Sink& sink) {
    if (kind == 0xD8) {
      frame_.pop_back();  // the FF is the next frame's
      broken(Errc::bad_format, "cut off, the next one begins", sink);
      state_ = State::soi;
      return;
    }
    keep(kind);
    if (kind == 0xFF) return;  // fill byte
    if (kind == 0xD9) return hand_out(Status(), sink);
    const bool no_length = kind <= 0x01 || (kind >= 0xD0 && kind <= 0xD7);
    state_ = no_length ? State::data : State::length_high;
  }

  template <class Sink>
  void limit(const Sink& sink) {
    if (inside() && frame_.size() > max_frame_bytes_)
      broken(Errc::too_large, "longer than the limit for one frame", sink);
  }

  template <class Sink>
  void broken(Errc code, const char* why, const Sink& sink) {
    hand_out(Status::error(code, "frame ", number_, ": ", why, " after ", frame_.size(), " bytes"), sink);
  }

  template <class Sink>
  void hand_out(const Status& status, const Sink& sink) {
    state_ = State::outside;
    sink(MjpegFrame{number_, status, {frame_.data(), frame_.size()}, garbage_});
    garbage_ = 0;
    frame_.clear();
  }

  std::size_t max_frame_bytes_;
  State state_ = State::outside;
  std::size_t number_ = 0, garbage_ = 0, rest_ = 0;
  std::vector<unsigned char> frame_;
};

TINYFIQA_END
