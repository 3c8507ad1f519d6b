// Photos with a face: of this repository, and of the reference data.
#pragma once

#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/read.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

/// A photo and a face in it.
struct PhotoFace {
  tinyfiqa::Image photo;
  tinyfiqa::Face face;
};

inline PhotoFace example_face() {
  using namespace tinyfiqa;
  auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  Face face;
  face.landmarks = {{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
  face.box = {38, 22, 84, 116};
  return {std::move(*photo), face};
}

/// Every n-th face of a table with landmarks and boxes, so that `count` of them come.
inline std::vector<PhotoFace> faces_of(const std::string& csv, const std::string& folder, std::size_t count) {
  using namespace tinyfiqa;
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

/// 210 faces of three collections, 70 of each; none if TINYFIQA_REFERENCE_DIR does not name them.
inline std::vector<PhotoFace> reference_faces() {
  const std::string data = reference_dir() + "/data/";
  if (reference_dir().empty() || !std::ifstream(data + "people/landmarks.csv")) return {};
  std::vector<PhotoFace> faces = faces_of(data + "lfw_landmarks.csv", data, 70);
  for (const auto& [csv, folder] :
       {std::pair{"celeba_landmarks.csv", ""}, {"people/landmarks.csv", "people/"}})
    for (PhotoFace& f : faces_of(data + csv, data + folder, 70)) faces.push_back(std::move(f));
  REQUIRE(faces.size() == 210);
  return faces;
}
