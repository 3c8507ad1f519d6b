#include "jobs/faces/face_finder.hpp"

#include "jobs/stopwatch.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

Result<std::vector<std::unique_ptr<FaceFinder>>> FaceFinder::open(const FaceOptions& options,
                                                                  const Backend& backend, std::size_t count,
                                                                  int threads) {
  std::vector<std::unique_ptr<FaceFinder>> finders;
  if (options.choice() == FaceChoice::whole) return finders;
  const auto model = options.read_detector(backend);
  if (!model) return model.status();
  DetectorOptions search = options.with_threads(threads);
  search.smallest_face = 0;  // find() leaves small faces out: the detector may see a reduced photo
  for (std::size_t i = 0; i < count; ++i) {
    auto detector = FaceDetector::create(*model, search);
    if (!detector) return detector.status();
    finders.push_back(std::unique_ptr<FaceFinder>(
        new FaceFinder(std::move(*detector), options.choice(), options.search.smallest_face)));
  }
  return finders;
}

Result<std::vector<FoundFace>> FaceFinder::find(const ImageView& image, double scale) {
  const double start = now_s();
  const auto faces =
      choice_ == FaceChoice::largest ? detector_.detect_largest(image) : detector_.detect(image);
  seconds += now_s() - start;
  if (!faces) return faces.status();
  std::vector<FoundFace> found;
  for (const Face& face : *faces)
    if (double{face.box.height} * scale >= double{smallest_face_})
      found.push_back({1, face, framing_of(face, image.width, image.height)});
  if (found.empty())
    return Status::error(Errc::no_face, "no face found; for a crop of a face use --face whole");
  std::sort(found.begin(), found.end(),
            [](const FoundFace& a, const FoundFace& b) { return a.face.box.area() > b.face.box.area(); });
  for (std::size_t i = 0; i < found.size(); ++i) found[i].number = i + 1;
  return found;
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
