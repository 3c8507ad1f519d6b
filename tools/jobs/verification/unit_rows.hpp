// Normalised embeddings of faces that are compared in pairs, in bounded memory.
#pragma once

#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/recognition/embedder.hpp>
#include <tinyfiqa/recognition/embedding_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

/// Rows of length 1. Those that were used last are kept: face i has the place i modulo the number of places. For one
/// thread.
class UnitRows {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20u;

  explicit UnitRows(tinyfiqa::EmbeddingRows rows, std::size_t bytes = most_bytes)
      : rows_(std::move(rows)), d_(rows_.dimension()) {
    const std::size_t places = std::clamp<std::size_t>(bytes / sizeof(float) / std::max<std::size_t>(d_, 1),
                                                       1, std::max<std::size_t>(rows_.size(), 1));
    values_.resize(places * d_);
    face_at_.resize(places, std::numeric_limits<std::uint32_t>::max());
    spare_.resize(d_);
  }

  float cosine(std::uint32_t a, std::uint32_t b) {
    const float* x = row(a);
    if (a != b && a % face_at_.size() == b % face_at_.size()) {
      std::copy_n(x, d_, spare_.data());
      x = spare_.data();
    }
    return tinyfiqa::dot_product(x, row(b), d_);
  }

 private:
  /// Valid until a row with the same place is asked for.
  const float* row(std::uint32_t i) {
    const std::size_t place = i % face_at_.size();
    float* const values = values_.data() + place * d_;
    if (face_at_[place] == i) return values;
    rows_.read(i, values);
    tinyfiqa::normalise({values, d_});
    face_at_[place] = i;
    return values;
  }

  tinyfiqa::EmbeddingRows rows_;
  std::size_t d_;
  std::vector<float> values_;           // [places, d]
  std::vector<std::uint32_t> face_at_;  // [places]
  std::vector<float> spare_;            // a row whose place is needed
};
