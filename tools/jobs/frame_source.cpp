#include "jobs/frame_source.hpp"

#include <tinyfiqa/image/mjpeg.hpp>

#include "jobs/stop_signal.hpp"
#include "options/messages.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

/// A descriptor that is read until it ends, or until somebody wants to stop.
class FrameStream {
 public:
  FrameStream(int descriptor, int stop) : descriptor_(descriptor), stop_(stop) {}

  /// Reads what is available, at least one byte; 0 bytes at the end of the stream, or if stopped().
  Result<std::size_t> read_some(unsigned char* to, std::size_t most) {
    for (;;) {
      if (wait_stopped()) return std::size_t{0};
      const ssize_t got = ::read(descriptor_, to, most);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR && errno != EAGAIN)
        return Status::error(Errc::unreadable, "standard input: reading failed: ", std::strerror(errno));
    }
  }
  bool stopped() const { return stop_signal != 0 || stop_seen_; }

 private:
  /// Waits for bytes, the end or a wish to stop. True if stopped().
  bool wait_stopped() {
    pollfd both[] = {{descriptor_, POLLIN, 0}, {stop_, POLLIN, 0}};  // poll() ignores a descriptor of -1
    while (stop_signal == 0 && ::poll(both, 2, -1) < 0 && errno == EINTR) {
    }
    stop_seen_ = both[1].revents != 0;
    return stopped();
  }

  int descriptor_, stop_;
  bool stop_seen_ = false;
};

Status no_frame(const char* what) {
  return Status::error(Errc::bad_format, "standard input: no ", what,
                       " found; check the format of the stream");
}

Result<std::size_t> read_mjpeg(FrameStream& stream, const CodedFrameSink& sink) {
  MjpegSplitter splitter;
  const auto take = [&](const MjpegFrame& jpeg) {
    sink({jpeg.number, jpeg.status, jpeg.bytes, jpeg.garbage});
  };
  std::vector<unsigned char> piece(65536);
  for (;;) {
    const auto got = stream.read_some(piece.data(), piece.size());
    if (!got) return got.status();
    if (*got == 0) break;
    splitter.feed({piece.data(), *got}, take);
  }
  if (stream.stopped()) return std::size_t{0};
  const std::size_t left = splitter.finish(take);
  if (splitter.frames() == 0) return no_frame("JPEG");
  return left;
}

Result<std::size_t> read_rgb(FrameStream& stream, const FrameFormat& format, const CodedFrameSink& sink) {
  std::vector<unsigned char> rgb(static_cast<std::size_t>(format.width) *
                                 static_cast<std::size_t>(format.height) * 3);
  for (std::size_t number = 1;; ++number) {
    std::size_t have = 0;
    while (have < rgb.size()) {
      const auto got = stream.read_some(rgb.data() + have, rgb.size() - have);
      if (!got) return got.status();
      if (*got == 0) break;
      have += *got;
    }
    if (have < rgb.size() && stream.stopped()) return std::size_t{0};
    if (have == 0 && number == 1) return no_frame("frame");
    if (have == 0) return std::size_t{0};
    if (have < rgb.size())
      return Status::error(Errc::bad_format, "frame ", number,
                           ": the stream ends in the middle of it, after ", have, " of ", rgb.size(),
                           " bytes; check the size ", format.width, "x", format.height);
    sink({number, Status(), {rgb.data(), rgb.size()}, 0});
  }
}

/// Decodes the frames of a stream. A stream that is no video can have millions of frames that are broken: only the
/// first few are told, and the others counted.
class DecodedFrames {
 public:
  DecodedFrames(const FrameFormat& format, const FrameSink& sink) : format_(format), sink_(sink) {}

  void take(const CodedFrame& coded) {
    VideoFrame frame{coded.number, coded.status, {}, {}};
    if (format_.coding == FrameCoding::mjpeg) frame.file = coded.bytes;
    if (coded.garbage > 0 && ++gaps_ <= told)
      print_note("frame " + std::to_string(coded.number) + ": " + std::to_string(coded.garbage) +
                 " bytes before it are not JPEG");
    if (frame.status.ok()) {
      auto photo = decode_frame(coded.bytes, format_);
      if (photo)
        frame.image = std::move(photo->image);
      else
        frame.status = photo.status().prefixed("frame ", coded.number, ": ");
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
  const FrameFormat& format_;
  const FrameSink& sink_;
  std::size_t broken_ = 0, gaps_ = 0;
};

/// A photo of these pixels, all of them.
Photo whole_photo(Image image) {
  Photo photo;
  photo.width = image.width;
  photo.height = image.height;
  photo.image = std::move(image);
  return photo;
}

}  // namespace

Result<std::size_t> read_coded_frames(int descriptor, const FrameFormat& format, const CodedFrameSink& sink,
                                      int stop) {
  FrameStream stream(descriptor, stop);
  return format.coding == FrameCoding::mjpeg ? read_mjpeg(stream, sink) : read_rgb(stream, format, sink);
}

Result<Photo> decode_frame(Bytes frame, const FrameFormat& format, int longest_side) {
  if (format.coding == FrameCoding::mjpeg) {
    DecodeRequest request;
    request.longest_side = longest_side;
    return decode_photo(frame, request);
  }
  Image image(format.width, format.height);
  if (format.coding == FrameCoding::yuyv) {
    if (const Status s = yuyv_to_rgb(frame, format.row_stride, format.yuv, image); !s) return s;
  } else if (frame.size != image.rgb.size()) {
    return Status::error(Errc::mismatch, "a frame of ", frame.size, " bytes is not ", format.width, "x",
                         format.height, " RGB pixels");
  } else {
    std::copy(frame.begin(), frame.end(), image.rgb.begin());
  }
  return whole_photo(std::move(image));
}

Status read_frames(int descriptor, const FrameFormat& format, const FrameSink& sink) {
  DecodedFrames frames(format, sink);
  const auto left =
      read_coded_frames(descriptor, format, [&](const CodedFrame& frame) { frames.take(frame); });
  frames.finish();
  if (left && *left > 0)
    print_note("the last " + std::to_string(*left) + " bytes of the stream are not JPEG");
  return left.status();
}
