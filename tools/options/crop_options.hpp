// Where the face is, in every image that a command sees.
#pragma once

#include <tinyfiqa/image/preprocess.hpp>

#include "options/command_line.hpp"

#include <string>

/// --box and --landmarks.
struct CropOptions {
  std::string box, landmarks;

  void add_to(const Command& command);
  /// Errors: bad_argument for numbers that can't be read, and for both at once.
  tinyfiqa::Result<tinyfiqa::Crop> crop() const;
};
