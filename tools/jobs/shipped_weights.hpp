// Weight files that come with the program: too large to be compiled in, as the default network is.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>
#include <vector>

/// The files of a network, or of both of "ensemble": share/tinyfiqa/ensemble/NAME.safetensors beside the
/// folder that the program is in.   Errors: bad_argument, saying where they were looked for.
tinyfiqa::Result<std::vector<std::string>> shipped_weights(const std::string& model);
