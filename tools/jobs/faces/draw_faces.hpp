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

/// Writes the picture to the folder as a JPEG, under the name of the photo at `path`. Errors: those of
/// write_jpeg(); bad_argument if that is the photo itself.
tinyfiqa::Status write_drawing(const std::string& folder, const std::string& path,
                               const tinyfiqa::ImageView& picture);
/// Errors: cannot_write; those of encode_jpeg().
tinyfiqa::Status write_jpeg(const std::string& path, const tinyfiqa::ImageView& image, int quality);
