// Reads fixtures and compares images.
#pragma once

#include "../support.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

inline std::vector<unsigned char> file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::vector<unsigned char>(std::istreambuf_iterator<char>(in), {});
}

inline tinyfiqa::Image load(const std::string& name) {
  auto image = tinyfiqa::read_image(fixture("image/" + name));
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

struct Difference {
  int max = 256;
  double mean = 256;
};

/// The largest and the mean difference of the levels; 256 if the sizes differ.
inline Difference difference(const tinyfiqa::Image& a, const tinyfiqa::Image& b) {
  Difference d;
  if (a.width != b.width || a.height != b.height || a.rgb.size() != b.rgb.size()) return d;
  d = {0, 0};
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const int delta = std::abs(a.rgb[i] - b.rgb[i]);
    d.max = delta > d.max ? delta : d.max;
    d.mean += delta;
  }
  d.mean /= static_cast<double>(a.rgb.size());
  return d;
}

inline tinyfiqa::Image noise(int width, int height, std::uint64_t seed) {
  tinyfiqa::Image image(width, height);
  tinyfiqa::Rng rng(seed);
  for (auto& level : image.rgb) level = static_cast<unsigned char>(rng.next() >> 24);
  return image;
}

/// Landmarks of an upright face, in pixels.
inline const tinyfiqa::Landmarks upright{{57.3f, 102.3f, 80.0f, 60.0f, 97.3f},
                                         {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
