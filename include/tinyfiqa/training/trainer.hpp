// Trains a network on labelled faces: a quality network on scores or a recogniser on persons. Each epoch ends
// with a validation. The state can be saved after any step; a resumed training gives bit-identical results.
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/loader.hpp>
#include <tinyfiqa/data/split.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/formats/decimal.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/optim/schedule.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/recognition/recognition.hpp>
#include <tinyfiqa/training/batch_gradient.hpp>
#include <tinyfiqa/training/divergence.hpp>
#include <tinyfiqa/training/rank_exchange.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Synchronised batch norm: whether batch norms use the statistics of the images of all ranks, or of the rank's own.
enum class SyncNorms : unsigned char {
  automatic,  ///< of all, if a rank's share of a batch is below few_images
  on,
  off,
};
/// Below so many images, statistics are poor.
constexpr int few_images = 16;

/// Options of a training. The defaults are the settings of Hamidi et al. 2025: Adam with a
/// learning rate of 5e-4 for the head and 5e-5 for the backbone, halved every 5 epochs, L2 decay
/// 1e-4, MSECorrLoss with alpha 1.
struct TrainOptions {
  int epochs = 30, batch = 64;
  int micro_batch = 0;        ///< largest number of images in memory at a time; 0: the whole batch
  int height = 0, width = 0;  ///< input size; 0: the default size of the network
  LossKind loss = LossKind::msecorr;
  double alpha = 1;      ///< weight of the correlation term of msecorr
  MarginOptions margin;  ///< for arcface and cosface
  OptimOptions optim;
  double rate = 5e-4, backbone_rate = 5e-5, weight_decay = 1e-4;
  bool decay_weights_only = false;  ///< true: no weight decay of norms, biases and slopes of PReLU
  Schedule schedule{ScheduleKind::step, 5, 0.5, {}, 0, 0, 0.1};
  double clip = 0;                  ///< largest global L2 norm of the gradient; 0: no clipping
  double average = 0;               ///< decay of the moving average of the weights; 0: no average
  std::vector<std::string> frozen;  ///< prefixes of the names of parameters that are not trained
  bool frozen_norms = false;        ///< true: batch norms use their running statistics and do not update them
  std::uint64_t seed = 1;
  int threads = 1;
  std::size_t cache_bytes = std::size_t{2} << 30u;
  Augmentation augmentation;
  ImageReader read = LoaderOptions().read;
  /// The processes that train the network together, each with a share of every batch; null: this one alone. All must have
  /// the same options, rows and images.
  Communicator* ranks = nullptr;
  /// A second communicator of the same ranks, which a thread uses to sum gradients while backward goes on; null: sums are
  /// made after backward.
  Communicator* background_ranks = nullptr;
  SyncNorms sync_norms = SyncNorms::automatic;

  /// Whether batch norms use the statistics of all ranks.
  bool syncs_norms() const {
    if (ranks == nullptr || sync_norms == SyncNorms::off) return false;
    return sync_norms == SyncNorms::on || batch / ranks->size() < few_images;
  }
};

/// One finished epoch.
struct EpochRow {
  int epoch = 0;            ///< counted from 1
  double loss = 0;          ///< mean over the training images
  Metrics val;              ///< of the scores of the validation rows; count 0 for a recogniser
  double accuracy = 0;      ///< verification accuracy of a recogniser on pairs of validation faces
  double images_per_s = 0;  ///< training speed

  /// True if the row has the metrics of scores; false if it has the accuracy of a recogniser.
  bool has_scores() const { return val.count > 0; }
  /// The value that is highest for the best epoch.
  double score() const { return has_scores() ? val.final_score : accuracy; }
};

/// "SRCC 0.9012  PLCC 0.8932  RMSE 0.0412", or for a recogniser "accuracy 0.9200".
inline std::string validation_text(const EpochRow& row, const char* between = "  ") {
  char text[160];
  if (row.has_scores())
    std::snprintf(text, sizeof text, "SRCC %.4f%sPLCC %.4f%sRMSE %.4f", row.val.srcc, between, row.val.plcc,
                  between, row.val.rmse);
  else
    std::snprintf(text, sizeof text, "accuracy %.4f", row.accuracy);
  return text;
}

/// The progress of a training: everything besides the values of the network and the optimiser.
struct TrainState {
  int epoch = 0;           ///< number of finished epochs
  std::size_t batch = 0;   ///< number of finished batches of the running epoch
  double loss_sum = 0;     ///< sum of the loss over the images of the running epoch
  std::size_t images = 0;  ///< number of these images
  int best_epoch = 0;
  double best_score = -2;  ///< EpochRow::score() of the best epoch
  std::vector<EpochRow> log;
  int ranks = 0, threads = 0;  ///< processes, and threads of each, that computed it; 0: nothing computed yet
};

/// Refuses labels that a network can't give. Errors: bad_argument, naming the row.
inline Status check_labels(const ModelSpec& spec, const Dataset& data) {
  if (!gives_shares(spec)) return Status();
  const auto beyond = std::find_if(data.samples.begin(), data.samples.end(),
                                   [](const Sample& s) { return s.score < 0 || s.score > 1; });
  if (beyond == data.samples.end()) return Status();
  return Status::error(Errc::bad_argument, data.path, ":", beyond->line, ": the label ",
                       detail::decimal_text(static_cast<float>(beyond->score), 6),
                       " is outside 0..1, which is all that ", spec.name, " can give; divide the labels");
}

/// Trains one network. Not thread safe; it uses TrainOptions::threads threads itself.
class Trainer {
 public:
  /// The network starts with initial weights that depend on the seed; write to block() to start with others.
  /// For a margin loss, the persons of the training rows are the classes. `data` and `backend` must outlive
  /// the trainer. Errors: bad_argument.
  static Result<Trainer> create(const ModelSpec& spec, const TrainingBackend& backend, const Dataset& data,
                                DataSplit split, const TrainOptions& options) {
    if (is_margin_loss(options.loss) != spec.embeds)
      return Status::error(Errc::bad_argument, spec.name,
                           spec.embeds ? " is a recogniser" : " is no recogniser",
                           ", so it can't be trained with the loss ", loss_name(options.loss), "; use ",
                           spec.embeds ? "arcface or cosface" : "msecorr, mse, l2norm or smooth_l1");
    if (!spec.scores && !spec.embeds)
      return Status::error(Errc::bad_argument, spec.name,
                           " gives classes, not a quality score; choose another network");
    if (const Status s = check_labels(spec, data); !spec.embeds && !s) return s;
    Trainer trainer(spec, backend, data, std::move(split), options);
    if (const Status s = trainer.check_rows(); !s) return s;
    return trainer;
  }

  /// Decodes every image before the training, with ImageLoader::preload(). Returns the rows whose image can't
  /// be used; if `drop_bad`, they are left out (call check_rows() then). Several threads call on_done(count).
  template <class OnDone>
  std::vector<RowProblem> check_images(bool drop_bad, const OnDone& on_done) {
    const std::size_t train_rows = train_->rows().size();
    auto bad = train_->preload(drop_bad, on_done);
    for (auto& problem : val_->preload(drop_bad, [&](std::size_t n) { on_done(train_rows + n); }))
      bad.push_back(std::move(problem));
    return bad;
  }
  /// Checks that there are enough rows. Errors: bad_argument.
  Status check_rows() {
    const std::size_t train = train_->rows().size(), val = val_->rows().size();
    if (train < 2 || val < 2)
      return Status::error(Errc::bad_argument, data_path_, ": ", train, " rows to train on and ", val,
                           " to validate on; at least two of each are needed");
    // A last batch of one image has no correlation, and its batch statistics may be undefined. Each rank needs an image,
    // and two if it has statistics of its own.
    const auto batch = static_cast<std::size_t>(options_.batch), last = train % batch;
    const std::size_t ranks =
        options_.ranks == nullptr ? 1 : static_cast<std::size_t>(options_.ranks->size());
    if (batch < ranks || train < ranks)
      return Status::error(Errc::bad_argument, data_path_, ": ", train, " rows to train on, in batches of ",
                           batch, ", can't be shared by ", ranks, " processes; start fewer");
    const std::size_t least = options_.syncs_norms() ? std::max<std::size_t>(2, ranks) : 2 * ranks;
    train_->set_drop_last(train > batch && last > 0 && last < least);
    return recognises() ? check_people() : Status();
  }

  /// The network's parameters. Fill them before the first epoch to start from other weights.
  Span<float> block() { return model_->block(); }
  const Model& model() const { return *model_; }
  /// True if a recogniser is trained. The last of model().params() is then the class weights, which are not
  /// part of the recogniser itself.
  bool recognises() const { return model_->spec().embeds; }
  /// The names of the classes of a recogniser, in the order of the rows of the class weights.
  const std::vector<std::string>& people() const { return classes_.names; }
  Optimizer& optimizer() { return *optimizer_; }
  /// The moving average of the block; empty if there is none.
  Span<float> average() { return average_ ? average_->values() : Span<float>(); }
  /// Lets the moving average begin at block(). Call it after writing other weights there.
  void restart_average() {
    if (average_) std::copy(block().begin(), block().end(), average_->values().begin());
  }
  TrainState& state() { return state_; }
  const TrainOptions& options() const { return options_; }
  ImageLoader& train_loader() { return *train_; }
  ImageLoader& val_loader() { return *val_; }
  /// Memory of all tapes that were used so far.
  std::size_t peak_bytes() const { return step_->peak_bytes(); }
  /// The weights to use: the moving average if there is one, else block().
  Span<const float> result() { return average_ ? Span<const float>(average()) : Span<const float>(block()); }

  /// Continues from state() to the end of the epoch and validates. After each step, on_step(batches done,
  /// batches of the epoch) is called. If it returns false, for several ranks in one of them, the function stops and
  /// returns false; state() is then in the middle of the epoch. Errors: not_finite if the loss diverges; mismatch if the
  /// ranks have different weights; those of the loader.
  template <class OnStep>
  Result<bool> run_epoch(const OnStep& on_step) {
    const std::size_t resumed_at = state_.batch;
    if (const Status s = check_same_weights(); !s) return s;
    if (const Status s = train_->start(static_cast<std::uint64_t>(state_.epoch), resumed_at); !s) return s;
    const auto start = std::chrono::steady_clock::now();
    std::size_t done_images = 0;
    for (;;) {
      const auto more = train_->next(batch_);
      if (!more) return more.status();
      if (!*more) break;
      if (const Status s = step(); !s) return s;
      done_images += static_cast<std::size_t>(batch_.total);
      ++state_.batch;
      if (detail::some_rank(options_.ranks, !on_step(state_.batch, train_->batches()))) {
        detail::average_over_ranks(options_.ranks, running_statistics());
        return false;
      }
    }
    detail::average_over_ranks(options_.ranks, running_statistics());
    if (const Status s = check_same_weights(); !s) return s;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EpochRow row;
    row.loss = state_.loss_sum / static_cast<double>(std::max<std::size_t>(1, state_.images));
    row.images_per_s = static_cast<double>(done_images) / std::max(seconds, 1e-9);
    if (const Status s = validate(row); !s) return s;
    finish_epoch(row);
    return true;
  }

  /// Measures result() on the validation rows with the inference kernels and writes row.val or, for a
  /// recogniser, row.accuracy. Errors: not_finite; those of the loader.
  Status validate(EpochRow& row) {
    const std::vector<float> training(block().begin(), block().end());
    const Span<const float> weights = result();
    std::copy(weights.begin(), weights.end(), block().begin());
    model_->pack();
    std::vector<float> outputs;
    const Status status = predict(outputs);
    std::copy(training.begin(), training.end(), block().begin());
    if (!status) return status;
    return recognises() ? measure_embeddings(outputs, row) : measure_scores(outputs, row);
  }

 private:
  Trainer(const ModelSpec& spec, const TrainingBackend& backend, const Dataset& data, DataSplit split,
          const TrainOptions& options)
      : options_(options), data_path_(data.path), data_(&data) {
    make_model(spec, *backend.inference, split);
    input_ = spec.input;
    if (options.height > 0) input_.height = options.height;
    if (options.width > 0) input_.width = options.width;
    LoaderOptions loader;
    loader.input = input_;
    loader.batch = options.batch;
    loader.seed = options.seed;
    loader.workers = options.threads;
    loader.augmentation = options.augmentation;
    loader.read = options.read;
    loader.ranks = options.ranks;
    const double train_share =
        static_cast<double>(split.train.size()) /
        static_cast<double>(std::max<std::size_t>(1, split.train.size() + split.val.size()));
    loader.cache_bytes = static_cast<std::size_t>(train_share * static_cast<double>(options.cache_bytes));
    train_ = std::make_unique<ImageLoader>(data, std::move(split.train), loader);
    loader.cache_bytes = options.cache_bytes - loader.cache_bytes;
    loader.shuffle = false;
    loader.augmentation = for_validation(options.augmentation);
    loader.batch = std::min(options.batch, 16) * (options.ranks == nullptr ? 1 : options.ranks->size());
    val_ = std::make_unique<ImageLoader>(data, std::move(split.val), loader);
    optimizer_ = std::make_unique<Optimizer>(options.optim, groups(spec), block().size, backend.adam);
    if (options.average > 0) average_.emplace(Span<const float>(block()), options.average);
    const auto& net = model_->network();
    const TapeMode mode = options.frozen_norms ? TapeMode::frozen_norms : TapeMode::train;
    const int output = recognises() ? static_cast<int>(net.ops.size()) - 1 : net.outputs.main();
    BatchGradientOptions gradient{options.loss, options.alpha,   options.micro_batch,
                                  mode,         options.threads, options.margin};
    gradient.ranks = options.ranks;
    gradient.background_ranks = options.background_ranks;
    gradient.sync_norms = options.syncs_norms();
    step_ = std::make_unique<BatchGradient>(Span<const Op>(net.ops.data(), net.ops.size()), output,
                                            *backend.tape, gradient);
    gradient_.resize(range_of(model_->params(), true).last);
  }

  /// The running statistics of batch norms.
  Span<float> running_statistics() {
    const ParamRange range = range_of(model_->params(), false);
    return {block().data + range.first, range.last - range.first};
  }
  Status check_same_weights() { return detail::check_same_weights(options_.ranks, block()); }

  void make_model(const ModelSpec& spec, const Backend& backend, const DataSplit& split) {
    NetworkDefinition network = spec.define();
    if (spec.embeds) {
      classes_ = PersonClasses(*data_, split.train);
      add_class_weights(network, static_cast<int>(classes_.names.size()));
    }
    model_ = std::make_unique<Model>(spec, std::move(network), backend, options_.seed);
  }

  /// Checks that there are at least two classes and enough validation pairs.
  Status check_people() {
    std::vector<std::string> shown;
    for (const std::size_t row : val_->rows()) shown.push_back(data_->samples[row].identity);
    pairs_ = verification_pairs(shown, most_pairs, options_.seed);
    if (classes_.names.size() < 2)
      return Status::error(Errc::bad_argument, data_path_,
                           ": a recogniser needs at least two people; fill in the column identity");
    if (pairs_.size() < 4)
      return Status::error(Errc::bad_argument, data_path_, ": ", val_->rows().size(),
                           " validation images show no two faces of one person, or only one person; choose "
                           "others in the column split, or a larger share of validation rows");
    return {};
  }

  std::vector<ParamGroup> groups(const ModelSpec& spec) const {
    std::vector<GroupRule> rules;
    for (const std::string& prefix : options_.frozen) rules.push_back({prefix, 0, 0, true});
    if (recognises()) rules.push_back({class_weights_name, options_.rate, options_.weight_decay, false});
    if (spec.head[0] != '\0') {
      rules.push_back({spec.head, options_.rate, options_.weight_decay, false});
      rules.push_back({"", options_.backbone_rate, options_.weight_decay, false});
    } else {
      rules.push_back({"", options_.rate, options_.weight_decay, false});
    }
    return make_groups(model_->params(), rules, options_.decay_weights_only);
  }

  /// One step on batch_.
  Status step() {
    const FlushSubnormals flush;  // for the optimiser's moments, too
    // The dropout masks depend only on the seed, the epoch and the batch, so a
    // resumed run draws the same ones.
    const Rng rng(options_.seed + static_cast<std::uint64_t>(state_.epoch) * 1000003u, state_.batch);
    const Extents size{batch_.count, input_.height, input_.width, 3};
    if (recognises())
      for (std::size_t i = 0; i < batch_.samples.size(); ++i)
        batch_.scores[i] = static_cast<float>(classes_.of[batch_.samples[i]]);
    const auto value = step_->compute(block(), {batch_.images.data(), batch_.images.size()}, size,
                                      {batch_.scores.data(), batch_.scores.size()}, rng, gradient_,
                                      {batch_.first, batch_.total});
    if (!value) return value.status();
    if (!std::isfinite(*value)) {
      const auto layer =
          step_->first_not_finite(block(), {batch_.images.data(), batch_.images.size()}, size, rng);
      return Status::error(Errc::not_finite, "the loss is not a number in epoch ", state_.epoch + 1,
                           ", batch ", state_.batch + 1, detail::divergence_text(model_->network(), layer),
                           ": training diverged; lower the learning rate or clip the gradient");
    }
    if (options_.clip > 0) clip_gradient(gradient_, options_.clip);
    optimizer_->step(block(), gradient_, options_.schedule.factor(state_.epoch));
    state_.ranks = options_.ranks == nullptr ? 1 : options_.ranks->size();
    state_.threads = options_.threads;
    if (average_) average_->update(block());
    state_.loss_sum += *value * batch_.total;
    state_.images += static_cast<std::size_t>(batch_.total);
    return {};
  }

  /// The network's output for the validation rows, [rows, channels], in their order. Ranks share the rows.
  Status predict(std::vector<float>& outputs) {
    if (const Status s = val_->start(0); !s) return s;
    std::map<int, std::unique_ptr<Session>> sessions;
    Batch batch;
    for (std::size_t done = 0;; done += static_cast<std::size_t>(batch.total)) {
      const auto more = val_->next(batch);
      if (!more) return more.status();
      if (!*more) break;
      if (batch.count == 0) continue;
      auto& session = sessions[batch.count];
      if (session == nullptr) {
        auto made = Session::create(*model_, batch.count, input_.height, input_.width,
                                    SessionOptions{options_.threads, Feed::floats, {}});
        if (!made) return made.status();
        session = std::make_unique<Session>(std::move(*made));
      }
      const std::size_t channels = session->output_floats() / static_cast<std::size_t>(batch.count);
      outputs.resize(val_->rows().size() * channels);
      session->run(batch.images.data(),
                   outputs.data() + (done + static_cast<std::size_t>(batch.first)) * channels);
    }
    detail::gather_from_ranks(options_.ranks, val_->rows().size(), outputs);
    return {};
  }

  Status measure_scores(const std::vector<float>& outputs, EpochRow& row) const {
    const std::vector<double> scores(outputs.begin(), outputs.end());
    std::vector<double> labels;
    for (const std::size_t sample : val_->rows())
      labels.push_back(double{static_cast<float>(data_->samples[sample].score)});
    const auto metrics = compute_metrics({scores.data(), scores.size()}, {labels.data(), labels.size()});
    if (metrics) row.val = *metrics;
    return metrics.status();
  }
  Status measure_embeddings(const std::vector<float>& outputs, EpochRow& row) const {
    const auto accuracy = verification_accuracy(outputs, outputs.size() / val_->rows().size(), pairs_);
    if (accuracy) row.accuracy = *accuracy;
    return accuracy.status();
  }

  void finish_epoch(EpochRow& row) {
    row.epoch = ++state_.epoch;
    state_.batch = 0;
    state_.loss_sum = 0;
    state_.images = 0;
    if (row.score() > state_.best_score) {
      state_.best_score = row.score();
      state_.best_epoch = row.epoch;
    }
    state_.log.push_back(row);
  }

  static constexpr std::size_t most_pairs = 20000;

  TrainOptions options_;
  std::string data_path_;
  const Dataset* data_;
  PersonClasses classes_;        // only for a recogniser
  std::vector<FacePair> pairs_;  // of validation rows, only for a recogniser
  std::unique_ptr<Model> model_;
  InputSpec input_;
  std::unique_ptr<ImageLoader> train_, val_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<BatchGradient> step_;
  std::vector<float> gradient_;
  Batch batch_;
  TrainState state_;
};

TINYFIQA_END
