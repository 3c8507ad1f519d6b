// A degradation of one kind lowers the matching component most. If TINYFIQA_REFERENCE_DIR names the reference data, this
// is also tested on 210 faces of other people.
#include "explanation/degraded.hpp"
#include "photo_faces.hpp"

#include <doctest/doctest.h>

using namespace tinyfiqa;

namespace {

PhotoFace mirrored(const PhotoFace& f) {
  PhotoFace m{apply_view(f.photo, View::hflip), f.face};
  const auto width = static_cast<float>(f.photo.width);
  const int twin[5] = {1, 0, 2, 4, 3};
  for (int i = 0; i < 5; ++i) {
    m.face.landmarks.x[i] = width - f.face.landmarks.x[twin[i]];
    m.face.landmarks.y[i] = f.face.landmarks.y[twin[i]];
  }
  m.face.box.x = width - f.face.box.x - f.face.box.width;
  return m;
}

}  // namespace

TEST_CASE(
    "each degradation of the example face, mirrored and darker too, lowers the matching component most") {
  const PhotoFace face = example_face();
  std::vector<PhotoFace> faces = {face, mirrored(face), face};
  adjust_brightness(faces[2].photo, 0.85f);
  check_degradations(faces);
}

TEST_CASE("each degradation of 210 faces of other people lowers the matching component most") {
  const std::vector<PhotoFace> faces = reference_faces();
  if (!faces.empty()) check_degradations(faces);
}
