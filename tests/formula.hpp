// Numbers by a formula that tests/fixtures/make_model_fixtures.py knows too, so that fixtures need not hold
// weights.
#pragma once

#include <tinyfiqa/formats/named_params.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

/// numbers() there: floats in [-1, 1) by hashing their place.
inline std::vector<float> formula_floats(std::uint32_t seed, std::size_t count) {
  std::vector<float> v(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761u + seed * 40503u;
    x = (x ^ (x >> 15u)) * 2246822519u;
    x = (x ^ (x >> 13u)) * 3266489917u;
    x ^= x >> 16u;
    v[i] = static_cast<float>(x >> 8u) * (1.0f / 8388608.0f) - 1.0f;
  }
  return v;
}

/// fill() there: a network's block, batch-norm statistics far from 0 and 1.
inline std::vector<float> formula_params(const std::vector<tinyfiqa::NamedParam>& params) {
  using tinyfiqa::ParamKind;
  std::vector<float> block(tinyfiqa::block_size(params));
  std::uint32_t seed = 0;
  for (const auto& p : params) {
    const auto u = formula_floats(++seed, static_cast<std::size_t>(p.param.size()));
    const bool around_one = p.param.kind == ParamKind::running_var || p.param.kind == ParamKind::norm_weight;
    const double spread = std::sqrt(4.8 / (p.param.size() / p.param.extents[0]));
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double x = static_cast<double>(u[i]);
      const double value = around_one ? 1 + 0.5 * x : p.param.rank == 1 ? 0.2 * x : x * spread;
      block[static_cast<std::size_t>(p.param.offset) + i] = static_cast<float>(value);
    }
  }
  return block;
}
