// Computes the loss and the gradient of one batch, as a whole or in micro-batches, which need less memory.
#pragma once

#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/optim/margin_head.hpp>
#include <tinyfiqa/training/gradient_sum.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

TINYFIQA_BEGIN

/// How the gradient of a batch is computed.
struct BatchGradientOptions {
  LossKind loss = LossKind::msecorr;
  double alpha = 1;     ///< weight of the correlation term of msecorr
  int micro_batch = 0;  ///< largest number of images in memory at a time; 0: the whole batch
  TapeMode mode = TapeMode::train;
  int threads = 1;
  MarginOptions margin;  ///< for arcface and cosface
  /// The processes that compute a part of each batch each; null: this one computes all of it.
  Communicator* ranks = nullptr;
  /// A second communicator of the same ranks, for sums while backward goes on; null: sums are made after it.
  Communicator* background_ranks = nullptr;
  bool sync_norms = false;  ///< batch norm uses the statistics of the images of all ranks
};

/// The images of a batch that one rank computes.
struct BatchShare {
  int first = 0;  ///< the place in the batch of the rank's first image
  int total = 0;  ///< images of the batch; 0: those of this rank are all
};

/// Computes the gradient of a batch of N images as the sum over ceil(N /
/// micro_batch) parts of nearly equal size.
///   frozen norms or no norms  images do not affect each other: the result is the gradient of the whole batch
///   batch statistics          each part is normalised by its own statistics and updates the running
///                             statistics once, as gradient accumulation does in PyTorch
/// The loss is that of the whole batch in both cases. msecorr needs the predictions of the whole batch first:
/// they come from an additional forward pass over all parts, whose changes to the running statistics are
/// undone.
///
/// With several ranks, each computes the gradient of its images, and all get the sum: the gradient of the batch. Batch norms
/// that don't share their statistics are normalised by those of the rank's images, and each rank's running statistics move
/// by its own. Not thread safe.
class BatchGradient {
 public:
  /// The output of the network must be one score per image or, for arcface and cosface, the cosines of all
  /// classes. `ops` and `kernels` must outlive this object.
  BatchGradient(Span<const Op> ops, int output, const TapeKernels<float>& kernels,
                const BatchGradientOptions& options)
      : ops_(ops), output_(output), kernels_(&kernels), options_(options) {}

  /// Returns the loss of `images` [N, H, W, C] and writes its gradient, which is as long as the trainable part of `params`,
  /// or longer. Only the running statistics in `params` change. `labels` [N] are scores or, for arcface and
  /// cosface, class indices. Dropout depends on `rng` and not on the parts. With several ranks, images and labels are those
  /// of `share`, and loss and gradient are those of the batch. Errors: those of Tape::forward() and of the loss.
  Result<double> compute(Span<float> params, Span<const float> images, Extents size, Span<const float> labels,
                         const Rng& rng, Span<float> gradient, BatchShare share = {}) {
    const FlushSubnormals flush;
    share_ = {share.first, options_.ranks == nullptr ? size.n : share.total};
    const int parts = part_count(size.n);
    const bool joint = options_.loss == LossKind::msecorr;  // the loss of an image depends on the others
    double loss = 0;
    d_.resize(labels.size * outputs());
    if (joint && parts > 1) {
      auto value = whole_loss(params, images, size, labels, rng);
      if (!value) return value;
      loss = *value;
    }
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    start_sum(gradient);
    for (int i = 0; i < parts; ++i) {
      const Part part = part_of(size, i, parts);
      Tape<float>& tape = tape_for(part.count);
      if (const Status s = forward(tape, part, params, images, size, rng); !s) return s;
      if (!joint || parts == 1) {
        auto value = joint ? joint_loss(tape.output(), labels) : part_loss(tape.output(), part, labels);
        if (!value) return value;
        loss += *value;
      }
      const float* const d = d_.data() + static_cast<std::size_t>(part.first) * outputs();
      const bool last = i + 1 == parts && sum_ != nullptr;
      tape.backward(params.data, Span<const float* const>(&d, 1), gradient.data, [&](int op) {
        if (last) sum_->done(op);
      });
    }
    if (sum_ == nullptr) return loss;
    sum_->finish();
    if (!joint) options_.ranks->sum(Span<double>(&loss, 1));
    return loss;
  }

  /// Looks for the reason why the loss of a batch is not finite: the first operation that gives NaN or infinity, or -1
  /// if all numbers are finite up to the loss. Changes the running statistics in `params`. Errors: those of
  /// Tape::forward().
  Result<int> first_not_finite(Span<float> params, Span<const float> images, Extents size, Rng rng) {
    const std::size_t image = images.size / static_cast<std::size_t>(std::max(1, size.n));
    const int parts = part_count(size.n);
    for (int i = 0; i < parts; ++i) {
      const Part part = part_of(size, i, parts);
      Rng own = rng;
      Tape<float>& tape = tape_for(part.count);
      tape.sync_norms(nullptr);  // another rank may find its reason earlier, and would not answer
      auto found =
          tape.first_not_finite(params.data, images.data + static_cast<std::size_t>(part.first) * image,
                                {part.count, size.h, size.w, size.c}, options_.mode, own, part.first);
      if (!found || *found >= 0) return found;
    }
    return -1;
  }

  /// Memory of all tapes that were used so far.
  std::size_t peak_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [count, tape] : tapes_) bytes += tape->peak_bytes();
    return bytes;
  }

 private:
  struct Part {
    int first, count;
  };

  /// Number of outputs of the network per image.
  std::size_t outputs() const {
    return static_cast<std::size_t>(ops_[static_cast<std::size_t>(output_)].channels);
  }
  Result<double> loss_of(Span<const float> predictions, Span<const float> labels, Span<float> d) const {
    if (!is_margin_loss(options_.loss))
      return score_loss<float>(options_.loss, options_.alpha, predictions, labels, d);
    std::vector<int> people;
    for (const float label : labels) people.push_back(static_cast<int>(label));
    return margin_loss<float>(options_.loss, options_.margin, predictions, {people.data(), people.size()}, d);
  }

  /// All ranks have as many parts, which share statistics. A part may so have an image more than a micro-batch.
  int part_count(int n) const {
    const int ranks = options_.ranks == nullptr ? 1 : options_.ranks->size();
    const int most_images = ranks == 1 ? n : (share_.total + ranks - 1) / ranks;
    const int least_images = ranks == 1 ? n : share_.total / ranks;
    const int most = options_.micro_batch < 1 ? most_images : options_.micro_batch;
    return n < 1 ? 1 : std::min((most_images + most - 1) / most, least_images);
  }
  static Part part_of(const Extents& size, int i, int parts) {
    const auto at = [&](int k) { return static_cast<int>(static_cast<long long>(size.n) * k / parts); };
    return {at(i), at(i + 1) - at(i)};
  }

  /// The tape for parts of `count` images. A batch size has at most two part sizes.
  Tape<float>& tape_for(int count) {
    auto& tape = tapes_[count];
    if (tape == nullptr) tape = std::make_unique<Tape<float>>(ops_, output_, options_.threads, *kernels_);
    tape->sync_norms(options_.sync_norms ? options_.ranks : nullptr);
    return *tape;
  }

  Status forward(Tape<float>& tape, const Part& part, Span<float> params, Span<const float> images,
                 const Extents& size, Rng rng) const {
    const std::size_t image = images.size / static_cast<std::size_t>(std::max(1, size.n));
    return tape.forward(params.data, images.data + static_cast<std::size_t>(part.first) * image,
                        {part.count, size.h, size.w, size.c}, options_.mode, rng, share_.first + part.first);
  }

  void start_sum(Span<float> gradient) {
    if (options_.ranks == nullptr) return;
    if (sum_ == nullptr)
      sum_ = std::make_unique<GradientSum>(ops_, gradient.size, *options_.ranks, options_.background_ranks);
    sum_->start(gradient);
  }

  /// The loss of the whole batch; its derivative with respect to the predictions goes to d_.
  Result<double> whole_loss(Span<float> params, Span<const float> images, const Extents& size,
                            Span<const float> labels, const Rng& rng) {
    kept_.assign(params.begin(), params.end());
    predictions_.clear();
    const int parts = part_count(size.n);
    for (int i = 0; i < parts; ++i) {
      const Part part = part_of(size, i, parts);
      Tape<float>& tape = tape_for(part.count);
      if (const Status s = forward(tape, part, params, images, size, rng); !s) return s;
      predictions_.insert(predictions_.end(), tape.output().begin(), tape.output().end());
    }
    std::copy(kept_.begin(), kept_.end(), params.begin());
    return joint_loss(predictions_, labels);
  }

  /// The loss of the batch from one prediction for each of this rank's images; its derivative with respect to them goes
  /// to d_.
  Result<double> joint_loss(Span<const float> predictions, Span<const float> labels) {
    if (options_.ranks == nullptr) return loss_of(predictions, labels, d_);
    const auto total = static_cast<std::size_t>(share_.total), first = static_cast<std::size_t>(share_.first);
    gathered_.assign(2 * total, 0.0f);
    std::copy(predictions.begin(), predictions.end(), &gathered_[first]);
    std::copy(labels.begin(), labels.end(), &gathered_[total + first]);
    options_.ranks->sum(gathered_);  // each place is of one rank; the others have zero there
    all_d_.resize(total);
    auto value = loss_of({gathered_.data(), total}, {gathered_.data() + total, total}, all_d_);
    std::copy_n(&all_d_[first], d_.size(), d_.begin());
    return value;
  }

  /// The part's contribution to a loss that is a mean over the images of the batch; its derivative
  /// goes to the part's place in d_.
  Result<double> part_loss(Span<const float> predictions, const Part& part, Span<const float> labels) {
    const auto count = static_cast<std::size_t>(part.count);
    const Span<float> d(d_.data() + static_cast<std::size_t>(part.first) * outputs(), count * outputs());
    auto value = loss_of(predictions, {labels.data + part.first, count}, d);
    if (!value || part.count == share_.total) return value;
    const double share = static_cast<double>(part.count) / share_.total;
    for (float& v : d) v *= static_cast<float>(share);
    return *value * share;
  }

  Span<const Op> ops_;
  int output_;
  const TapeKernels<float>* kernels_;
  BatchGradientOptions options_;
  std::map<int, std::unique_ptr<Tape<float>>> tapes_;
  std::unique_ptr<GradientSum> sum_;  // with several ranks
  BatchShare share_;                  // of the running call
  std::vector<float> d_, predictions_, kept_, gathered_, all_d_;
};

TINYFIQA_END
