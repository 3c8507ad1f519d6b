// Decodes GIF. (stb_image leaves out missing pixels without a word, and draws transparent ones in other colours.)
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>

#include <cstddef>

/// The first image of a GIF, transparent pixels on white. Errors: bad_format (damaged, pixels are missing, wholly
/// transparent), too_large.
tinyfiqa::Result<tinyfiqa::Image> decode_gif(tinyfiqa::Bytes file, std::size_t max_pixels);
