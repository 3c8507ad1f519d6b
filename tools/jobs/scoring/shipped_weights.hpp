// Finds the weight files that come with the program but are too large to be compiled in.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>
#include <vector>

/// The file of a network, or both files of "ensemble": share/tinyfiqa/NAME.safetensors or
/// share/tinyfiqa/ensemble/NAME.safetensors beside the program's folder; for 8 bits share/tinyfiqa/i8/NAME.safetensors.
/// Errors: bad_argument, with the last path that was tried.
tinyfiqa::Result<std::vector<std::string>> shipped_weights(const std::string& model, bool eight_bits);
