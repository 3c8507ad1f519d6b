// Lists of faces, and non-maximum suppression.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/face.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

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

  /// Keeps the face with the largest box; of equal ones the first. Add no faces afterwards, before clear().
  void keep_largest() {
    if (faces_.empty()) return;
    faces_[0] = *std::max_element(faces_.begin(), faces_.end(),
                                  [](const Face& a, const Face& b) { return a.box.area() < b.box.area(); });
    faces_.resize(1);
  }

  /// The area of the second largest box; 0 for fewer than two faces.
  float second_area() const {
    float first = 0, second = 0;
    for (const Face& face : faces_) {
      const float area = face.box.area();
      if (area > first)
        second = first, first = area;
      else
        second = std::max(second, area);
    }
    return second;
  }

  /// Keeps the faces for which keep(face) is true; it may change them. Add no faces afterwards, before clear().
  template <class Keep>
  void keep_if(const Keep& keep) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < faces_.size(); ++i)
      if (keep(faces_[i])) faces_[kept++] = faces_[i];
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
