// A face that a detector found, and lists of faces.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/align.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// A rectangle in pixels, x to the right, y down. It may reach beyond the image.
struct FaceBox {
  float x = 0, y = 0, width = 0, height = 0;

  float area() const { return width * height; }
  float centre_x() const { return x + width / 2; }
  float centre_y() const { return y + height / 2; }
};

/// A face in an image. Coordinates are pixels of the image; pixel centres are at half coordinates.
struct Face {
  FaceBox box;
  Landmarks landmarks;
  float confidence = 0;  ///< of the detector, 0..1
};

/// Intersection over union of two boxes, 0..1; 0 if both are empty.
inline float box_iou(const FaceBox& a, const FaceBox& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (!(width > 0) || !(height > 0)) return 0;
  const float both = width * height, either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

/// A list of at most `capacity` faces: if it is full, the one with the lowest confidence makes room. Allocates only
/// when it is made.
class FaceList {
 public:
  explicit FaceList(std::size_t capacity) : capacity_(capacity) { faces_.reserve(capacity); }

  void clear() { faces_.clear(); }
  std::size_t size() const { return faces_.size(); }
  const Face& operator[](std::size_t i) const { return faces_[i]; }
  Face& operator[](std::size_t i) { return faces_[i]; }
  Span<const Face> faces() const { return {faces_.data(), faces_.size()}; }

  void add(const Face& face) {
    if (capacity_ == 0) return;
    if (faces_.size() == capacity_) {
      if (!is_better(face, faces_.front())) return;
      std::pop_heap(faces_.begin(), faces_.end(), is_better);
      faces_.pop_back();
    }
    faces_.push_back(face);
    std::push_heap(faces_.begin(), faces_.end(), is_better);
  }

  /// Greedy non-maximum suppression: goes through the faces from the highest confidence down and keeps those whose
  /// IoU with every face kept before is at most `most_overlap`. The list is sorted afterwards; add no faces to it
  /// before clear().
  void suppress(float most_overlap) {
    std::sort(faces_.begin(), faces_.end(), is_better);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < faces_.size(); ++i) {
      bool apart = true;
      for (std::size_t k = 0; apart && k < kept; ++k)
        apart = box_iou(faces_[i].box, faces_[k].box) <= most_overlap;
      if (apart) faces_[kept++] = faces_[i];
    }
    faces_.resize(kept);
  }

 private:
  /// By confidence; places decide between equal ones, so that the result does not depend on the order of adding.
  static bool is_better(const Face& a, const Face& b) {
    if (a.confidence != b.confidence) return a.confidence > b.confidence;
    if (a.box.y != b.box.y) return a.box.y < b.box.y;
    return a.box.x < b.box.x;
  }

  std::size_t capacity_;
  std::vector<Face> faces_;
};

TINYFIQA_END
