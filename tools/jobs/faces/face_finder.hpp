// Finds the faces of images.
#pragma once

#include <tinyfiqa/detection/photo_scorer.hpp>

#include "jobs/faces/found_face.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

/// The detector of one thread.
class FaceFinder {
 public:
  /// `smallest_face`: the least height of a face, in pixels of the photo. (The detector may see a reduced photo, so its
  /// own limit has to be 0.)
  FaceFinder(tinyfiqa::FaceDetector detector, FaceChoice choice, float smallest_face)
      : detector_(std::move(detector)), choice_(choice), smallest_face_(smallest_face) {}

  /// The faces that were chosen, largest first. `scale`: pixels of the photo for each of the
  /// image, which may be a reduced photo. Errors: those of FaceDetector::detect().
  tinyfiqa::Result<std::vector<FoundFace>> find(const tinyfiqa::ImageView& image, double scale = 1);
  double seconds = 0;  ///< spent in find()

  /// If only the largest face is wanted: the area of the second largest that the last find() saw, in pixels of its
  /// image. None if all are wanted: they do not disturb each other then.
  std::optional<float> largest_other() const {
    return choice_ == FaceChoice::largest ? std::optional<float>(detector_.largest_other()) : std::nullopt;
  }

  /// The longer side at which a photo is large enough for find(); 0 for the full size.
  int decoded_side() const { return detector_.options().tiles ? 0 : detector_.options().longest_side; }

 private:
  tinyfiqa::FaceDetector detector_;
  FaceChoice choice_;
  float smallest_face_;  ///< in pixels of the photo
};
