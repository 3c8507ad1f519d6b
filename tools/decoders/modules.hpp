// Finds and loads decoder modules.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "decoders/module.hpp"

/// A module and the library that it needs.
enum class Module : unsigned char { webp, heif, tiff, colour };

/// The module's function, loaded at the first call: from ../lib/tinyfiqa beside the folder of the program, or from
/// tinyfiqa beside the shared library (libtinyfiqa) that the decoders are in.
/// `what` begins the message: "HEIC". Errors: unsupported, if the module was not built or can't be loaded.
tinyfiqa::Result<DecodeFunction*> decode_function(Module module, const char* what);
tinyfiqa::Result<const ColourFunctions*> colour_functions(const char* what);
