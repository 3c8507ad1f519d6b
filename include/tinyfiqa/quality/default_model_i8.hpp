// The built-in network that scores by default in 8 bits. Apart from that in floats, so that a program carries the weights
// that it asks for.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/weights/tinyfqnet_m_i8.hpp>

TINYFIQA_BEGIN

/// default_model() in 8 bits: faster with 8-bit dot products (VNNI), and within a point of its qualities on average. Its
/// backend needs kernels for 8 bits, which that of native_backend_for() has not. It can only be run: its block() is empty.
/// (Another error would be a bug of the library.)
///
///   auto scorer = Scorer::create({std::make_shared<const Model>(*default_model_i8())});
inline Result<Model> default_model_i8(const Backend& backend = native_backend()) {
  const auto file =
      read_safetensors(FileBytes{"the built-in 8-bit weights", tinyfqnet_m_i8_weights(), nullptr});
  if (!file) return file.status();
  return make_model(*file, tinyfqnet_m_spec, backend, Use::run);
}

TINYFIQA_END
