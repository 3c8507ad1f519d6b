#include "jobs/watch/camera.hpp"

#include <utility>

using namespace tinyfiqa;

#if defined(__linux__) && __has_include(<linux/videodev2.h>)

#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/mjpeg.hpp>

#include "reports/text.hpp"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace {

/// Buffers that the driver fills in turn: one is filled while another one is copied.
constexpr unsigned buffer_count = 4;

std::string size_text(unsigned width, unsigned height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

/// The four characters that name a pixel format, such as MJPG.
std::string format_name(unsigned code) {
  std::string name;
  for (unsigned shift = 0; shift < 32; shift += 8) name += static_cast<char>((code >> shift) & 0x7Fu);
  return shown_text(name);
}

bool is_jpeg(unsigned pixel_format) {
  return pixel_format == V4L2_PIX_FMT_MJPEG || pixel_format == V4L2_PIX_FMT_JPEG;
}

/// As the driver says, or the defaults of videodev2.h if it does not say.
YuvMeaning meaning_of(const v4l2_pix_format& pix) {
  YuvMeaning meaning;
  meaning.full_range =
      pix.quantization == V4L2_QUANTIZATION_FULL_RANGE ||
      (pix.quantization == V4L2_QUANTIZATION_DEFAULT && pix.colorspace == V4L2_COLORSPACE_JPEG);
  meaning.bt709 = pix.ycbcr_enc == V4L2_YCBCR_ENC_709 ||
                  (pix.ycbcr_enc == V4L2_YCBCR_ENC_DEFAULT && pix.colorspace == V4L2_COLORSPACE_REC709);
  return meaning;
}

}  // namespace

struct Camera::Device {
  struct Buffer {
    void* at = nullptr;
    std::size_t bytes = 0;
  };

  Device(std::string name, CameraCalls system_calls)
      : path(std::move(name)), calls(std::move(system_calls)) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() {
    stop_stream();
    if (descriptor >= 0) calls.close(descriptor);
  }

  Status open();
  Status choose_format(const CameraRequest& request);
  void choose_rate(int fps);
  Status start_stream();
  void stop_stream();
  Status read(const CodedFrameSink& sink, int stop);

 private:
  /// False on failure; errno has the reason.
  bool ask(unsigned long request, void* value) const {
    int result = 0;
    do result = calls.ioctl(descriptor, request, value);
    while (result < 0 && errno == EINTR);
    return result >= 0;
  }
  bool set_format(unsigned pixel_format, const CameraRequest& request, v4l2_pix_format& got) const;
  Status no_known_format() const;
  Status problem(const char* what) const;
  Status map_buffers();
  bool queue(unsigned index) const;
  Status pass_frame(const CodedFrameSink& sink);
  std::size_t number_of(const v4l2_buffer& buffer);
  void pass(const v4l2_buffer& buffer, const CodedFrameSink& sink);

  std::string path;
  CameraCalls calls;
  int descriptor = -1;
  bool streaming = false;
  std::vector<Buffer> buffers;
  std::size_t frames = 0;  // the number of the newest one
  unsigned first_sequence = 0;

 public:
  FrameFormat format;
  std::vector<std::string> notes;
};

/// The error of a call that just failed.
Status Camera::Device::problem(const char* what) const {
  const int error = errno;
  if (error == EBUSY)
    return Status::error(Errc::unreadable, path, ": another program uses the camera; close that program");
  if (error == ENODEV) return Status::error(Errc::unreadable, path, ": the camera is gone; plug it in again");
  return Status::error(Errc::unreadable, path, ": ", what, " failed: ", std::strerror(error));
}

Status Camera::Device::open() {
  descriptor = calls.open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
    return Status::error(Errc::not_found, path,
                         ": no such camera; plug it in, and see the devices with: ls /dev/video*");
  if (descriptor < 0 && errno == EACCES)
    return Status::error(Errc::unreadable, path,
                         ": permission denied; add yourself to its group (often: sudo usermod -aG video "
                         "$USER), and log in again");
  if (descriptor < 0) return problem("opening it");
  v4l2_capability can = {};
  if (!ask(VIDIOC_QUERYCAP, &can))
    return Status::error(Errc::unsupported, path,
                         ": is no camera; name one such as /dev/video0, or pipe frames: tinyfiqa watch - < ",
                         path);
  const unsigned flags = (can.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? can.device_caps : can.capabilities;
  if ((flags & V4L2_CAP_VIDEO_CAPTURE) == 0 || (flags & V4L2_CAP_STREAMING) == 0)
    return Status::error(Errc::unsupported, path,
                         ": gives no frames; many cameras have several devices: try the others of ls "
                         "/dev/video*");
  return Status();
}

/// Drivers put the nearest that they have in place of what they do not have.
bool Camera::Device::set_format(unsigned pixel_format, const CameraRequest& request,
                                v4l2_pix_format& got) const {
  v4l2_format wanted = {};
  wanted.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  wanted.fmt.pix.width = static_cast<unsigned>(request.width);
  wanted.fmt.pix.height = static_cast<unsigned>(request.height);
  wanted.fmt.pix.pixelformat = pixel_format;
  wanted.fmt.pix.field = V4L2_FIELD_NONE;
  if (!ask(VIDIOC_S_FMT, &wanted)) return false;
  got = wanted.fmt.pix;
  errno = 0;  // a format that the camera does not have is no failed call
  return got.pixelformat == pixel_format || (is_jpeg(got.pixelformat) && is_jpeg(pixel_format));
}

Status Camera::Device::no_known_format() const {
  std::string names;
  v4l2_fmtdesc one = {};
  one.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  for (; one.index < 64 && ask(VIDIOC_ENUM_FMT, &one); ++one.index)
    names += (names.empty() ? "" : ", ") + format_name(one.pixelformat);
  return Status::error(Errc::unsupported, path, ": gives ", names.empty() ? "no format" : names,
                       ", but neither MJPG nor YUYV; convert its frames: ffmpeg -loglevel error -f v4l2 -i ",
                       path, " -c:v mjpeg -f image2pipe - | tinyfiqa watch -");
}

Status Camera::Device::choose_format(const CameraRequest& request) {
  v4l2_pix_format got = {};
  if (!set_format(V4L2_PIX_FMT_MJPEG, request, got)) {
    if (errno == EBUSY) return problem("choosing a format");
    if (!set_format(V4L2_PIX_FMT_YUYV, request, got)) return no_known_format();
  }
  format.coding = is_jpeg(got.pixelformat) ? FrameCoding::mjpeg : FrameCoding::yuyv;
  constexpr unsigned most = max_image_side;
  if (got.width < 2 || got.height < 1 || got.width > most || got.height > most)
    return Status::error(Errc::unsupported, path, ": gives frames of ", size_text(got.width, got.height),
                         " pixels; choose another --camera-size");
  format.width = static_cast<int>(got.width);
  format.height = static_cast<int>(got.height);
  format.row_stride = std::max<std::size_t>(got.bytesperline, std::size_t{2} * got.width);
  format.yuv = meaning_of(got);
  if (format.width != request.width || format.height != request.height)
    notes.push_back(path + ": gives " + size_text(got.width, got.height) + " pixels, not " +
                    size_text(static_cast<unsigned>(request.width), static_cast<unsigned>(request.height)));
  return Status();
}

void Camera::Device::choose_rate(int fps) {
  if (fps == 0) return;
  v4l2_streamparm rate = {};
  rate.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  rate.parm.capture.timeperframe = {1, static_cast<unsigned>(fps)};
  const bool set = ask(VIDIOC_S_PARM, &rate) && rate.parm.capture.timeperframe.numerator > 0;
  const auto& got = rate.parm.capture.timeperframe;
  if (!set)
    notes.push_back(path + ": the camera chooses its rate itself; --fps " + std::to_string(fps) +
                    " has no effect");
  else if (got.denominator != got.numerator * static_cast<unsigned>(fps))
    notes.push_back(path + ": gives " + format_text("%.3g", double{got.denominator * 1.0} / got.numerator) +
                    " frames per second, not " + std::to_string(fps));
}

bool Camera::Device::queue(unsigned index) const {
  v4l2_buffer buffer = {};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  return ask(VIDIOC_QBUF, &buffer);
}

Status Camera::Device::map_buffers() {
  v4l2_requestbuffers wanted = {};
  wanted.count = buffer_count;
  wanted.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  wanted.memory = V4L2_MEMORY_MMAP;
  if (!ask(VIDIOC_REQBUFS, &wanted)) return problem("asking for buffers");
  for (unsigned i = 0; i < wanted.count; ++i) {
    v4l2_buffer buffer = {};
    buffer.type = wanted.type;
    buffer.memory = V4L2_MEMORY_MMAP;
    buffer.index = i;
    if (!ask(VIDIOC_QUERYBUF, &buffer)) return problem("asking for a buffer");
    void* const at = calls.mmap(buffer.length, descriptor, static_cast<off_t>(buffer.m.offset));
    if (at == MAP_FAILED) return problem("mapping a buffer");
    buffers.push_back({at, buffer.length});
    if (!queue(i)) return problem("queueing a buffer");
  }
  if (buffers.empty()) return Status::error(Errc::unreadable, path, ": the camera has no buffers");
  return Status();
}

Status Camera::Device::start_stream() {
  if (const Status s = map_buffers(); !s) return s;
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  if (!ask(VIDIOC_STREAMON, &type)) return problem("starting");
  streaming = true;
  return Status();
}

void Camera::Device::stop_stream() {
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  if (streaming) ask(VIDIOC_STREAMOFF, &type);
  streaming = false;
  for (const Buffer& buffer : buffers) calls.munmap(buffer.at, buffer.bytes);
  buffers.clear();
}

/// The number of a frame, from 1. The driver counts frames that it lost, because no buffer was free, too. (Some drivers do
/// not count: then every frame has the next number.)
std::size_t Camera::Device::number_of(const v4l2_buffer& buffer) {
  if (frames == 0) first_sequence = buffer.sequence;
  const std::size_t counted = std::size_t{buffer.sequence - first_sequence} + 1;
  return frames = std::max(frames + 1, counted);
}

/// Passes a filled buffer. A JPEG may end before the buffer does.
void Camera::Device::pass(const v4l2_buffer& buffer, const CodedFrameSink& sink) {
  const std::size_t number = number_of(buffer);
  const Buffer& memory = buffers[buffer.index];
  const Bytes bytes(static_cast<const unsigned char*>(memory.at),
                    std::min<std::size_t>(buffer.bytesused, memory.bytes));
  if ((buffer.flags & V4L2_BUF_FLAG_ERROR) != 0)
    return sink({number, Status::error(Errc::bad_format, "frame ", number, ": the camera says it is damaged"),
                 bytes, 0});
  if (format.coding != FrameCoding::mjpeg) return sink({number, Status(), bytes, 0});
  MjpegSplitter splitter;
  bool found = false;
  const auto take = [&](const MjpegFrame& jpeg) {
    if (!found) sink({number, jpeg.status, jpeg.bytes, 0});
    found = true;
  };
  splitter.feed(bytes, take);
  splitter.finish(take);
  if (!found)
    sink({number, Status::error(Errc::bad_format, "frame ", number, ": the camera gave no JPEG"), bytes, 0});
}

/// Takes one buffer from the driver, if one is filled, and gives it back.
Status Camera::Device::pass_frame(const CodedFrameSink& sink) {
  v4l2_buffer buffer = {};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  if (!ask(VIDIOC_DQBUF, &buffer)) return errno == EAGAIN ? Status() : problem("reading a frame");
  if (buffer.index >= buffers.size())
    return Status::error(Errc::unreadable, path, ": the driver gave a buffer that does not exist");
  pass(buffer, sink);
  return queue(buffer.index) ? Status() : problem("queueing a buffer");
}

Status Camera::Device::read(const CodedFrameSink& sink, int stop) {
  for (;;) {
    pollfd both[] = {{descriptor, POLLIN, 0}, {stop, POLLIN, 0}};
    if (calls.poll(both, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return problem("waiting for a frame");
    }
    if (both[1].revents != 0) return Status();
    if ((both[0].revents & POLLIN) != 0) {
      if (const Status s = pass_frame(sink); !s) return s;
    } else if (both[0].revents != 0) {  // POLLERR, POLLHUP: it will give no more frames
      errno = ENODEV;
      return problem("waiting for a frame");
    }
  }
}

CameraCalls CameraCalls::of_system() {
  CameraCalls calls;
  calls.open = [](const char* path, int flags) { return ::open(path, flags); };
  calls.close = [](int descriptor) { return ::close(descriptor); };
  calls.ioctl = [](int descriptor, unsigned long request, void* value) {
    return ::ioctl(descriptor, request, value);
  };
  calls.mmap = [](std::size_t bytes, int descriptor, off_t offset) {
    return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset);
  };
  calls.munmap = [](void* at, std::size_t bytes) { return ::munmap(at, bytes); };
  calls.poll = [](pollfd* descriptors, std::size_t count, int timeout_ms) {
    return ::poll(descriptors, static_cast<nfds_t>(count), timeout_ms);
  };
  return calls;
}

Result<Camera> Camera::open(const std::string& path, const CameraRequest& request, CameraCalls calls) {
  auto device = std::make_unique<Device>(path, std::move(calls));
  if (const Status s = device->open(); !s) return s;
  if (const Status s = device->choose_format(request); !s) return s;
  device->choose_rate(request.fps);
  return Camera(std::move(device));
}

Status Camera::read_frames(const CodedFrameSink& sink, int stop) {
  if (const Status s = device_->start_stream(); !s) return s;
  const Status ended = device_->read(sink, stop);
  device_->stop_stream();
  return ended;
}

#else  // no Video4Linux

struct Camera::Device {
  FrameFormat format;
  std::vector<std::string> notes;
};

CameraCalls CameraCalls::of_system() { return {}; }

Result<Camera> Camera::open(const std::string& path, const CameraRequest&, CameraCalls) {
  return Status::error(
      Errc::unsupported, path,
      ": this build reads no cameras, because the system it was made for has no Video4Linux; "
      "pipe their frames: ffmpeg ... -c:v mjpeg -f image2pipe - | tinyfiqa watch -");
}

Status Camera::read_frames(const CodedFrameSink&, int) { return Status(); }

#endif

Camera::Camera(std::unique_ptr<Device> device) : device_(std::move(device)) {}
Camera::Camera(Camera&&) noexcept = default;
Camera& Camera::operator=(Camera&&) noexcept = default;
Camera::~Camera() = default;

const FrameFormat& Camera::format() const { return device_->format; }
const std::vector<std::string>& Camera::notes() const { return device_->notes; }
