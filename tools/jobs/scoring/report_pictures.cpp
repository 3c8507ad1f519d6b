#include "jobs/scoring/report_pictures.hpp"

#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include "decoders/photo.hpp"
#include "jobs/faces/face_pixels.hpp"
#include "jobs/guarded.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/picture_heat.hpp"
#include "options/model_options.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr int smallest_side = 64;

/// The surroundings of a face that a picture shows, in heights (or widths) of its box.
constexpr float shown_boxes = 1.7f;

/// The square around the face, in pixels of the full photo. Coordinates of tables may be anything.
Box surroundings(const FaceBox& face) {
  const auto limited = [](float x) { return std::clamp(x, -1e6f, 1e6f); };
  const float side = std::clamp(shown_boxes * std::max(face.width, face.height), 8.0f, 1e6f);
  Box box;
  box.x = static_cast<int>(std::floor(limited(face.centre_x()) - side / 2));
  box.y = static_cast<int>(std::floor(limited(face.centre_y()) - side / 2));
  box.width = box.height = static_cast<int>(std::ceil(side));
  return box;
}

/// A face of a decoded photo in shares of its image.
Face in_shares(Face face, const Image& image) {
  const auto x = [&](float& at) { at /= static_cast<float>(image.width); };
  const auto y = [&](float& at) { at /= static_cast<float>(image.height); };
  x(face.box.x), x(face.box.width), y(face.box.y), y(face.box.height);
  for (int i = 0; i < 5; ++i) x(face.landmarks.x[i]), y(face.landmarks.y[i]);
  return face;
}

Image at_most(const Image& image, int side) {
  const double scale = double{1} * side / std::max(image.width, image.height);
  if (scale >= 1) return image;
  const auto scaled = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * scale))); };
  return resize_image(image, scaled(image.height), scaled(image.width));
}

/// Encodes with the best quality that fits, and then with fewer pixels.
Status encode(const Image& image, const PictureLimits& limits, FacePicture& picture) {
  for (int side = limits.side;; side = side * 3 / 4) {
    const Image scaled = at_most(image, side);
    for (const int quality : {80, 70, 60, 45, 30}) {
      auto jpeg = encode_jpeg(scaled, quality);
      if (!jpeg) return jpeg.status();
      picture.jpeg = std::move(*jpeg);
      picture.width = scaled.width;
      picture.height = scaled.height;
      if (picture.jpeg.size() <= limits.bytes) return Status();
    }
    if (side * 3 / 4 < smallest_side) return Status();
  }
}

Result<FacePicture> make_picture(const ReportFace& face, const PictureLimits& limits) {
  const auto file = read_photo_file(face.file);
  if (!file) return file.status();
  DecodeRequest request;
  request.longest_side = limits.side;
  const bool part = face.face && face.face->framing == Framing::photo && face.face->face.box.area() > 0;
  const auto photo = part ? decode_part(file->bytes, surroundings(face.face->face.box), request)
                          : decode_photo(file->bytes, request);
  if (!photo) return photo.status();
  FacePicture picture;
  if (face.face) picture.face = in_shares(in_decoded_photo(*photo, face.face->face), photo->image);
  if (const Status s = encode(photo->image, limits, picture); !s) return s;
  return picture;
}

}  // namespace

PictureLimits picture_limits(std::size_t bytes, std::size_t faces) {
  PictureLimits limits;
  limits.bytes = bytes / std::max<std::size_t>(1, faces) / 4 * 3;
  constexpr double bytes_of_pixel = 0.15;  // of faces, as JPEGs of quality 80
  for (const int side : {480, 400, 320, 240, 200, 160, 128, 96, smallest_side}) {
    limits.side = side;
    if (bytes_of_pixel * side * side <= static_cast<double>(limits.bytes)) break;
  }
  return limits;
}

std::size_t add_pictures(Report& report, const PictureLimits& limits, int threads) {
  std::vector<ReportFace>& faces = report.faces;
  std::vector<int> workers(std::min(faces.size(), static_cast<std::size_t>(thread_count(threads))));
  if (faces.empty()) return 0;
  Progress progress(faces.size(), "pictures");
  std::size_t missing = 0;
  const auto work = [&](int, std::size_t i) {
    return guarded(
        faces[i].file, [&] { return make_picture(faces[i], limits); },
        [](const Status& problem) { return Result<FacePicture>(problem); });
  };
  OrderedRun<Result<FacePicture>>(faces.size())
      .start(workers, work, [&](std::size_t i, Result<FacePicture> made) {
        if (made) {
          faces[i].picture = std::move(*made);
          if (faces[i].map) faces[i].heat = picture_heat(*faces[i].map, report.crop, faces[i].picture);
        } else if (faces[i].scored()) {  // an error of scoring says it already
          ++missing;
          faces[i].note += (faces[i].note.empty() ? "" : "; ") +
                           ("no image: " + short_message(made.status(), faces[i].file));
        }
        progress.show(i + 1);
      });
  return missing;
}
