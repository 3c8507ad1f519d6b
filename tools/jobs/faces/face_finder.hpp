// Finds the faces of images, for commands that score or list them.
#pragma once

#include <tinyfiqa/detection/photo_scorer.hpp>

#include "decoders/photo.hpp"
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

  /// The faces that --face and --smallest-face choose, largest first. `scale`: pixels of the photo for each of the
  /// image, which may be a reduced photo. Errors: no_face; those of FaceDetector::detect().
  tinyfiqa::Result<std::vector<FoundFace>> find(const tinyfiqa::ImageView& image, double scale = 1);
  double seconds = 0;  ///< spent in find()

  /// The longer side at which a photo is large enough for find(); 0 for the full size.
  int decoded_side() const { return detector_.options().tiles ? 0 : detector_.options().longest_side; }

 private:
  FaceFinder(tinyfiqa::FaceDetector detector, FaceChoice choice, float smallest_face)
      : detector_(std::move(detector)), choice_(choice), smallest_face_(smallest_face) {}

  tinyfiqa::FaceDetector detector_;
  FaceChoice choice_;
  float smallest_face_;  ///< in pixels of the photo
};

/// A face of a decoded photo in pixels of the full photo.
tinyfiqa::Face in_full_photo(const Photo& photo, tinyfiqa::Face face);
/// The reverse: a face of the full photo in pixels of a decoded photo, which may be a part.
tinyfiqa::Face in_decoded_photo(const Photo& photo, tinyfiqa::Face face);
