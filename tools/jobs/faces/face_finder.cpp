#include "jobs/faces/face_finder.hpp"

#include "jobs/stopwatch.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

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
  std::sort(found.begin(), found.end(),
            [](const FoundFace& a, const FoundFace& b) { return a.face.box.area() > b.face.box.area(); });
  for (std::size_t i = 0; i < found.size(); ++i) found[i].number = i + 1;
  return found;
}
