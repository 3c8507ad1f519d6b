// Finds the faces of images, for commands that score or list them.
#pragma once

#include <tinyfiqa/detection/photo_scorer.hpp>

#include "options/face_options.hpp"
#include "reports/face_columns.hpp"

#include <cstddef>
#include <memory>
#include <vector>

/// The detector of one thread.
class FaceFinder {
 public:
  /// One finder for each of `count` threads, with `threads` threads each. No finders for FaceChoice::whole.
  /// Errors: those of FaceOptions::read_detector() and FaceDetector::create().
  static tinyfiqa::Result<std::vector<std::unique_ptr<FaceFinder>>> open(const FaceOptions& options,
                                                                         const tinyfiqa::Backend& backend,
                                                                         std::size_t count, int threads);

  /// The faces that --face chooses, largest first. Errors: no_face; those of FaceDetector::detect().
  tinyfiqa::Result<std::vector<FoundFace>> find(const tinyfiqa::ImageView& image);
  double seconds = 0;  ///< spent in find()

 private:
  FaceFinder(tinyfiqa::FaceDetector detector, FaceChoice choice)
      : detector_(std::move(detector)), choice_(choice) {}

  tinyfiqa::FaceDetector detector_;
  FaceChoice choice_;
};
