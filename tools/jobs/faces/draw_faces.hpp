// Pictures of what a detector found.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <string>
#include <unordered_map>
#include <vector>

#include "reports/face_columns.hpp"

/// A face with the texts to write at its box.
struct DrawnFace {
  FoundFace found;
  std::string text;       ///< above the box
  std::string note = "";  ///< below the box
};

/// The image with a box, five points and the texts of each face.
tinyfiqa::Image draw_faces(const tinyfiqa::ImageView& image, const std::vector<DrawnFace>& faces);

/// The names of the pictures made of photos: "group" of a/group.jpg, or, if several photos are called so, "a_group.jpg".
class PictureNames {
 public:
  PictureNames() = default;
  /// `paths`: of all photos.
  explicit PictureNames(const std::vector<std::string>& paths);
  std::string of(const std::string& path) const;

 private:
  std::unordered_map<std::string, int> stems_;
};

/// Writes the picture to FOLDER/NAME.jpg. `path` is the photo, which is not overwritten. Errors: bad_argument,
/// cannot_write.
tinyfiqa::Status write_drawing(const std::string& folder, const std::string& name, const std::string& path,
                               const tinyfiqa::ImageView& picture);
/// Errors: cannot_write; those of encode_jpeg().
tinyfiqa::Status write_jpeg(const std::string& path, const tinyfiqa::ImageView& image, int quality);
