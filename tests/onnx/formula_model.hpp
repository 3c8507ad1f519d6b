// Networks with weights of the formula, and the sizes at which tests/fixtures/models has their outputs.
#pragma once

#include <tinyfiqa/fiqa/model.hpp>

#include "backends.hpp"
#include "formula.hpp"

#include <algorithm>
#include <array>
#include <string>

inline tinyfiqa::Model formula_model(const tinyfiqa::ModelSpec& spec) {
  tinyfiqa::Model model(spec, *tinyfiqa::choose_backend("scalar"));
  const auto block = formula_params(model.params());
  std::copy(block.begin(), block.end(), model.block().begin());
  return model;
}

struct FixtureSize {
  int n, h, w;
  std::string text() const { return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w); }
};

inline std::array<FixtureSize, 2> fixture_sizes(const tinyfiqa::ModelSpec& spec) {
  if (spec.embeds) return {{{1, 112, 112}, {2, 112, 112}}};
  return {{{1, 64, 64}, {2, 97, 131}}};
}
