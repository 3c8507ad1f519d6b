// The pixels in which a face of a photo is scored.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/face.hpp>

#include "decoders/photo.hpp"

#include <optional>

/// A face, and the image that shows it with enough pixels: the decoded photo, or a part that was decoded again.
struct FacePixels {
  tinyfiqa::Face face;        ///< in pixels of image()
  std::optional<Photo> part;  ///< the face's surroundings, if the photo was decoded too small

  const tinyfiqa::Image& image(const Photo& photo) const { return part ? part->image : photo.image; }
};

/// Decodes the face's surroundings again if `photo` is a reduced one and the face has too few pixels in it.
/// `face`: in pixels of the decoded photo. `side`: Scorer::wanted_crop_side(). Errors: those of decode_part().
tinyfiqa::Result<FacePixels> face_pixels(const Photo& photo, tinyfiqa::Bytes file, const tinyfiqa::Face& face,
                                         int side);

/// A face of a decoded photo in pixels of the full photo.
tinyfiqa::Face in_full_photo(const Photo& photo, tinyfiqa::Face face);
/// The reverse: a face of the full photo in pixels of a decoded photo, which may be a part.
tinyfiqa::Face in_decoded_photo(const Photo& photo, tinyfiqa::Face face);
