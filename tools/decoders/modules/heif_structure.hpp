// What a HEIC or AVIF file makes its photo of. libheif builds whatever a file says: a grid that is a tile of itself, ten
// thousand copies of an empty overlay, an image that is turned two hundred times. Such work decodes nothing, so the budget
// of the codecs (heif_codecs.hpp) does not end it.
#pragma once

#include <cstddef>

/// Null, or why the file asks for more work than any photo needs. A file that is damaged may pass: libheif refuses it.
const char* excessive_structure(const unsigned char* file, std::size_t bytes);
