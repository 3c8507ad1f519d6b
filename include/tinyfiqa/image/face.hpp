// A face in an image, as a detector finds it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/align.hpp>

#include <algorithm>
#include <cmath>

TINYFIQA_BEGIN

/// A rectangle in pixels, x to the right, y down. It may reach beyond the image.
struct FaceBox {
  float x = 0, y = 0, width = 0, height = 0;

  float area() const { return width * height; }
  float centre_x() const { return x + width / 2; }
  float centre_y() const { return y + height / 2; }
};

/// The average landmarks in a box around a face (box_template), for faces whose landmarks are not known. The box may
/// have any aspect: a box of the usual aspect with the same centre and the same area takes its place. NaN for a box of
/// negative width or height.
inline Landmarks average_landmarks(const FaceBox& box) {
  const double width = std::sqrt(double{box.width} * double{box.height} / box_template_aspect);
  const double height = box_template_aspect * width;
  Landmarks points;
  for (int i = 0; i < 5; ++i) {
    points.x[i] = static_cast<float>(double{box.centre_x()} + (box_template[i][0] - 0.5) * width);
    points.y[i] = static_cast<float>(double{box.centre_y()} + (box_template[i][1] - 0.5) * height);
  }
  return points;
}

/// A face in an image. Coordinates are pixels of the image; pixel centres are at half coordinates.
struct Face {
  FaceBox box;
  Landmarks landmarks;
  float confidence = 0;  ///< of the detector, 0..1
};

/// What the column `note` of a table says of an image that is the face as a whole, so that no landmarks are used.
inline constexpr const char* aligned_crop_note = "aligned crop";  ///< found by a detector
inline constexpr const char* whole_image_note = "whole image";    ///< by decision

/// Intersection over union of two boxes, 0..1; 0 if both are empty.
inline float box_iou(const FaceBox& a, const FaceBox& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (!(width > 0) || !(height > 0)) return 0;
  const float both = width * height, either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

TINYFIQA_END
