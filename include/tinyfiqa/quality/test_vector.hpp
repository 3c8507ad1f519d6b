// Reproducible inputs and the outputs that a network gives for them. A weight file carries these outputs, so
// that a copy of it can be checked on any machine.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/decimal.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The number of inputs. The output for one input alone might hardly depend on the weights.
constexpr int test_vector_inputs = 4;
/// The largest accepted difference of an output, on any instruction set.
constexpr float test_vector_tolerance = 1e-4f;

/// The outputs [test_vector_inputs, C] for the inputs of one seed and size, one output behind the other. Of a map, they are the
/// means over its pixels.
struct TestVector {
  std::uint64_t seed = 1;
  int height = 0, width = 0;
  std::vector<float> outputs;
};

/// The inputs [test_vector_inputs, height, width, 3], already normalised. Each is a chequerboard of 8 x 8
/// cells. Rng(seed, n) draws the colours of input n from [-1, 1), row by row, red green blue:
///   x(n, i, j, c) = cell(n, 8 i / height, 8 j / width, c)     (integer divisions)
inline std::vector<float> test_vector_input(std::uint64_t seed, int height, int width) {
  std::vector<float> x;
  x.reserve(static_cast<std::size_t>(test_vector_inputs) * static_cast<std::size_t>(height) *
            static_cast<std::size_t>(width) * 3);
  for (int n = 0; n < test_vector_inputs; ++n) {
    Rng rng(seed, static_cast<std::uint64_t>(n));
    float cells[8 * 8 * 3];
    for (float& level : cells) level = rng.uniform(-1, 1);
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j) {
        const float* cell = cells + 3 * (8 * (8 * i / height) + 8 * j / width);
        x.insert(x.end(), cell, cell + 3);
      }
  }
  return x;
}

namespace detail {

/// From -1..1 to all levels. Detectors read levels as they are, or nearly: inputs of -1..1 would be black to them.
inline void spread_over_levels(const LevelScale& levels, std::vector<float>& input) {
  for (std::size_t i = 0; i < input.size(); ++i)
    input[i] = (127.5f * (input[i] + 1.0f) - levels.mean[i % 3]) * levels.scale[i % 3];
}

/// Appends the means over the pixels of a map [N, H, W, C]; the numbers themselves if it has one pixel.
inline void append_means(const float* map, const Extents& e, std::vector<float>& means) {
  const auto pixels = static_cast<std::size_t>(e.h) * static_cast<std::size_t>(e.w),
             channels = static_cast<std::size_t>(e.c);
  for (std::size_t image = 0; image < static_cast<std::size_t>(e.n); ++image)
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::size_t p = 0; p < pixels; ++p)
        sum += static_cast<double>(map[(image * pixels + p) * channels + c]);
      means.push_back(static_cast<float>(sum / static_cast<double>(pixels)));
    }
}

}  // namespace detail

/// The outputs of the network for the inputs of v.seed, at the size of `v`. Errors: those
/// of Session::create().
inline Result<std::vector<float>> run_test_vector(const Model& model, const TestVector& v) {
  auto session = Session::create(model, test_vector_inputs, v.height, v.width);
  if (!session) return session.status();
  std::vector<float> input = test_vector_input(v.seed, v.height, v.width);
  if (model.spec().detector != DetectorFamily::none) detail::spread_over_levels(model.input().levels, input);
  const OutputArrays outputs(*session);
  session->run(input.data(), outputs.pointers());
  std::vector<float> means;
  for (int i = 0; i < session->output_count(); ++i)
    detail::append_means(outputs[i], session->output_extents(i), means);
  return means;
}

/// The test vector of this model, at its input size. Errors: those of Session::create(); not_finite.
inline Result<TestVector> make_test_vector(const Model& model, std::uint64_t seed = 1) {
  TestVector v{seed, model.input().height, model.input().width, {}};
  auto outputs = run_test_vector(model, v);
  if (!outputs) return outputs.status();
  v.outputs = std::move(*outputs);
  for (const float y : v.outputs)
    if (!std::isfinite(y))
      return Status::error(Errc::not_finite, model.spec().name, " gives no finite outputs");
  return v;
}

/// The largest difference between the outputs of the model and those of `v`; infinity if one is not finite.
/// Errors: those of Session::create(); mismatch if the number of outputs differs.
inline Result<float> test_vector_error(const Model& model, const TestVector& v) {
  const auto outputs = run_test_vector(model, v);
  if (!outputs) return outputs.status();
  if (outputs->size() != v.outputs.size())
    return Status::error(Errc::mismatch, "the test vector has ", v.outputs.size(), " outputs, ",
                         model.spec().name, " gives ", outputs->size());
  float most = 0;
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    const float error = std::fabs((*outputs)[i] - v.outputs[i]);
    if (!std::isfinite(error)) return std::numeric_limits<float>::infinity();
    most = std::max(most, error);
  }
  return most;
}

/// "seed 1, size 64x64, outputs 0.151 0.354 ...", with nine digits (%.9g), which keep every bit of a float.
inline std::string test_vector_text(const TestVector& v) {
  std::string text = "seed " + std::to_string(v.seed) + ", size " + std::to_string(v.height) + "x" +
                     std::to_string(v.width) + ", outputs";
  for (const float y : v.outputs) text += " " + detail::decimal_text(y, 9);
  return text;
}

/// Reads the text of test_vector_text(). `path` is for messages. Errors: bad_format, naming file and key.
inline Result<TestVector> parse_test_vector(std::string_view text, const std::string& path) {
  const std::string_view whole = text;
  const auto bad = [&] {
    return Status::error(Errc::bad_format, path, ": metadata 'test_vector': ", in_quotes(whole.substr(0, 80)),
                         " is not 'seed S, size HxW, outputs Y Y ..'; calibrate the weights again");
  };
  TestVector v;
  const auto take = [&](std::string_view word) {
    const bool there = text.substr(0, word.size()) == word;
    if (there) text.remove_prefix(word.size());
    return there;
  };
  const auto taken = [&](const std::from_chars_result& read) {
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return read.ec == std::errc();
  };
  if (!take("seed ") || !taken(std::from_chars(text.data(), text.data() + text.size(), v.seed)) ||
      !take(", size "))
    return bad();
  const std::string_view size = text.substr(0, text.find(','));
  if (!parse_input_size(size, v.height, v.width)) return bad();
  text.remove_prefix(size.size());
  if (!take(", outputs")) return bad();
  while (!text.empty()) {
    float y = 0;
    if (!take(" ") || !taken(detail::read_decimal(text, y)) || !std::isfinite(y)) return bad();
    v.outputs.push_back(y);
  }
  if (v.outputs.empty()) return bad();
  return v;
}

TINYFIQA_END
