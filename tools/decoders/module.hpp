// What the tool and a decoder module know of each other. A module is a shared library that is loaded when the
// first file appears that needs it, so that a program that never sees a HEIC file never loads libheif.
// Only plain types: a module shares no C++ library with the program.
#pragma once

#include <cstddef>
#include <cstdio>

/// Why a module gives no image.
enum ModuleFailure : int {
  module_done = 0,
  module_damaged,        ///< `message` says what
  module_unsupported,    ///< `message` says what
  module_refused,        ///< by allocate()
  module_out_of_memory,  ///< in the module's library
  module_invisible,      ///< every pixel is transparent
};

/// A file to decode, and what the module tells of it.
struct ModuleImage {
  const unsigned char* file;
  std::size_t file_bytes;
  /// 0, or: the image may be smaller than the file says, as long as its longer side has this many pixels.
  int longest_side;

  /// Whether an image of that size is within the limits; if not, the module returns module_refused. To be called before
  /// allocate() if an image is cropped from a larger one that is in memory, too.
  bool (*accepts)(void* host, int width, int height);
  /// Returns memory for [height, width, 3], RGB with transparent pixels on white, or null if the full size is above the limits; the module
  /// then returns module_refused. To be called once, before anything large is allocated. An image smaller
  /// than the full size covers it completely.
  unsigned char* (*allocate)(void* host, int full_width, int full_height, int width, int height);
  /// Takes a copy of the embedded ICC profile.
  void (*take_profile)(void* host, const unsigned char* icc, std::size_t bytes);
  void* host;

  int orientation;     ///< as in EXIF, 1..8; 1 unless the module sets it
  bool grey;           ///< red, green and blue are equal
  float primaries[8];  ///< x and y of red, green, blue and white; zeros if an ICC profile or nothing says it
  char message[200];   ///< of a failure, from the module's library
};

/// For modules: keeps the reason of a failure.
inline ModuleFailure fail(ModuleImage& image, ModuleFailure failure, const char* why) {
  std::snprintf(image.message, sizeof image.message, "%.199s", why);
  return failure;
}

/// A module that decodes has this function under the name below.
using DecodeFunction = ModuleFailure(ModuleImage* image);
#define TINYFIQA_DECODE_FUNCTION tinyfiqa_decode_2

/// The colours of 8-bit pixels.
enum ModulePixels : int {
  pixels_grey,           ///< three equal bytes
  pixels_rgb,            ///< three bytes
  pixels_cmyk,           ///< four bytes, 255 is full ink
  pixels_cmyk_inverted,  ///< four bytes, 0 is full ink, as Adobe writes them
};

/// The module that converts colours.
struct ColourFunctions {
  /// The conversion from an ICC profile or, without one, from primaries with sRGB's curve, to sRGB. Null if
  /// the profile is damaged or for other pixels.
  void* (*open)(const unsigned char* icc, std::size_t bytes, const float* primaries, ModulePixels pixels);
  /// `out` has three bytes a pixel; it may be `in` if that has three, too.
  void (*convert)(void* conversion, const unsigned char* in, unsigned char* out, std::size_t pixels);
  void (*close)(void* conversion);
};
using ColourFunction = const ColourFunctions*();
#define TINYFIQA_COLOUR_FUNCTION tinyfiqa_colour_1

#define TINYFIQA_FUNCTION_NAME_(x) #x
#define TINYFIQA_FUNCTION_NAME(x) TINYFIQA_FUNCTION_NAME_(x)
