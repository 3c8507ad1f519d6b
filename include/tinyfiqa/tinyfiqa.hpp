// Inference on a hosted CPU: load weights, read a photo, score it.
//
//   auto scorer = tinyfiqa::load_scorer("weights/tinyfqnet.safetensors");
//   if (!scorer) return fail(scorer.status().message());
//   auto score = scorer->score("photo.jpg");
//
// Uses xsimd (base/config.hpp) and stb_image (image/stb.hpp) where they are; PyTorch's own weight files are read by
// <tinyfiqa/formats/weights.hpp>, which needs libzip.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/load_scorer.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/quality/session.hpp>
