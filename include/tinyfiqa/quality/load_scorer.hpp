// A scorer of one weight file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <memory>
#include <string>
#include <utility>

TINYFIQA_BEGIN

/// A scorer with one network from a safetensors file. Errors: those of load_model() and Scorer::create().
///
///   auto scorer = load_scorer("weights/tinyfqnet.safetensors");
///   auto score = scorer->score("face.jpg");
inline Result<Scorer> load_scorer(const std::string& path, const ScoreOptions& options = {}) {
  auto model = load_model(path, "", native_backend(), Use::run);
  if (!model) return model.status();
  return Scorer::create({std::make_shared<const Model>(std::move(*model))}, options);
}

TINYFIQA_END
