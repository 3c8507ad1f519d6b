// Trains the weights of an 8-bit network further, so that its outputs come nearer to those of the floats that it was made of.
#pragma once

#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

struct FineTuneOptions {
  int epochs = 6;
  int batch = 16;
  double rate = 0.01;  ///< of Adam at first, in steps of the 7-bit weights; it falls to zero along a cosine
  int threads = 1;
  std::uint64_t seed = 1;
  /// Called after each batch with the batches done and all batches; false ends the training.
  std::function<bool(int done, int all)> on_batch;
};

/// Root mean square differences from the floats' outputs, over images that were not trained on.
struct FineTuneReport {
  double before = 0, after = 0;
  int best_epoch = 0;  ///< whose weights were taken; 0: those of before
};

/// The loss is the mean square difference of the outputs. The 8-bit kernels compute the outputs, so every rounding is in the
/// loss. Its gradient is that of the same weights in floats: rounding counts as the identity, the straight-through estimator
/// (Bengio et al. 2013). Each step changes a copy of the weights in floats, which is rounded again for the next batch. The
/// levels of values stay what they are. Every eighth image is not trained on: with these the best epoch is chosen.
class FineTuner {
 public:
  /// `whole` is an 8-bit network of `floats`, as Quantiser makes it. `images` are levels, one behind the other,
  /// [height, width, 3] each; they and both models must outlive the fine-tuner.
  FineTuner(const Model& floats, Model& whole, Span<const unsigned char> images, int height, int width,
            FineTuneOptions options = {})
      : floats_(&floats),
        whole_(&whole),
        images_(images),
        height_(height),
        width_(width),
        options_(std::move(options)) {}

  /// Changes the weights of `whole`. Errors: bad_argument for fewer than 32 images; those of Session::create() and
  /// Tape::forward(). `whole` is then as before.
  Result<FineTuneReport> run(const TrainingBackend& backend = native_training_backend()) {
    const std::size_t image = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * 3;
    const std::size_t count = images_.size / image;
    if (count < 32)
      return Status::error(Errc::bad_argument, "fine-tuning needs at least 32 images, not ", count,
                           "; give more, or do without");
    best_.assign(whole_->block().begin(), whole_->block().end());
    const Status status = train(backend, count);
    std::copy(best_.begin(), best_.end(), whole_->block().begin());
    whole_->pack();
    if (!status) return status;
    return report_;
  }

 private:
  Status train(const TrainingBackend& backend, std::size_t count) {
    const FlushSubnormals flush;
    if (const Status s = compute_targets(count); !s) return s;
    trained_.clear();
    held_out_.clear();
    for (std::size_t i = 0; i < count; ++i) (i % 8 == 7 ? held_out_ : trained_).push_back(i);
    if (const Status s = validate(0); !s) return s;
    measure_units();
    std::vector<float> master(best_.size());
    for (std::size_t i = 0; i < master.size(); ++i)
      if (units_[i] > 0) master[i] = best_[i] / units_[i];
    Optimizer optimizer({}, {{0, master.size(), options_.rate, 0}}, master.size(), backend.adam);
    const NetworkDefinition& network = whole_->network();
    Tape<float> tape(network.operations(), network.outputs.main(), options_.threads, *backend.tape);
    const std::size_t batch =
        std::min(trained_.size(), static_cast<std::size_t>(std::max(1, options_.batch)));
    const std::size_t batches = trained_.size() / batch;  // a last part of one is left out
    const double all = static_cast<double>(batches) * options_.epochs;
    std::size_t done = 0;
    for (int epoch = 1; epoch <= options_.epochs; ++epoch) {
      shuffle(epoch);
      for (std::size_t b = 0; b < batches; ++b) {
        const Span<const std::size_t> rows(trained_.data() + b * batch, batch);
        if (const Status s = step(tape, rows); !s) return s;
        optimizer.step(master, gradient_,
                       (1 + std::cos(3.14159265358979323846 * static_cast<double>(done) / all)) / 2);
        round_to(master);
        ++done;
        if (options_.on_batch && !options_.on_batch(static_cast<int>(done), static_cast<int>(all))) return {};
      }
      if (const Status s = validate(epoch); !s) return s;
    }
    return {};
  }

  /// The floats' outputs for all images.
  Status compute_targets(std::size_t count) {
    std::vector<std::size_t> rows(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    auto outputs = run_network(*floats_, {rows.data(), rows.size()});
    if (!outputs) return outputs.status();
    targets_ = std::move(*outputs);
    outputs_ = targets_.size() / count;
    return {};
  }

  /// The main outputs of a network for these images.
  Result<std::vector<float>> run_network(const Model& model, Span<const std::size_t> rows) {
    constexpr std::size_t most = 16;
    const std::size_t image = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * 3;
    SessionOptions how;
    how.threads = options_.threads;
    how.feed = Feed::levels;
    std::vector<float> all;
    for (std::size_t first = 0; first < rows.size; first += most) {
      const std::size_t n = std::min(most, rows.size - first);
      auto session = Session::create(model, static_cast<int>(n), height_, width_, how);
      if (!session) return session.status();
      std::vector<unsigned char> levels(n * image);
      for (std::size_t i = 0; i < n; ++i)
        std::copy_n(images_.data + rows[first + i] * image, image, levels.data() + i * image);
      const std::size_t at = all.size();
      all.resize(at + session->output_floats());
      session->run(levels.data(), all.data() + at);
    }
    return all;
  }

  /// Takes the weights of `whole` if they are the best so far.
  Status validate(int epoch) {
    const auto outputs = run_network(*whole_, {held_out_.data(), held_out_.size()});
    if (!outputs) return outputs.status();
    double sum = 0;
    for (std::size_t i = 0; i < outputs->size(); ++i) {
      const double d = static_cast<double>((*outputs)[i]) -
                       static_cast<double>(targets_[held_out_[i / outputs_] * outputs_ + i % outputs_]);
      sum += d * d;
    }
    const double error = std::sqrt(sum / static_cast<double>(outputs->size()));
    if (epoch == 0) report_ = {error, error, 0};
    if (!(error < report_.after)) return {};
    report_.after = error;
    report_.best_epoch = epoch;
    best_.assign(whole_->block().begin(), whole_->block().end());
    return {};
  }

  void shuffle(int epoch) {
    Rng rng(options_.seed, static_cast<std::uint64_t>(epoch));
    for (std::size_t i = trained_.size(); i > 1; --i)
      std::swap(trained_[i - 1], trained_[rng.below(static_cast<std::uint32_t>(i))]);
  }

  /// The gradient of one batch.
  Status step(Tape<float>& tape, Span<const std::size_t> rows) {
    const auto outputs = run_network(*whole_, rows);
    if (!outputs) return outputs.status();
    std::vector<float> d(outputs->size());
    for (std::size_t i = 0; i < d.size(); ++i)
      d[i] = ((*outputs)[i] - targets_[rows[i / outputs_] * outputs_ + i % outputs_]) * 2 /
             static_cast<float>(d.size());
    const std::size_t image = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * 3;
    const LevelScale& scale = whole_->input().levels;
    std::vector<float> floats(rows.size * image);
    for (std::size_t i = 0; i < floats.size(); ++i)
      floats[i] = (static_cast<float>(images_[rows[i / image] * image + i % image]) - scale.mean[i % 3]) *
                  scale.scale[i % 3];
    Rng unused(1);
    const Extents size{static_cast<int>(rows.size), height_, width_, 3};
    if (const Status s = tape.forward(whole_->block().data, floats.data(), size, TapeMode::eval, unused); !s)
      return s;
    gradient_.assign(whole_->block().size, 0.0f);
    tape.backward(whole_->block().data, d.data(), gradient_.data());
    for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] *= units_[i];
    return {};
  }

  /// What one step of each parameter is in floats; 0 for those that are not trained. Weights of 7 bits have their own steps, a
  /// bias that of the levels it leads to.
  void measure_units() {
    const NetworkDefinition& network = whole_->network();
    const Span<const float> block(whole_->block().data, whole_->block().size);
    units_.assign(block.size, 0.0f);
    for (std::size_t id = 0; id < network.ops.size(); ++id) {
      const Op& op = network.ops[id];
      if (op.kind != OpKind::conv || op.weight < 0) continue;
      const auto depth = static_cast<std::size_t>(conv_shape(op).depth());
      detail::FoldedLayer steps;
      if (detail::has_whole_weights(network, op))
        steps = detail::weight_steps(network, static_cast<int>(id), block, whole_->input().levels);
      const int bias = op.has_norm() ? op.norm_bias : op.bias;
      for (std::size_t o = 0; o < static_cast<std::size_t>(op.channels); ++o) {
        const float* const row = block.data + op.weight + o * depth;
        float largest = 0;
        for (std::size_t i = 0; i < depth; ++i) largest = std::max(largest, std::fabs(row[i]));
        const float plain = largest / static_cast<float>(largest_weight);
        for (std::size_t i = 0; i < depth; ++i)
          units_[static_cast<std::size_t>(op.weight) + o * depth + i] =
              steps.weight.empty() ? plain : steps.weight[o * depth + i];
        const float factor =
            op.level_factors < 0 ? 1.0f : block.data[static_cast<std::size_t>(op.level_factors) + o];
        if (bias >= 0)
          units_[static_cast<std::size_t>(bias) + o] =
              op.dtype == DType::u8 ? op.quant.scale * factor : plain;
      }
    }
  }

  /// Makes `whole` the rounded network of these parameters, which are in units.
  void round_to(const std::vector<float>& master) {
    for (std::size_t i = 0; i < master.size(); ++i)
      if (units_[i] > 0) whole_->block().data[i] = master[i] * units_[i];
    round_weights(whole_->network(), whole_->input().levels, whole_->block());
    whole_->pack();
  }

  const Model* floats_;
  Model* whole_;
  Span<const unsigned char> images_;
  int height_, width_;
  FineTuneOptions options_;
  FineTuneReport report_;
  std::size_t outputs_ = 1;  ///< numbers of one image
  std::vector<float> targets_, best_, gradient_, units_;
  std::vector<std::size_t> trained_, held_out_;
};

TINYFIQA_END
