// A quantiser that has seen random images.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <utility>
#include <vector>

/// With four images of side x side.
inline tinyfiqa::Quantiser quantiser_of_noise(const tinyfiqa::Model& floats, int side,
                                              const tinyfiqa::QuantiseOptions& options = {}) {
  auto quantiser = tinyfiqa::Quantiser::create(floats, side, side, options);
  REQUIRE_MESSAGE(quantiser.ok(), quantiser.status().message());
  tinyfiqa::Rng rng(2);
  for (int image = 0; image < 4; ++image) {
    std::vector<unsigned char> levels(static_cast<std::size_t>(side * side * 3));
    for (unsigned char& level : levels) level = static_cast<unsigned char>(rng.below(256));
    quantiser->add(levels);
  }
  return std::move(*quantiser);
}
