// Frames of a camera, by Video4Linux (V4L2).
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "jobs/frame_source.hpp"

#include <poll.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// The system calls that a camera needs. Tests replace them.
struct CameraCalls {
  std::function<int(const char* path, int flags)> open;
  std::function<int(int descriptor)> close;
  std::function<int(int descriptor, unsigned long request, void* value)> ioctl;
  std::function<void*(std::size_t bytes, int descriptor, off_t offset)> mmap;
  std::function<int(void* at, std::size_t bytes)> munmap;
  std::function<int(pollfd* descriptors, std::size_t count, int timeout_ms)> poll;

  static CameraCalls of_system();
};

/// What to ask a camera for. It may give something else: Camera::notes() says so.
struct CameraRequest {
  int width = 640, height = 480;
  int fps = 0;  ///< 0: the camera's own rate
};

class Camera {
 public:
  /// Opens the camera and chooses a format: JPEGs if it has them (several times less to copy, and saved as they are), or
  /// YUYV. Errors: not_found; unreadable (no permission, used by another program); unsupported for a device that is no
  /// camera or has neither format, and where Video4Linux is missing.
  static tinyfiqa::Result<Camera> open(const std::string& path, const CameraRequest& request,
                                       CameraCalls calls = CameraCalls::of_system());
  Camera(Camera&&) noexcept;
  Camera& operator=(Camera&&) noexcept;
  ~Camera();

  const FrameFormat& format() const;
  /// What is different from the request.
  const std::vector<std::string>& notes() const;

  /// Passes frames to `sink` until the descriptor `stop` becomes readable. Errors: unreadable, if the camera refuses to
  /// begin or was unplugged.
  tinyfiqa::Status read_frames(const CodedFrameSink& sink, int stop);

 private:
  struct Device;
  explicit Camera(std::unique_ptr<Device> device);

  std::unique_ptr<Device> device_;
};
