// Scores faces in WebAssembly: the functions that a page or a program of JavaScript calls. native.cpp calls them on this
// machine, to compare. All are for one thread.
#include "score_face.hpp"

#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

std::optional<tinyfiqa::Scorer> scorer;
std::vector<unsigned char> pixels;
std::string problem;
float raw_score = 0;

tinyfiqa::Result<tinyfiqa::Scorer> make_scorer() {
  auto model = tinyfiqa::tinyfqnet_model();
  if (!model) return model.status();
  return tinyfiqa::Scorer::create({std::make_shared<const tinyfiqa::Model>(std::move(*model))});
}

}  // namespace

unsigned char* tinyfiqa_pixels(int height, int width) {
  const bool fits = height > 0 && width > 0 && height <= 16384 && width <= 16384;
  pixels.resize(fits ? static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3 : 0);
  return fits ? pixels.data() : nullptr;
}

float tinyfiqa_score(int height, int width) {
  raw_score = 0;
  if (!scorer) {
    auto made = make_scorer();
    if (!made) return problem = made.status().message(), -1.0f;
    scorer = std::move(*made);
  }
  const auto bytes = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3;
  if (height <= 0 || width <= 0 || pixels.size() != bytes)
    return problem = "ask tinyfiqa_pixels() for an image of this size first", -1.0f;
  tinyfiqa::ImageView face;
  face.data = pixels.data();
  face.height = height;
  face.width = width;
  face.row_stride = std::ptrdiff_t{width} * 3;
  const auto score = scorer->score(face);
  if (!score) return problem = score.status().message(), -1.0f;
  problem.clear();
  raw_score = score->value;
  return score->quality;
}

float tinyfiqa_raw_score() { return raw_score; }
double tinyfiqa_network_seconds() { return scorer ? scorer->time().network_s : 0.0; }
const char* tinyfiqa_error() { return problem.c_str(); }
