#include "jobs/frame_source.hpp"

#include <tinyfiqa/image/mjpeg.hpp>

#include "decoders/photo.hpp"
#include "jobs/stop_signal.hpp"
#include "options/messages.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Reads what is available, at least one byte; 0 bytes at the end of the stream, or after a signal to stop.
Result<std::size_t> read_some(int descriptor, unsigned char* to, std::size_t most) {
  for (;;) {
    if (stop_signal != 0) return std::size_t{0};
    const ssize_t got = ::read(descriptor, to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR)
      return Status::error(Errc::unreadable, "standard input: reading failed: ", std::strerror(errno));
  }
}

Status no_frame(const char* what) {
  return Status::error(Errc::bad_format, "standard input: no ", what,
                       " found; check the format of the stream");
}

/// Decodes the frames of a stream. A stream that is no video can have millions of frames that are broken: only the
/// first few are told, and the others counted.
class MjpegFrames {
 public:
  explicit MjpegFrames(const FrameSink& sink) : sink_(sink) {}

  void take(const MjpegFrame& jpeg) {
    VideoFrame frame{jpeg.number, jpeg.status, {}, jpeg.bytes};
    if (jpeg.garbage > 0 && ++gaps_ <= told)
      print_note("frame " + std::to_string(jpeg.number) + ": " + std::to_string(jpeg.garbage) +
                 " bytes before it are not JPEG");
    if (frame.status.ok()) {
      auto image = decode_full_image(jpeg.bytes);
      if (image)
        frame.image = std::move(*image);
      else
        frame.status = image.status().prefixed("frame ", jpeg.number, ": ");
    }
    if (frame.status.ok() || ++broken_ <= told) sink_(frame);
  }

  void finish() const {
    if (broken_ > told) print_note(std::to_string(broken_ - told) + " more frames could not be read");
    if (gaps_ > told)
      print_note("before " + std::to_string(gaps_ - told) + " more frames there are bytes that are not JPEG");
  }

 private:
  static constexpr std::size_t told = 10;
  const FrameSink& sink_;
  std::size_t broken_ = 0, gaps_ = 0;
};

Status read_mjpeg(int descriptor, const FrameSink& sink) {
  MjpegSplitter splitter;
  MjpegFrames frames(sink);
  const auto take = [&](const MjpegFrame& jpeg) { frames.take(jpeg); };
  std::vector<unsigned char> piece(65536);
  for (;;) {
    const auto got = read_some(descriptor, piece.data(), piece.size());
    if (!got) return got.status();
    if (*got == 0) break;
    splitter.feed({piece.data(), *got}, take);
  }
  const std::size_t left = splitter.finish(take);
  frames.finish();
  if (splitter.frames() == 0) return no_frame("JPEG");
  if (left > 0) print_note("the last " + std::to_string(left) + " bytes of the stream are not JPEG");
  return Status();
}

Status read_rgb(int descriptor, const FrameFormat& format, const FrameSink& sink) {
  VideoFrame frame;
  frame.image = Image(format.width, format.height);
  std::vector<unsigned char>& rgb = frame.image.rgb;
  for (;;) {
    std::size_t have = 0;
    while (have < rgb.size()) {
      const auto got = read_some(descriptor, rgb.data() + have, rgb.size() - have);
      if (!got) return got.status();
      if (*got == 0) break;
      have += *got;
    }
    if (have == 0) return frame.number > 0 ? Status() : no_frame("frame");
    ++frame.number;
    if (have < rgb.size() && stop_signal != 0) return Status();
    if (have < rgb.size())
      return Status::error(Errc::bad_format, "frame ", frame.number,
                           ": the stream ends in the middle of it, after ", have, " of ", rgb.size(),
                           " bytes; check the size ", format.width, "x", format.height);
    sink(frame);
  }
}

}  // namespace

Status read_frames(int descriptor, const FrameFormat& format, const FrameSink& sink) {
  return format.mjpeg ? read_mjpeg(descriptor, sink) : read_rgb(descriptor, format, sink);
}
