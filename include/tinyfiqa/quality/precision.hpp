// Floats or 8 bits: which of the weights that come with tinyfiqa are taken. The command, C and Python choose by this.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <string_view>

TINYFIQA_BEGIN

/// Whether a network that comes with tinyfiqa gains by 8 bits on this backend: it has 8-bit dot products, with which the
/// network is 1.5 times as fast as in floats or more, and stays within a point of their qualities on average.
inline bool gains_by_eight_bits(std::string_view model, const Backend& backend) {
  const bool dot_products = backend.base != nullptr;  // what such a backend adds to its base
  return dot_products && (model == "tinyfqnet_m" || model == "tinyfqnet_l" || model == "mobilenet_v3_small" ||
                          model == "shufflenet_v2_x0_5" || model == "ensemble");
}

/// Whether to take the 8-bit weights of a network that comes with tinyfiqa. `precision` is what the caller asks for: f32, i8,
/// or auto, which is 8 bits where the network gains by them. `own_weights` is the weight file of the caller; empty: none.
///   Errors: bad_argument for other words, and for i8 and auto beside own weights.
inline Result<bool> takes_eight_bits(std::string_view precision, std::string_view own_weights,
                                     std::string_view model, const Backend& backend) {
  if (precision == "f32") return false;
  const bool by_itself = precision == "auto";
  if (!by_itself && precision != "i8")
    return Status::error(Errc::bad_argument, "precision ", in_quotes(precision), " is not f32, i8 or auto");
  if (!own_weights.empty())
    return Status::error(Errc::bad_argument, "precision ", precision,
                         " is for the weights that come with tinyfiqa; ", own_weights,
                         " has its own (make 8-bit weights of it by tinyfiqa quantize)");
  return !by_itself || gains_by_eight_bits(model, backend);
}

TINYFIQA_END
