// Networks with weights of the formula.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>
#include "formula.hpp"

#include <algorithm>

inline tinyfiqa::Model formula_model(const tinyfiqa::ModelSpec& spec) {
  tinyfiqa::Model model(spec, *tinyfiqa::choose_backend("scalar"));
  const auto block = formula_params(model.params());
  std::copy(block.begin(), block.end(), model.block().begin());
  return model;
}
