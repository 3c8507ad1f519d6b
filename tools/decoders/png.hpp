// Decodes PNG as the library does, with its colour profile.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>

#include "decoders/stored_photo.hpp"

/// A damaged profile, and one beside which the file says sRGB, counts as none. Errors: those of decode_image().
tinyfiqa::Result<StoredPhoto> decode_png(tinyfiqa::Bytes file, std::size_t max_pixels);
