// Decodes JPEG with libjpeg-turbo: scaled down and in parts, so that little memory is needed.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/resize.hpp>

#include "decoders/photo.hpp"
#include "decoders/stored_photo.hpp"

/// The whole photo (`part` null), or the part of it in a box of the upright photo. Errors: those of
/// decode_part().
tinyfiqa::Result<StoredPhoto> decode_jpeg(tinyfiqa::Bytes file, const tinyfiqa::Box* part,
                                          const DecodeRequest& request);
