// --face, --detector, --detector-model and what belongs to them: how faces are found in images.
#pragma once

#include <tinyfiqa/detection/face_detector.hpp>

#include "options/command_line.hpp"

#include <memory>
#include <string>

/// Which faces of an image a command works on.
enum class FaceChoice {
  largest,  ///< --face auto
  all,      ///< --face all
  whole,    ///< --face whole: nothing is searched, the whole image is the face
};

struct FaceOptions {
  std::string face = "auto", detector, detector_model;
  tinyfiqa::DetectorOptions search;
  bool quick = false;

  /// Adds all options. `with_whole`: the command can also do without a detector.
  void add_to(const Command& command, bool with_whole = true);
  /// Adds all options but --face.
  void add_search_to(const Command& command);
  FaceChoice choice() const;
  /// The network of --detector, or the built-in one. Errors: those of reading weights; bad_argument.
  tinyfiqa::Result<std::shared_ptr<const tinyfiqa::Model>> read_detector(
      const tinyfiqa::Backend& backend) const;
  /// The options of each of several detectors that work side by side with this many threads each.
  tinyfiqa::DetectorOptions with_threads(int threads) const;
};
