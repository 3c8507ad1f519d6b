// Explains the faces that `score` scores.
#pragma once

#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/preprocess.hpp>

#include "decoders/photo.hpp"
#include "jobs/faces/found_face.hpp"

#include <optional>

/// The explainer of one thread.
class FaceExplainer {
 public:
  explicit FaceExplainer(const tinyfiqa::Backend& backend) : explainer_(backend) {}

  /// The face that `crop` gives in an image of full size. Only landmarks have a resolution and angles; nothing is known
  /// about the face's place in a photo. Errors: those of whole_pixels() and Explainer.
  tinyfiqa::Result<tinyfiqa::Explanation> explain_crop(const tinyfiqa::ImageView& image,
                                                       const tinyfiqa::Crop& crop);

  /// A face that was found in a decoded photo. What needs pixels is decoded again if the photo was reduced.
  /// `largest_other`: FaceFinder::largest_other(). Errors: those of decode_part() and Explainer.
  tinyfiqa::Result<tinyfiqa::Explanation> explain_found(const Photo& photo, tinyfiqa::Bytes file,
                                                        const FoundFace& found,
                                                        std::optional<float> largest_other);

 private:
  tinyfiqa::Explainer explainer_;
};
