// Labelled images of noise.
#pragma once

#include <tinyfiqa/base/rng.hpp>

#include "run_tool.hpp"

#include <fstream>
#include <string>

/// Writes `count` images of 24 x 24 pixels, with less noise for a higher label, and labels.csv. Returns
/// the folder. `note` goes into a column of that name, if it is not empty.
inline std::string make_noise_images(const std::string& name, int count, const std::string& note = "") {
  const std::string dir = scratch_dir(name);
  std::ofstream csv(dir + "/labels.csv");
  csv << (note.empty() ? "path,score\n" : "path,score,note\n");
  tinyfiqa::Rng rng(7);
  for (int i = 0; i < count; ++i) {
    const float label = static_cast<float>(i % 12) / 12.0f;
    std::string pixels;
    for (int p = 0; p < 24 * 24 * 3; ++p)
      pixels += static_cast<char>(static_cast<unsigned char>(128 + (1 - label) * 120 * rng.uniform(-1, 1)));
    std::ofstream(dir + "/" + std::to_string(i) + ".ppm", std::ios::binary) << "P6\n24 24\n255\n" << pixels;
    csv << i << ".ppm," << label << (note.empty() ? "" : ",") << note << "\n";
  }
  return dir;
}
