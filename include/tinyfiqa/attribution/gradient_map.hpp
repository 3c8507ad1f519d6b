// Heat maps by gradients. The face is compared with a blurred copy of itself. The derivative of the score by each level,
// from one backward pass of the tape, times what the level differs from the blurred one, is averaged over noisy faces on
// the way from the blurred face to the face:
//   integrated gradients  (Sundararajan et al. 2017): the values of a map add up to score(face) - score(blurred face)
//   SmoothGrad            (Smilkov et al. 2017): noise, because derivatives of a single image fluctuate
// docs/explanation.md compares this with gradient x input of the face alone.
#pragma once

#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/autograd/training_backend.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/quality/model.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

struct GradientMapOptions {
  int copies = 16;      ///< noisy faces on the way from the blurred face to the face
  float noise = 0.03f;  ///< standard deviation of the noise, as a share of the range of levels (0..255)
  float blur =
      0.0625f;  ///< standard deviation of the blurred face's blur, as a share of the input's shorter side
  std::uint64_t seed = 1;  ///< of the noise
  int threads = 1;
};

/// Makes heat maps of one network. For one thread at a time.
class GradientMapper {
 public:
  /// The model must have its parameters (Use::change). Errors: bad_argument.
  static Result<GradientMapper> create(std::shared_ptr<const Model> model,
                                       const GradientMapOptions& options = {},
                                       const TrainingBackend& backend = native_training_backend()) {
    if (!model->spec().scores)
      return Status::error(Errc::bad_argument, model->spec().name, " gives no quality score");
    if (model->block().empty())
      return Status::error(Errc::bad_argument, model->spec().name,
                           " was loaded for running alone; load it with Use::change");
    const auto share = [](float x) { return x >= 0 && x <= 1; };
    if (options.copies < 1 || !share(options.noise) || !share(options.blur) || options.threads < 1)
      return Status::error(Errc::bad_argument,
                           "a heat map needs at least 1 copy, noise and blur of 0..1, and at least 1 thread");
    return GradientMapper(std::move(model), options, backend);
  }

  /// The map of a face that has the size of the network's input, such as crop_and_resize() gives. The value of a pixel is
  /// what its difference from the blurred face adds to the raw score. Errors: those of to_input() and Tape::forward();
  /// not_finite.
  Result<HeatMap> map(const ImageView& face) {
    const InputSpec& spec = model_->input();
    input_.resize(spec.size());
    if (const Status s = to_input(face, spec, {input_.data(), input_.size()}, model_->backend()); !s)
      return s;
    blur_input();
    const auto score = score_of(input_);
    if (!score) return score.status();
    HeatMap map(spec.height, spec.width);
    map.score = *score;
    Rng rng(options_.seed);
    for (int done = 0; done < options_.copies;) {
      const int count = std::min(batch(), options_.copies - done);
      if (const Status s = add_copies(done, count, rng, map); !s) return s;
      done += count;
    }
    for (float& v : map.values) v /= static_cast<float>(options_.copies);
    return map;
  }

  const Model& model() const { return *model_; }

 private:
  GradientMapper(std::shared_ptr<const Model> model, const GradientMapOptions& options,
                 const TrainingBackend& backend)
      : model_(std::move(model)),
        options_(options),
        params_(model_->block().begin(), model_->block().end()),
        gradient_(params_.size()),
        tape_(std::make_unique<Tape<float>>(model_->network().operations(), model_->network().outputs.main(),
                                            options.threads, *backend.tape)) {
    tape_->differentiate_input();
  }

  /// Copies in one pass: as many as keep the maps in the cache.
  int batch() const {
    constexpr int pixels = 8 * 64 * 64;
    return std::clamp(pixels / (model_->input().height * model_->input().width), 1, options_.copies);
  }

  Result<float> score_of(const std::vector<float>& input) {
    Rng unused(1);
    const InputSpec& spec = model_->input();
    const Status s =
        tape_->forward(params_.data(), input.data(), {1, spec.height, spec.width, 3}, TapeMode::eval, unused);
    if (!s) return s;
    const float score = tape_->output()[0];
    if (!std::isfinite(score))
      return Status::error(Errc::not_finite, model_->spec().name, " gave a score that is not a number");
    return score;
  }

  /// input_ -> blurred_.
  void blur_input() {
    const InputSpec& spec = model_->input();
    blurred_ = input_;
    const auto weights =
        detail::gaussian_weights(options_.blur * static_cast<float>(std::min(spec.height, spec.width)));
    const std::ptrdiff_t row = std::ptrdiff_t{3} * spec.width;
    std::vector<float> line;
    for (int y = 0; y < spec.height; ++y)
      for (int c = 0; c < 3; ++c)
        detail::blur_line(weights, spec.width, 3, blurred_.data() + y * row + c, line);
    for (std::ptrdiff_t i = 0; i < row; ++i)
      detail::blur_line(weights, spec.height, row, blurred_.data() + i, line);
  }

  /// Adds the parts of `count` copies, from number `first` on.
  Status add_copies(int first, int count, Rng& rng, HeatMap& map) {
    const InputSpec& spec = model_->input();
    copies_.clear();
    for (int i = first; i < first + count; ++i) {
      const float way = (static_cast<float>(i) + 0.5f) / static_cast<float>(options_.copies);
      for (std::size_t k = 0; k < input_.size(); ++k) {
        const float noise = 255 * options_.noise * spec.levels.scale[k % 3] * rng.normal();
        copies_.push_back(blurred_[k] + way * (input_[k] - blurred_[k]) + noise);
      }
    }
    Rng unused(1);
    const Status s = tape_->forward(params_.data(), copies_.data(), {count, spec.height, spec.width, 3},
                                    TapeMode::eval, unused);
    if (!s) return s;
    const std::vector<float> ones(static_cast<std::size_t>(count), 1.0f);
    tape_->backward(params_.data(), ones.data(), gradient_.data());
    const std::vector<float> d = tape_->input_gradient();
    for (std::size_t i = 0; i < d.size(); ++i) {
      const std::size_t k = i % input_.size();
      map.values[k / 3] += d[i] * (input_[k] - blurred_[k]);
    }
    return Status();
  }

  std::shared_ptr<const Model> model_;
  GradientMapOptions options_;
  std::vector<float> params_, gradient_;  // backward needs a place for the gradient of the parameters
  std::unique_ptr<Tape<float>> tape_;
  std::vector<float> input_, blurred_, copies_;
};

TINYFIQA_END
