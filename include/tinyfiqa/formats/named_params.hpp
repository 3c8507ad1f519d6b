// A network's parameters as a list, so that readers and writers need not be templates.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/param.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

TINYFIQA_BEGIN

/// A parameter with its PyTorch name.
struct NamedParam {
  std::string name;
  Param param;
};

/// All parameters of a network, numbered, in PyTorch's order.
template <class Net>
std::vector<NamedParam> list_params(Net net) {
  number_params(net);
  std::vector<NamedParam> params;
  for_each_param(net, [&](const char* name, const Param& param) { params.push_back({name, param}); });
  return params;
}

/// How many floats the block of these parameters has.
inline std::size_t block_size(const std::vector<NamedParam>& params) {
  std::size_t size = 0;
  for (const auto& p : params)
    size = std::max(size, static_cast<std::size_t>(p.param.offset + p.param.size()));
  return size;
}

/// The part of the block that a parameter owns.
template <class T>
Span<T> param_values(Span<T> block, const Param& param) {
  return Span<T>(block.data + param.offset, static_cast<std::size_t>(param.size()));
}

TINYFIQA_END
