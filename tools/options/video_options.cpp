#include "options/video_options.hpp"

#include <tinyfiqa/image/read.hpp>

#include <unistd.h>

#include "decoders/photo.hpp"
#include "options/option_texts.hpp"

using namespace tinyfiqa;

void VideoOptions::add_to(const Command& command, const std::string& verb) {
  command.add_flag("--stdin-mjpeg", mjpeg, verb + " a video on standard input, as JPEGs one after the other");
  command
      .add_option(
          "--stdin-rgb", rgb,
          verb +
              " a video on standard input, as raw RGB pixels (8 bits per channel) of this size in pixels, "
              "width first")
      .type_name("WxH");
}

Result<FrameFormat> VideoOptions::frame_format(const char* command) const {
  FrameFormat frames;
  frames.coding = mjpeg ? FrameCoding::mjpeg : FrameCoding::rgb;
  if (isatty(0) != 0)
    return Status::error(Errc::bad_argument,
                         "standard input is a terminal; pipe a video into it: ffmpeg -i FILE -c:v mjpeg -f "
                         "image2pipe - | tinyfiqa ",
                         command, " --stdin-mjpeg");
  if (mjpeg) return frames;
  if (read_size(rgb, max_image_side, frames.width, frames.height) &&
      static_cast<std::size_t>(frames.width) * static_cast<std::size_t>(frames.height) <= max_photo_pixels())
    return frames;
  return Status::error(Errc::bad_argument, "--stdin-rgb ", rgb,
                       ": not WIDTHxHEIGHT, such as 640x480, of at most ", max_photo_pixels(),
                       " pixels (--max-pixels)");
}
