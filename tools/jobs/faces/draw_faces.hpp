// Pictures of what a detector found.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <string>
#include <vector>

#include "reports/face_columns.hpp"

/// A face with the text to write at its box.
struct DrawnFace {
  FoundFace found;
  std::string text;
};

/// The image with a box, five points and the text of each face.
tinyfiqa::Image draw_faces(const tinyfiqa::ImageView& image, const std::vector<DrawnFace>& faces);
