// 8-bit maps for networks of random weights, without images to measure.
#pragma once

#include <tinyfiqa/quantisation/value_levels.hpp>

/// Gives all values that can have some the same levels.
inline void give_levels(tinyfiqa::Span<tinyfiqa::Op> ops, tinyfiqa::Span<const int> outputs, int zero = 40) {
  const tinyfiqa::ValueLevels values = tinyfiqa::choose_levels({ops.data, ops.size}, outputs);
  for (std::size_t id = 0; id < ops.size; ++id) {
    if (!values.levels[id]) continue;
    ops[id].dtype = tinyfiqa::DType::u8;
    if (id > 0) ops[id].quant = {0.03f, zero};
  }
}
