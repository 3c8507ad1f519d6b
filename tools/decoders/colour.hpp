// Converts the colours of a file to sRGB.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <memory>

#include "decoders/module.hpp"

/// The conversion from a file's profile to sRGB.
class ColourConversion {
 public:
  ColourConversion() = default;  ///< nothing to convert
  /// From an ICC profile, or from primaries if that is empty (zeros: sRGB). The module for colours is loaded
  /// only if the pixels are not already in sRGB. A profile that is damaged, or for other pixels, counts as
  /// none. Errors: those of colour_functions().
  static tinyfiqa::Result<ColourConversion> create(tinyfiqa::Bytes icc, const float* primaries,
                                                   ModulePixels pixels);

  bool needed() const { return conversion_ != nullptr; }
  /// To be called if needed(). `out` has 3 bytes a pixel; it may be `in` if that has 3, too.
  void convert(const unsigned char* in, unsigned char* out, std::size_t pixels) const {
    functions_->convert(conversion_.get(), in, out, pixels);
  }

 private:
  const ColourFunctions* functions_ = nullptr;
  std::unique_ptr<void, void (*)(void*)> conversion_{nullptr, [](void*) {}};
};
