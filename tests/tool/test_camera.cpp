// The camera of `tinyfiqa watch`, with system calls that a fake driver answers.
#include "jobs/watch/camera.hpp"

#include <doctest/doctest.h>

#include <string>

#if defined(__linux__) && __has_include(<linux/videodev2.h>)

#include <linux/videodev2.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

using namespace tinyfiqa;

namespace {

struct FakeFrame {
  std::string bytes;
  bool damaged = false;  // the driver says so
  unsigned lost = 0;     // frames before this one that the driver had no buffer for
};

/// A driver with buffers of 64 bytes. When its frames are used up, somebody wants to stop.
struct FakeCamera {
  std::vector<unsigned> formats{V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_YUYV};
  unsigned width = 640, height = 480;  // the only size
  unsigned capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  unsigned rate = 30;  // the only one; 0: it can't be asked
  int open_error = 0, format_error = 0, dequeue_error = 0;
  std::deque<FakeFrame> frames;

  std::vector<std::string> memory;
  std::deque<unsigned> queued;
  int opened = 0, mapped = 0, interruptions = 0;
  unsigned sequence = 1000;  // drivers need not begin at 0
  bool streaming = false;

  CameraCalls calls() {
    CameraCalls c;
    c.open = [this](const char*, int) { return open_error != 0 ? fail(open_error) : (++opened, 3); };
    c.close = [this](int) { return --opened, 0; };
    c.ioctl = [this](int, unsigned long request, void* value) { return answer(request, value); };
    c.mmap = [this](std::size_t, int, off_t offset) -> void* {
      return ++mapped, memory[static_cast<std::size_t>(offset)].data();
    };
    c.munmap = [this](void*, std::size_t) { return --mapped, 0; };
    c.poll = [this](pollfd* both, std::size_t, int) {
      both[0].revents = frames.empty() && dequeue_error == 0 ? 0 : POLLIN;
      both[1].revents = both[0].revents == 0 ? POLLIN : 0;
      return 1;
    };
    return c;
  }

 private:
  static int fail(int error) { return errno = error, -1; }

  int answer(unsigned long request, void* value) {
    if (++interruptions % 3 == 0) return fail(EINTR);  // as by a signal: to be asked again
    switch (request) {
      case VIDIOC_QUERYCAP:
        static_cast<v4l2_capability*>(value)->capabilities = capabilities;
        return 0;
      case VIDIOC_ENUM_FMT:
        return name_format(*static_cast<v4l2_fmtdesc*>(value));
      case VIDIOC_S_FMT:
        return set_format(static_cast<v4l2_format*>(value)->fmt.pix);
      case VIDIOC_S_PARM:
        return set_rate(static_cast<v4l2_streamparm*>(value)->parm.capture.timeperframe);
      case VIDIOC_REQBUFS:
        memory.assign(3, std::string(64, '\0'));
        return give_three(value);
      case VIDIOC_QUERYBUF:
        return place(*static_cast<v4l2_buffer*>(value));
      case VIDIOC_QBUF:
        queued.push_back(static_cast<v4l2_buffer*>(value)->index);
        return 0;
      case VIDIOC_DQBUF:
        return fill(*static_cast<v4l2_buffer*>(value));
      case VIDIOC_STREAMON:
        streaming = true;
        return 0;
      case VIDIOC_STREAMOFF:
        streaming = false;
        return 0;
      default:
        return fail(ENOTTY);
    }
  }
  int name_format(v4l2_fmtdesc& one) const {
    if (one.index >= formats.size()) return fail(EINVAL);
    one.pixelformat = formats[one.index];
    return 0;
  }
  int set_format(v4l2_pix_format& pix) const {
    if (format_error != 0) return fail(format_error);
    if (std::find(formats.begin(), formats.end(), pix.pixelformat) == formats.end())
      pix.pixelformat = formats.front();
    pix.width = width, pix.height = height,
    pix.bytesperline = pix.pixelformat == V4L2_PIX_FMT_YUYV ? 2 * width : 0;
    return 0;
  }
  int set_rate(v4l2_fract& time) const {
    if (rate == 0) return fail(ENOTTY);
    time.numerator = 1, time.denominator = rate;
    return 0;
  }
  static int give_three(void* value) {
    static_cast<v4l2_requestbuffers*>(value)->count = 3;
    return 0;
  }
  static int place(v4l2_buffer& buffer) {
    buffer.length = 64, buffer.m.offset = buffer.index;
    return 0;
  }
  int fill(v4l2_buffer& buffer) {
    if (frames.empty() || queued.empty()) return fail(dequeue_error != 0 ? dequeue_error : EAGAIN);
    buffer.index = queued.front(), queued.pop_front();
    const FakeFrame frame = frames.front();
    frames.pop_front();
    std::copy(frame.bytes.begin(), frame.bytes.end(), memory[buffer.index].begin());
    buffer.bytesused = static_cast<unsigned>(frame.bytes.size());
    buffer.sequence = sequence += 1 + frame.lost;
    buffer.flags = frame.damaged ? V4L2_BUF_FLAG_ERROR : 0;
    return 0;
  }
};

struct Seen {
  std::size_t number;
  Status status;
  std::string bytes;
};

/// Reads all frames of the fake camera.
std::vector<Seen> frames_of(Camera& camera, Status& ended) {
  std::vector<Seen> seen;
  ended = camera.read_frames(
      [&](const CodedFrame& f) {
        seen.push_back({f.number, f.status, std::string(f.bytes.begin(), f.bytes.end())});
      },
      4);
  return seen;
}

std::string error_of(FakeCamera& fake, const CameraRequest& request = {}) {
  const auto camera = Camera::open("/dev/fake", request, fake.calls());
  return camera ? "" : camera.status().message();
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a camera with JPEGs gives them without what the driver leaves behind their end") {
  FakeCamera fake;
  // A comment segment of 4 bytes, with its length.
  const std::string frame = std::string("\xFF\xD8\xFF\xFE\x00\x06", 6) + "data\xFF\xD9";
  for (int i = 0; i < 8; ++i) fake.frames.push_back({frame + std::string(20, '\0'), false, 0});
  fake.frames.push_back({"nothing", false, 0});
  fake.frames.push_back({frame.substr(0, 7), false, 0});
  fake.frames.push_back({frame, true, 0});
  {
    auto camera = Camera::open("/dev/fake", {}, fake.calls());
    REQUIRE_MESSAGE(camera.ok(), camera.status().message());
    CHECK(camera->format().coding == FrameCoding::mjpeg);
    CHECK(camera->notes().empty());
    Status ended;
    const auto seen = frames_of(*camera, ended);
    CHECK(ended.ok());
    REQUIRE(seen.size() == 11);
    for (std::size_t i = 0; i < 8; ++i) {
      CHECK(seen[i].number == i + 1);
      CHECK(seen[i].status.ok());
      CHECK(seen[i].bytes == frame);
    }
    CHECK(has(seen[8].status.message(), "frame 9: the camera gave no JPEG"));
    CHECK(seen[9].status.code() == Errc::bad_format);
    CHECK(has(seen[10].status.message(), "frame 11: the camera says it is damaged"));
    CHECK(fake.queued.size() == 3);  // every buffer went back to the driver
    CHECK_FALSE(fake.streaming);
    CHECK(fake.mapped == 0);
  }
  CHECK(fake.opened == 0);
}

TEST_CASE("a camera without JPEGs gives YUYV, of its own size and rate, and says so") {
  FakeCamera fake;
  fake.formats = {V4L2_PIX_FMT_YUYV};
  fake.width = 4, fake.height = 2, fake.rate = 25;
  fake.frames.push_back({std::string(16, '\x80'), false, 0});
  CameraRequest request;
  request.fps = 15;
  auto camera = Camera::open("/dev/fake", request, fake.calls());
  REQUIRE_MESSAGE(camera.ok(), camera.status().message());
  const FrameFormat& format = camera->format();
  CHECK(format.coding == FrameCoding::yuyv);
  CHECK(format.width == 4);
  CHECK(format.height == 2);
  CHECK(format.row_stride == 8);
  REQUIRE(camera->notes().size() == 2);
  CHECK(camera->notes()[0] == "/dev/fake: gives 4x2 pixels, not 640x480");
  CHECK(camera->notes()[1] == "/dev/fake: gives 25 frames per second, not 15");
  Status ended;
  const auto seen = frames_of(*camera, ended);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].bytes == std::string(16, '\x80'));
}

TEST_CASE("frames that the driver lost are counted in the numbers of frames") {
  FakeCamera fake;
  fake.formats = {V4L2_PIX_FMT_YUYV};
  fake.width = 4, fake.height = 2;
  for (const unsigned lost : {7u, 0u, 2u}) fake.frames.push_back({std::string(16, '\x80'), false, lost});
  auto camera = Camera::open("/dev/fake", {}, fake.calls());
  REQUIRE(camera.ok());
  Status ended;
  const auto seen = frames_of(*camera, ended);
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].number == 1);
  CHECK(seen[1].number == 2);
  CHECK(seen[2].number == 5);
}

TEST_CASE("a camera whose rate can't be asked for keeps its own") {
  FakeCamera fake;
  fake.rate = 0;
  CameraRequest request;
  request.fps = 15;
  const auto camera = Camera::open("/dev/fake", request, fake.calls());
  REQUIRE(camera.ok());
  REQUIRE(camera->notes().size() == 1);
  CHECK(has(camera->notes()[0], "--fps 15 has no effect"));
}

TEST_CASE("a device that is no camera, or that can't be used, is an error that says what to do") {
  const auto with = [](auto change) {
    FakeCamera fake;
    change(fake);
    const std::string error = error_of(fake);
    CHECK(fake.opened == 0);
    return error;
  };
  CHECK(has(with([](FakeCamera& f) { f.open_error = ENOENT; }), "no such camera"));
  CHECK(has(with([](FakeCamera& f) { f.open_error = EACCES; }), "usermod"));
  CHECK(has(with([](FakeCamera& f) { f.open_error = EBUSY; }), "another program uses the camera"));
  CHECK(has(with([](FakeCamera& f) { f.format_error = EBUSY; }), "another program uses the camera"));
  CHECK(has(with([](FakeCamera& f) { f.capabilities = V4L2_CAP_VIDEO_OUTPUT; }), "gives no frames"));
  CHECK(has(with([](FakeCamera& f) { f.width = 0; }), "choose another --camera-size"));
  CHECK(has(with([](FakeCamera& f) {
              f.formats = {V4L2_PIX_FMT_H264, V4L2_PIX_FMT_NV12};
            }),
            "gives H264, NV12, but neither MJPG nor YUYV"));
}

TEST_CASE("a camera that is unplugged ends with an error, after the frames that it gave") {
  FakeCamera fake;
  fake.formats = {V4L2_PIX_FMT_YUYV};
  fake.width = 4, fake.height = 2;
  fake.frames.push_back({std::string(16, '\x80'), false, 0});
  fake.dequeue_error = ENODEV;
  auto camera = Camera::open("/dev/fake", {}, fake.calls());
  REQUIRE(camera.ok());
  Status ended;
  CHECK(frames_of(*camera, ended).size() == 1);
  CHECK(has(ended.message(), "plug it in again"));
  CHECK(fake.mapped == 0);
}

#else

TEST_CASE("without Video4Linux, a camera is an error that says what works") {
  const auto camera = Camera::open("/dev/video0", {}, {});
  REQUIRE_FALSE(camera.ok());
  CHECK(std::string(camera.status().message()).find("tinyfiqa watch -") != std::string::npos);
}

#endif
