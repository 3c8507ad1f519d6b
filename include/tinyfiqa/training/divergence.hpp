// What to say about a loss that is NaN or infinite.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/network.hpp>

#include <string>

TINYFIQA_BEGIN
namespace detail {

/// For the error message. `layer`: what Tape::first_not_finite() returned.
inline std::string divergence_text(const NetworkDefinition& network, const Result<int>& layer) {
  if (!layer) return "";
  if (*layer < 0) return " (every layer of the network gives finite numbers)";
  return " (the first layer that gives NaN or infinity is " + operation_name(network, *layer) + ")";
}

}  // namespace detail
TINYFIQA_END
