// The nearest centre of another person, for a block of faces at a time.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/recognition/face_label.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// Faces that are labelled together: each centre is loaded into the cache once for all of them.
inline constexpr std::size_t face_block = 64;

/// Compares up to face_block faces with all centres. A thread has its own.
///
///   for blocks of centres, which fit into the level 1 cache
///     for faces of the block
///       the dot products of the face with these centres
class NearestCentre {
 public:
  /// Refers to the centres [people, dimension] and to whether a person has one [people].
  NearestCentre(std::size_t dimension, const LabelOptions& options, const std::vector<float>& centres,
                const std::vector<char>& has_centre)
      : d_(dimension),
        block_(std::clamp<std::size_t>(cache_bytes / sizeof(float) / dimension, 8, most_centres)),
        dot_products_(options.dot_products),
        centres_(centres),
        has_centre_(has_centre),
        faces_(face_block * dimension) {
    people_.reserve(face_block);
    labels_.reserve(face_block);
  }

  void clear() {
    people_.clear();
    labels_.clear();
  }

  /// Adds a face of a person. The caller writes its normalised embedding to the result [dimension]. run() sets
  /// label.nearest_cosine and label.nearest.
  float* add(std::uint32_t person, FaceLabel& label) {
    people_.push_back(person);
    labels_.push_back(&label);
    return faces_.data() + (people_.size() - 1) * d_;
  }

  void run() {
    for (std::size_t first = 0; first < has_centre_.size(); first += block_)
      for (std::size_t f = 0; f < people_.size(); ++f)
        compare(f, first, std::min(block_, has_centre_.size() - first));
  }

 private:
  static constexpr std::size_t cache_bytes = 16384, most_centres = 128;

  /// Compares a face with the centres of some people, in their order: of equal cosines, the first one counts.
  void compare(std::size_t f, std::size_t first, std::size_t count) {
    float cosines[most_centres];
    dot_products_(faces_.data() + f * d_, centres_.data() + first * d_, static_cast<std::ptrdiff_t>(count),
                  static_cast<int>(d_), cosines);
    FaceLabel& l = *labels_[f];
    const auto nearest = static_cast<float>(l.nearest_cosine);  // it is a float
    int nearer = 0;                                             // a loop that compilers vectorise
    for (std::size_t k = 0; k < count; ++k) nearer += !(cosines[k] <= nearest);
    for (std::size_t k = 0; nearer > 0 && k < count; ++k) {
      const auto cosine = double{cosines[k]};
      if (cosine <= l.nearest_cosine || first + k == people_[f] || !has_centre_[first + k]) continue;
      l.nearest_cosine = cosine;
      l.nearest = static_cast<std::uint32_t>(first + k);
    }
  }

  std::size_t d_, block_;
  void (*dot_products_)(const float*, const float*, std::ptrdiff_t, int, float*);
  const std::vector<float>& centres_;
  const std::vector<char>& has_centre_;
  std::vector<float> faces_;           // [face_block, d]
  std::vector<std::uint32_t> people_;  // of the faces
  std::vector<FaceLabel*> labels_;
};

}  // namespace detail
TINYFIQA_END
