// --box and --landmarks: where the face is, the same for every image of a run.
#pragma once

#include <tinyfiqa/image/preprocess.hpp>

#include "options/command_line.hpp"

#include <string>

/// --box and --landmarks.
struct CropOptions {
  std::string box, landmarks;

  void add_to(const Command& command);
  /// Errors: bad_argument for numbers that can't be read, or if both options are given.
  tinyfiqa::Result<tinyfiqa::Crop> crop() const;
};
