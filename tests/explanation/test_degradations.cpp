// A degradation of one kind lowers the matching component most. If TINYFIQA_REFERENCE_DIR names the reference data, this
// is also tested on 210 faces of other people.
#include <tinyfiqa/formats/csv.hpp>

#include "explanation/degraded.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

using namespace tinyfiqa;

namespace {

PhotoFace example_face() {
  auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  Face face;
  face.landmarks = {{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
  face.box = {38, 22, 84, 116};
  return {std::move(*photo), face};
}

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

/// Every n-th face of a table with landmarks and boxes, so that `count` of them come.
std::vector<PhotoFace> faces_of(const std::string& csv, const std::string& folder, std::size_t count) {
  const auto table = read_csv(csv);
  REQUIRE_MESSAGE(table.ok(), table.status().message());
  const std::size_t path = table->column("path"), point = table->column("image_left_eye_x"),
                    box = table->column("box_x");
  std::vector<PhotoFace> faces;
  for (std::size_t r = 0; r < table->rows.size(); r += table->rows.size() / count) {
    const auto& fields = table->rows[r].fields;
    const auto number = [&](std::size_t i) { return std::strtof(fields[i].c_str(), nullptr); };
    auto photo = read_image(folder + fields[path]);
    REQUIRE_MESSAGE(photo.ok(), photo.status().message());
    PhotoFace f{std::move(*photo), {}};
    for (std::size_t i = 0; i < 5; ++i) {
      f.face.landmarks.x[i] = number(point + 2 * i);
      f.face.landmarks.y[i] = number(point + 2 * i + 1);
    }
    f.face.box = {number(box), number(box + 1), number(box + 2), number(box + 3)};
    faces.push_back(std::move(f));
    if (faces.size() == count) break;
  }
  return faces;
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
  const std::string data = reference_dir() + "/data/";
  if (reference_dir().empty() || !std::ifstream(data + "people/landmarks.csv")) return;
  std::vector<PhotoFace> faces = faces_of(data + "lfw_landmarks.csv", data, 70);
  for (const auto& [csv, folder] :
       {std::pair{"celeba_landmarks.csv", ""}, {"people/landmarks.csv", "people/"}})
    for (PhotoFace& f : faces_of(data + csv, data + folder, 70)) faces.push_back(std::move(f));
  REQUIRE(faces.size() == 210);
  check_degradations(faces);
}
