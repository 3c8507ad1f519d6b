// The built-in tinyFQnet, the smallest network: a fifth of the default one's parameters, and a third of its time
// for each view of the image.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/weights/tinyfqnet.hpp>

TINYFIQA_BEGIN

/// tinyFQnet with the weights that come with the library. (An error here would be a bug of the library.)
///
///   auto scorer = Scorer::create({std::make_shared<const Model>(*tinyfqnet_model())});
inline Result<Model> tinyfqnet_model(const Backend& backend = native_backend_for<TinyFQnet>()) {
  const auto file = read_safetensors(FileBytes{"the built-in weights", tinyfqnet_weights(), nullptr});
  if (!file) return file.status();
  return make_model(*file, tinyfqnet_spec, backend);
}

TINYFIQA_END
