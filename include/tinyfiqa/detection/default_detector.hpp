// A detector that needs no weight file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/detection/face_detector.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/weights/detector.hpp>

#include <memory>
#include <utility>

TINYFIQA_BEGIN

/// The built-in detector network. (An error here would be a bug of the library.)
inline Result<Model> default_detector_model(const Backend& backend = native_backend_for<YuNetN>()) {
  const auto file = read_safetensors(FileBytes{"the built-in detector", detector_weights(), nullptr});
  if (!file) return file.status();
  return make_model(*file, yunet_n_spec, backend, Use::run);
}

/// A detector with the built-in weights. Errors: those of FaceDetector::create().
inline Result<FaceDetector> default_detector(const DetectorOptions& options = {}) {
  auto model = default_detector_model();
  if (!model) return model.status();
  return FaceDetector::create(std::make_shared<const Model>(std::move(*model)), options);
}

TINYFIQA_END
