// Frames of a video that come through a pipe.
#pragma once

#include <tinyfiqa/image/read.hpp>

#include <cstddef>
#include <functional>
#include <string>

/// One frame, or why there is none.
struct VideoFrame {
  std::size_t number = 0;  ///< from 1
  tinyfiqa::Status status;
  tinyfiqa::Image image;
  tinyfiqa::Bytes file;  ///< the JPEG; empty for raw pixels. Gone after the call.
};

using FrameSink = std::function<void(const VideoFrame&)>;

/// How the frames lie in the pipe: JPEGs one after the other, or pixels [height, width, 3].
struct FrameFormat {
  bool mjpeg = false;
  int width = 0, height = 0;
};

/// Reads the descriptor to its end and hands out every frame as soon as it is complete, broken ones with
/// their error; holds one frame at most. Errors: unreadable; bad_format if the pipe ends inside a frame of
/// raw pixels, or if not one frame came.
tinyfiqa::Status read_frames(int descriptor, const FrameFormat& format, const FrameSink& sink);
