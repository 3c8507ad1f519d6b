// --face, --detector, --detector-model and what belongs to them: how faces are found in images.
#pragma once

#include <tinyfiqa/detection/face_detector.hpp>

#include "jobs/faces/face_finder.hpp"
#include "options/command_line.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct FaceOptions {
  std::string face = "auto", detector, detector_model;
  tinyfiqa::DetectorOptions search;
  bool quick = false;

  /// Adds all options. `with_whole`: the command can also do without a detector.
  void add_to(const Command& command, bool with_whole = true);
  /// Adds all options, without the choice of all faces.
  void add_largest_to(const Command& command);
  /// Adds all options but --face.
  void add_search_to(const Command& command);
  FaceChoice choice() const;
  /// The network of --detector, or the built-in one. Errors: those of reading weights; bad_argument.
  tinyfiqa::Result<std::shared_ptr<const tinyfiqa::Model>> read_detector(
      const tinyfiqa::Backend& backend) const;
  /// A finder for each of `count` threads, with `threads` threads each. None for FaceChoice::whole. Errors: those of
  /// read_detector() and FaceDetector::create().
  tinyfiqa::Result<std::vector<std::unique_ptr<FaceFinder>>> finders(const tinyfiqa::Backend& backend,
                                                                     std::size_t count, int threads) const;
  /// The options of each of several detectors that work side by side with this many threads each.
  tinyfiqa::DetectorOptions with_threads(int threads) const;
};
