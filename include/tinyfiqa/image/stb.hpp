// The only header that includes stb_image, which decodes JPEG and inflates PNG. Its functions must be compiled once in a
// program: by a library (CMake's tinyfiqa::tinyfiqa links one), by a source file of yours that defines
// STB_IMAGE_IMPLEMENTATION, or here: define TINYFIQA_IMPLEMENTATION in one source file before it includes tinyfiqa.
//
// Without stb_image.h, or if TINYFIQA_NO_STB is defined, JPEG and PNG are not read; BMP, PGM, PPM and pixels in memory are.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#if !defined(TINYFIQA_NO_STB) && !__has_include(<stb/stb_image.h>) && !__has_include("stb_image.h")
#define TINYFIQA_NO_STB 1
TINYFIQA_NOTE("there is no stb_image.h, so JPEG and PNG are not read; get it, or define TINYFIQA_NO_STB")
#endif

// stb is not written for our warnings.
#ifdef __GNUC__
#define TINYFIQA_STB_BEGIN                                                                                  \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wunused-function\"")                    \
      _Pragma("GCC diagnostic ignored \"-Wunused-parameter\"")                                              \
          _Pragma("GCC diagnostic ignored \"-Wshadow\"") _Pragma("GCC diagnostic ignored \"-Wconversion\"") \
              _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"")                                       \
                  _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define TINYFIQA_STB_END _Pragma("GCC diagnostic pop")
#else
#define TINYFIQA_STB_BEGIN
#define TINYFIQA_STB_END
#endif

#ifndef TINYFIQA_NO_STB
#if defined(TINYFIQA_IMPLEMENTATION) && !defined(STB_IMAGE_IMPLEMENTATION)
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_SUPPORT_ZLIB
#define STBI_NO_STDIO
#define TINYFIQA_STB_IS_HERE
#endif
// Once more, with STB_IMAGE_IMPLEMENTATION defined, would define everything twice.
#if defined(TINYFIQA_STB_IS_HERE) || !defined(STBI_INCLUDE_STB_IMAGE_H)
TINYFIQA_STB_BEGIN
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include "stb_image.h"
#endif
TINYFIQA_STB_END
#endif
#ifdef TINYFIQA_STB_IS_HERE
#undef TINYFIQA_STB_IS_HERE
#undef STB_IMAGE_IMPLEMENTATION
#endif
#endif

TINYFIQA_BEGIN
namespace detail {

/// Why a program without stb_image can't do something. `what`: "JPEG is read", for example.
inline Status without_stb(const char* what) {
  return Status::error(Errc::unsupported, what,
                       " through stb_image, which this program was compiled without; ",
                       "put stb_image.h and stb_image_write.h where the compiler finds them, or give pixels");
}

}  // namespace detail
TINYFIQA_END
