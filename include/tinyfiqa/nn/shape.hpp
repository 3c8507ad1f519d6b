// How large the value of an operation is.
#pragma once

#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/nn/graph.hpp>

#include <initializer_list>

TINYFIQA_BEGIN

/// Extents of the value of `op` from those of its inputs (or of the network's input). n is 0 when a window
/// does not fit its map.
inline Extents op_extents(const Op& op, const Extents& a, const Extents& b) {
  Extents e = a;
  if (op.kind == OpKind::custom) {
    e = op.custom->size(a, b);
    if (e.c == 0) e.c = op.channels;
    return e;
  }
  if (op.kind == OpKind::mean_hw) e.h = e.w = 1;
  if (op.kind == OpKind::conv || op.kind == OpKind::max_pool) {
    for (int* size : {&e.h, &e.w}) {
      const long long span = static_cast<long long>(*size) + 2 * op.padding - op.window;
      if (span < 0) return {};
      *size = static_cast<int>(span / op.stride) + 1;
    }
  }
  e.c = op.channels;
  return e;
}

TINYFIQA_END
