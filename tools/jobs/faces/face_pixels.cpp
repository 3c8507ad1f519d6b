#include "jobs/faces/face_pixels.hpp"

#include <tinyfiqa/detection/face_detector.hpp>

#include <cmath>

using namespace tinyfiqa;

namespace {

/// Heights of a face that a part around it has: enough for a loose crop, and for an aligned one however it is turned.
constexpr float part_heights = 2.2f;

/// The surroundings of a face (in pixels of the full photo), decoded so that a loose crop has at least `side` pixels.
Result<Photo> decode_around(Bytes file, const Face& face, int side) {
  const float half = part_heights * face.box.height / 2;
  Box box;
  box.x = static_cast<int>(std::floor(face.box.centre_x() - half));
  box.y = static_cast<int>(std::floor(face.box.centre_y() - half));
  box.width = box.height = static_cast<int>(std::ceil(2 * half));
  DecodeRequest request;
  request.longest_side =
      static_cast<int>(std::ceil(static_cast<float>(side) * part_heights / loose_crop_heights));
  return decode_part(file, box, request);
}

}  // namespace

Result<FacePixels> face_pixels(const Photo& photo, Bytes file, const Face& face, int side) {
  // Decoding again costs more than the network: an enlargement by a quarter is left to the resize.
  const int enough = side * 4 / 5;
  const bool reduced = photo.scale_x > 1.01 || photo.scale_y > 1.01;
  if (!reduced || loose_crop_heights * face.box.height >= static_cast<float>(enough))
    return FacePixels{face, std::nullopt};
  const Face full = in_full_photo(photo, face);
  auto part = decode_around(file, full, enough);
  if (!part) return part.status();
  const Face in_part = in_decoded_photo(*part, full);
  return FacePixels{in_part, std::move(*part)};
}

Face in_full_photo(const Photo& photo, Face face) {
  const auto x = [&](float at) { return static_cast<float>(photo.full_x(double{at})); };
  const auto y = [&](float at) { return static_cast<float>(photo.full_y(double{at})); };
  const float right = x(face.box.x + face.box.width), bottom = y(face.box.y + face.box.height);
  face.box.x = x(face.box.x);
  face.box.y = y(face.box.y);
  face.box.width = right - face.box.x;
  face.box.height = bottom - face.box.y;
  for (int i = 0; i < 5; ++i) {
    face.landmarks.x[i] = x(face.landmarks.x[i]);
    face.landmarks.y[i] = y(face.landmarks.y[i]);
  }
  return face;
}

Face in_decoded_photo(const Photo& part, Face face) {
  const auto x = [&](float& at) { at = static_cast<float>((double{at} - part.left) / part.scale_x); };
  const auto y = [&](float& at) { at = static_cast<float>((double{at} - part.top) / part.scale_y); };
  face.box.width = static_cast<float>(double{face.box.width} / part.scale_x);
  face.box.height = static_cast<float>(double{face.box.height} / part.scale_y);
  x(face.box.x), y(face.box.y);
  for (int i = 0; i < 5; ++i) x(face.landmarks.x[i]), y(face.landmarks.y[i]);
  return face;
}
