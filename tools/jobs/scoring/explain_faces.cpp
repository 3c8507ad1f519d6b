#include "jobs/scoring/explain_faces.hpp"

#include <cmath>

#include "jobs/faces/face_pixels.hpp"

using namespace tinyfiqa;

namespace {

/// The side of a loose crop whose face has as many pixels as an aligned one, also if it is tall.
constexpr int explained_side = 240;

/// The photo's own pixels around the middle of a face, which is in pixels of the full photo.
Result<Photo> own_pixels(Bytes file, const Face& face) {
  constexpr int side = Explainer::capture_side + 16;
  Box box;
  box.x = static_cast<int>(std::lround(face.box.centre_x())) - side / 2;
  box.y = static_cast<int>(std::lround(face.box.centre_y())) - side / 2;
  box.width = box.height = side;
  return decode_part(file, box);
}

}  // namespace

Result<Explanation> FaceExplainer::explain_crop(const ImageView& image, const Crop& crop) {
  if (!crop.box && !crop.landmarks) return explainer_.explain_whole(image);
  if (crop.box)
    if (const auto inside = whole_pixels(*crop.box, image.width, image.height); !inside)
      return inside.status();
  Face face;
  face.landmarks = crop.landmarks ? *crop.landmarks : average_landmarks(*crop.box);
  Explanation explanation;
  if (Status s = explainer_.explain_face(image, face.landmarks, explanation); !s) return s;
  explainer_.explain_capture(image, face.landmarks, explanation);
  if (crop.landmarks) explain_landmarks(face, explanation);
  return explanation;
}

Result<Explanation> FaceExplainer::explain_found(const Photo& photo, Bytes file, const FoundFace& found,
                                                 std::optional<float> largest_other) {
  Explanation explanation;
  const auto pixels = face_pixels(photo, file, found.face, explained_side);
  if (!pixels) return pixels.status();
  if (Status s = explainer_.explain_face(pixels->image(photo), pixels->face.landmarks, explanation); !s)
    return s;
  const Face full = in_full_photo(photo, found.face);
  if (photo.scale_x > 1.01 || photo.scale_y > 1.01) {
    const auto own = own_pixels(file, full);
    if (!own) return own.status();
    explainer_.explain_capture(own->image, in_decoded_photo(*own, full).landmarks, explanation);
  } else {
    explainer_.explain_capture(photo.image, found.face.landmarks, explanation);
  }
  explain_landmarks(full, explanation);
  if (found.framing == Framing::photo) explain_place(full, photo.width, photo.height, explanation);
  if (largest_other) explain_others(found.face, *largest_other, explanation);
  return explanation;
}
