// The built-in network that scores by default: tinyfqnet_m.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/weights/tinyfqnet_m.hpp>

TINYFIQA_BEGIN

/// tinyfqnet_m with the weights that come with the library. (An error here would be a bug of the library.)
inline Result<Model> default_model(
    const Backend& backend = native_backend_for<TinyFQFamily<TinyFQTableM>>()) {
  const auto file = read_safetensors(FileBytes{"the built-in weights", tinyfqnet_m_weights(), nullptr});
  if (!file) return file.status();
  return make_model(*file, tinyfqnet_m_spec, backend);
}

TINYFIQA_END
