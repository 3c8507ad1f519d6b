// Checks a GIF before stb_image decodes it.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

/// Checks that all pixels of the first frame are there: stb_image leaves out missing ones without a word.
/// Errors: bad_format.
tinyfiqa::Status check_gif(tinyfiqa::Bytes file);
