// The parameters of a network as a list. Readers and writers that use the list need not be templates.
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

/// All parameters of a network in PyTorch's order, with their offsets in the parameter block.
template <class Net>
std::vector<NamedParam> list_params(Net net) {
  number_params(net);
  std::vector<NamedParam> params;
  for_each_param(net, [&](const char* name, const Param& param) { params.push_back({name, param}); });
  return params;
}

/// The size of the block of these parameters, in floats.
inline std::size_t block_size(const std::vector<NamedParam>& params) {
  std::size_t size = 0;
  for (const auto& p : params)
    size = std::max(size, static_cast<std::size_t>(p.param.offset + p.param.size()));
  return size;
}

/// The floats of the block that these parameters take, of the trainable ones or of the running statistics: from the first
/// float to behind the last one.
struct ParamRange {
  std::size_t first = 0, last = 0;
};
inline ParamRange range_of(const std::vector<NamedParam>& params, bool trainable) {
  ParamRange range;
  for (const auto& p : params) {
    if (is_trainable(p.param.kind) != trainable) continue;
    const auto first = static_cast<std::size_t>(p.param.offset);
    if (range.last == 0 || first < range.first) range.first = first;
    range.last = std::max(range.last, first + static_cast<std::size_t>(p.param.size()));
  }
  return range;
}

/// The values of one parameter in the block: param.size() elements.
template <class T>
Span<T> param_values(Span<T> block, const Param& param) {
  return Span<T>(block.data + param.offset, static_cast<std::size_t>(param.size()));
}

TINYFIQA_END
