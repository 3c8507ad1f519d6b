// Reads the frames of a video from a pipe.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>

#include "decoders/photo.hpp"
#include "jobs/yuyv.hpp"

#include <cstddef>
#include <functional>

/// How a frame's bytes become pixels.
enum class FrameCoding : unsigned char {
  mjpeg,  ///< a JPEG
  rgb,    ///< raw RGB pixels [height, width, 3]
  yuyv,   ///< raw pixels as many cameras give them
};

/// The format of a video.
struct FrameFormat {
  FrameCoding coding = FrameCoding::mjpeg;
  int width = 0, height = 0;   ///< of raw pixels
  std::size_t row_stride = 0;  ///< bytes; of FrameCoding::yuyv
  YuvMeaning yuv;              ///< of FrameCoding::yuyv
};

/// One frame as it came, or why there is none.
struct CodedFrame {
  std::size_t number = 0;  ///< from 1; broken frames count
  tinyfiqa::Status status;
  tinyfiqa::Bytes bytes;    ///< valid during the call only
  std::size_t garbage = 0;  ///< bytes before the frame that belong to none
};

using CodedFrameSink = std::function<void(const CodedFrame&)>;

/// Reads the descriptor to its end. Passes every frame to `sink` as soon as it is complete. Holds at most one frame. Ends
/// early after a signal to stop, or when the descriptor `stop` (if it is not -1) becomes readable. Returns the number of
/// bytes after the last JPEG. Errors: unreadable; bad_format if the stream ends inside a frame of raw pixels, or if it
/// holds no frame.
tinyfiqa::Result<std::size_t> read_coded_frames(int descriptor, const FrameFormat& format,
                                                const CodedFrameSink& sink, int stop = -1);

/// The pixels of a frame. `longest_side`: see DecodeRequest; for JPEGs. Errors: those of decode_photo() and
/// yuyv_to_rgb().
tinyfiqa::Result<Photo> decode_frame(tinyfiqa::Bytes frame, const FrameFormat& format, int longest_side = 0);

/// One decoded frame, or why there is none.
struct VideoFrame {
  std::size_t number = 0;  ///< from 1
  tinyfiqa::Status status;
  tinyfiqa::Image image;
  tinyfiqa::Bytes file;  ///< the JPEG, empty for raw pixels; valid during the call only
};

using FrameSink = std::function<void(const VideoFrame&)>;

/// The same with decoded frames. Prints notes about bytes that belong to no frame. After the first few, broken frames and
/// such bytes are only counted.
tinyfiqa::Status read_frames(int descriptor, const FrameFormat& format, const FrameSink& sink);
