// What this library computes of images in the order of ONNX's tensors.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quality/session.hpp>

#include "naive_onnx.hpp"

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

/// Levels of smooth random images, normalised as the network wants it: [n, 3, h, w].
inline naive_onnx::Tensor smooth_images(const tinyfiqa::Model& model, int n, int h, int w) {
  naive_onnx::Tensor x = naive_onnx::zeros({n, 3, h, w});
  const tinyfiqa::LevelScale& levels = model.input().levels;
  tinyfiqa::Rng rng(5);
  for (std::size_t i = 0; i < x.v.size(); ++i) {
    const std::size_t c = naive_onnx::channel(x, i);
    const double wave =
        std::sin(0.2 * static_cast<double>(i % static_cast<std::size_t>(w)) + static_cast<double>(c));
    const float level =
        std::floor(static_cast<float>(110 + 60 * wave + 80 * static_cast<double>(rng.uniform())));
    x.v[i] = (level - levels.mean[c]) * levels.scale[c];
  }
  return x;
}

/// The outputs of a session for images [N, 3, H, W], each in the order [N, C, H, W].
inline std::vector<std::vector<float>> run_session(const tinyfiqa::Model& model,
                                                   const naive_onnx::Tensor& x) {
  auto session = tinyfiqa::Session::create(model, static_cast<int>(x.dim(0)), static_cast<int>(x.dim(2)),
                                           static_cast<int>(x.dim(3)));
  if (!session) throw std::runtime_error(session.status().message());
  // Element i of [N, A, B] goes to [N, B, A].
  const auto transposed = [](const std::vector<float>& from, std::size_t a, std::size_t b) {
    std::vector<float> to(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[(i / (a * b) * b + i % b) * a + i / b % a] = from[i];
    return to;
  };
  const auto nhwc = transposed(x.v, 3, static_cast<std::size_t>(x.dim(2) * x.dim(3)));
  std::vector<std::vector<float>> results(static_cast<std::size_t>(session->output_count()));
  std::vector<float*> pointers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].resize(session->output_floats(static_cast<int>(i)));
    pointers.push_back(results[i].data());
  }
  session->run(nhwc.data(), tinyfiqa::Span<float* const>(pointers.data(), pointers.size()));
  for (std::size_t i = 0; i < results.size(); ++i) {
    const tinyfiqa::Extents e = session->output_extents(static_cast<int>(i));
    results[i] = transposed(results[i], static_cast<std::size_t>(e.h) * static_cast<std::size_t>(e.w),
                            static_cast<std::size_t>(e.c));
  }
  return results;
}
