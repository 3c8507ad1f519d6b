// Reads the frames of a video from a pipe.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>

#include <cstddef>
#include <functional>
#include <string>

/// One frame, or why there is none.
struct VideoFrame {
  std::size_t number = 0;  ///< from 1
  tinyfiqa::Status status;
  tinyfiqa::Image image;
  tinyfiqa::Bytes file;  ///< the JPEG, empty for raw pixels; valid during the call only
};

using FrameSink = std::function<void(const VideoFrame&)>;

/// The format of the stream: JPEGs one after the other, or raw RGB pixels [height, width, 3].
struct FrameFormat {
  bool mjpeg = false;
  int width = 0, height = 0;
};

/// Reads the descriptor to its end. Passes every frame to `sink` as soon as it is complete, and broken frames
/// with their error. Holds at most one frame. Errors: unreadable; bad_format if the stream ends inside a
/// frame of raw pixels, or if it holds no frame.
tinyfiqa::Status read_frames(int descriptor, const FrameFormat& format, const FrameSink& sink);
