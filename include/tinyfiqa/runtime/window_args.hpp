// The sizes of a step whose kernel slides a window over a map: convolutions and poolings.
#pragma once

#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_BEGIN

/// Fills what the argument structs of such kernels have in common.
template <class Args>
TINYFIQA_INLINE void set_window(const Step& s, Args& a) {
  a.n = s.x.extents.n;
  a.h = s.x.extents.h;
  a.w = s.x.extents.w;
  a.out_h = s.y.extents.h;
  a.out_w = s.y.extents.w;
  a.window = s.window;
  a.stride = s.stride;
  a.padding = s.padding;
  a.x_pixel_stride = s.x.pixel_stride;
}

TINYFIQA_END
