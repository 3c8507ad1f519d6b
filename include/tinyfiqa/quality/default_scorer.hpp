// A scorer that needs no weight file: tinyFQnet with built-in weights.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/weights/tinyfqnet.hpp>

#include <memory>
#include <utility>

TINYFIQA_BEGIN

/// The built-in tinyFQnet. (An error here would be a bug of the library.)
inline Result<Model> default_model(const Backend& backend = native_backend()) {
  const auto file = read_safetensors(FileBytes{"the built-in weights", tinyfqnet_weights(), nullptr});
  if (!file) return file.status();
  return make_model(*file, tinyfqnet_spec, backend);
}

/// A scorer of the built-in tinyFQnet. Errors: those of Scorer::create().
///
///   auto scorer = default_scorer();
///   auto score = scorer->score("photo.jpg", crop);   // score->quality, score->band
inline Result<Scorer> default_scorer(const ScoreOptions& options = {}) {
  auto model = default_model();
  if (!model) return model.status();
  return Scorer::create({std::make_shared<const Model>(std::move(*model))}, options);
}

TINYFIQA_END
