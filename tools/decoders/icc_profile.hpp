// Recognises the profiles that need no conversion.
#pragma once

#include <tinyfiqa/base/span.hpp>

/// Whether an ICC profile is sRGB, by its primaries and curves and not by its name: at most one level off.
bool is_srgb(tinyfiqa::Bytes icc);
