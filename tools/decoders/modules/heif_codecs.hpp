// Our own decoders for libheif: AV1 by dav1d and HEVC by libde265, as libheif's, but they never decode much more pixels than
// the file says that its photo has. libheif looks at the size of a coded image only after it is decoded, and a file of 800
// bytes that says 64x64 may code a frame of 65536x65536.
#pragma once

#include <libheif/heif_plugin.h>

#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

/// How many pixels the codecs may still decode for one photo: all frames of all its tiles and of its alpha together.
/// Nothing is given back when a frame is freed, so this bounds time as well as memory.
class FrameBudget {
 public:
  /// `stated`: pixels of the photo as the file states them, before it is cropped. `alpha`: there is an alpha image.
  /// The budget is in use on this thread until it is destroyed, and on the threads that libheif starts for the tiles of the
  /// photo, if this is the only photo that is decoded now. (Several photos keep the processor busy as it is.) Several
  /// threads may call the functions below.
  FrameBudget(std::uint64_t stated, bool alpha);
  FrameBudget(const FrameBudget&) = delete;
  FrameBudget& operator=(const FrameBudget&) = delete;
  ~FrameBudget();

  /// Whether one frame may have that many pixels.
  bool allows(std::uint64_t pixels);
  /// These take a frame, coded data, or work that costs as much as that many pixels from the budget. They return false if it
  /// may not be done.
  bool take_frame(std::uint64_t pixels);
  bool take_data(std::size_t bytes);
  bool take(std::uint64_t pixels);
  /// Whether all threads together have worked for the photo longer than any photo takes; `worked_s`: what this thread has
  /// worked and not added. Only for what can't be counted before: a result that depends on the clock can't be repeated.
  bool out_of_time(double worked_s) const { return spent_s_ + worked_s > most_s_; }
  void add_time(double worked_s);
  /// Whether a frame was refused.
  bool exceeded() const { return exceeded_; }
  void refuse() { exceeded_ = true; }
  /// The most pixels that the next frame may have.
  std::uint64_t largest_frame() const {
    const std::uint64_t left = left_;
    return left < largest_ ? left : largest_;
  }
  /// How many threads libheif may start for this photo; 0: none.
  int threads() const;

  /// The budget that is in use on this thread, or null.
  static FrameBudget* here();

 private:
  void mark_threads();

  std::atomic<std::uint64_t> left_;
  std::uint64_t largest_;
  std::atomic<double> spent_s_{0};
  double most_s_;
  std::atomic<bool> exceeded_{false};
  sigset_t outer_mask_;  ///< the signals that this thread blocks outside of this object's life
  bool has_threads_ = false;
};

/// Processor time of this thread.
double thread_seconds();

/// A decoded frame in the codec's memory.
struct DecodedFrame {
  struct Plane {
    const unsigned char* pixels;
    std::ptrdiff_t row_stride;
    int width, height;
  };
  heif_chroma chroma;
  int bits;                         ///< of a sample; two bytes each above 8
  Plane planes[3];                  ///< of a monochrome image only the first
  int primaries, transfer, matrix;  ///< code points of ITU-T H.273
  bool full_range;
};

constexpr heif_error codec_done{heif_error_Ok, heif_suberror_Unspecified, "Success"};
constexpr heif_error codec_out_of_memory{heif_error_Memory_allocation_error, heif_suberror_Unspecified,
                                         "not enough memory"};
constexpr heif_error codec_too_large{heif_error_Decoder_plugin_error, heif_suberror_Security_limit_exceeded,
                                     "the coded image is larger than the file says"};
constexpr heif_error codec_damaged(const char* why) {
  return {heif_error_Decoder_plugin_error, heif_suberror_Unspecified, why};
}

/// Copies a frame into an image of libheif's. `strict`: colours with unknown code points are an error.
heif_error make_heif_image(const DecodedFrame& frame, bool strict, heif_image** out);

/// Gives libheif the two decoders, once in a process. It prefers them on threads that have a budget; for others, which may
/// belong to another user of libheif in this process, they do not exist. Returns null, or why it failed.
const char* register_heif_codecs();
const heif_decoder_plugin* av1_codec();
const heif_decoder_plugin* hevc_codec();
