// --stdin-mjpeg and --stdin-rgb: a video on standard input.
#pragma once

#include <string>

#include "jobs/frame_source.hpp"
#include "options/command_line.hpp"

struct VideoOptions {
  bool mjpeg = false;
  std::string rgb;

  /// `verb` begins the descriptions, such as "Select from".
  void add_to(const Command& command, const std::string& verb);
  bool given() const { return mjpeg || !rgb.empty(); }
  /// `command` is for the example in the error. Errors: bad_argument if standard input is a terminal, or for a size
  /// that can't be.
  tinyfiqa::Result<FrameFormat> frame_format(const char* command) const;
};
