// A scorer of photos that needs no weight file: the built-in detector and the default network.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/detection/photo_scorer.hpp>
#include <tinyfiqa/quality/default_model.hpp>

#include <memory>
#include <utility>

TINYFIQA_BEGIN

/// Finds faces with the built-in detector and scores them with default_model(). Errors: those of
/// FaceDetector::create() and Scorer::create().
///
///   auto scorer = default_scorer();
///   auto score = scorer->score("photo.jpg");   // the largest face: score->quality, score->band, score->face
inline Result<PhotoScorer> default_scorer(const ScoreOptions& options = {},
                                          const DetectorOptions& detection = {}) {
  auto detector = default_detector(detection);
  if (!detector) return detector.status();
  auto model = default_model();
  if (!model) return model.status();
  auto scorer = Scorer::create({std::make_shared<const Model>(std::move(*model))}, options);
  if (!scorer) return scorer.status();
  return PhotoScorer(std::move(*detector), std::move(*scorer));
}

TINYFIQA_END
