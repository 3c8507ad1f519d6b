// The networks of tests/fixtures/make_detector_fixtures.py with the weights of its formula.
#pragma once

#include <tinyfiqa/quality/session.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "formula.hpp"

/// is_last() there.
inline bool is_last_of_head(const std::string& name) {
  const auto ends_with = [&](const std::string& end) {
    return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  const bool yunet =
      name.find("multi_level_") != std::string::npos && name.find("share") == std::string::npos;
  return (yunet && ends_with("conv2.weight")) || ends_with("conv1x1.weight");
}

/// fill() there: seeds count the sorted names.
inline void fill_detector(tinyfiqa::Model& model) {
  std::vector<const tinyfiqa::NamedParam*> params;
  for (const auto& p : model.params()) params.push_back(&p);
  std::sort(params.begin(), params.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::uint32_t seed = 0;
  for (const auto* p : params) {
    const auto u = formula_floats(++seed, static_cast<std::size_t>(p->param.size()));
    const bool around_one = p->param.kind == tinyfiqa::ParamKind::running_var ||
                            p->param.kind == tinyfiqa::ParamKind::norm_weight;
    const double spread = std::sqrt(4.8 / (p->param.size() / p->param.extents[0]));
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double x = static_cast<double>(u[i]);
      double value = around_one ? 1 + 0.5 * x : p->param.rank == 1 ? 0.2 * x : x * spread;
      if (is_last_of_head(p->name)) value *= 0.02;
      model.block()[static_cast<std::size_t>(p->param.offset) + i] = static_cast<float>(value);
    }
  }
  model.pack();
}

/// The input of the fixtures, [n, h, w, 3].
inline std::vector<float> detector_input(int n, int h, int w) {
  return formula_floats(
      77, static_cast<std::size_t>(n) * static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3);
}
