// Trains a face detector to give the outputs of another one, the teacher, on images composed from photos. The state can
// be saved after any step; a resumed training gives bit-identical results.
#pragma once

#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/photo_mixer.hpp>
#include <tinyfiqa/detection/agreement.hpp>
#include <tinyfiqa/detection/face_detector.hpp>
#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/optim/schedule.hpp>
#include <tinyfiqa/threads/thread_team.hpp>
#include <tinyfiqa/training/detector_loss.hpp>
#include <tinyfiqa/training/divergence.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Options of a detector's training.
struct DetectorTrainOptions {
  int epochs = 60;
  int images = 8192;  ///< composed images of an epoch
  int batch = 32;
  int side = 256;  ///< of a composed image, a multiple of 32
  double rate = 2e-3;
  double weight_decay = 1e-4;  ///< AdamW's, on convolution weights
  double clip = 20;            ///< limit of the gradient's norm; 0: none
  double average = 0.998;      ///< decay of the moving average of the weights; 0: none
  int warm_up = 1;             ///< epochs; then the rate falls by cosine
  DetectorLossOptions loss;
  MixerOptions mixer;
  std::uint64_t seed = 1;
  int threads = 1;
};

struct DetectorEpoch {
  int epoch = 0;
  double loss = 0;  ///< for one face: DetectorLossSums::total() / foreground
  double object = 0, face = 0, box = 0, landmarks = 0;  ///< its parts
  DetectorAgreement agreement;
  double images_per_s = 0;

  double score() const { return agreement.f1(); }
};

/// The progress of a training: everything besides the values of the network and the optimiser.
struct DetectorTrainState {
  int epoch = 0;          ///< number of finished epochs
  std::size_t batch = 0;  ///< number of finished batches of the running epoch
  DetectorLossSums sums;  ///< of the running epoch
  int best_epoch = 0;
  double best_score = -1;
  std::vector<DetectorEpoch> log;
};

/// Trains one detector of the YuNet family. Not thread safe; it uses the threads of its options.
class DetectorTrainer {
 public:
  static constexpr int levels = 3;

  /// `train` and `val` are the photos to learn from and to measure on; `backend` must outlive the trainer.
  /// Errors: bad_argument.
  static Result<DetectorTrainer> create(const ModelSpec& spec, const TrainingBackend& backend,
                                        std::shared_ptr<const Model> teacher,
                                        std::vector<TrainingPhoto> train, std::vector<TrainingPhoto> val,
                                        const DetectorTrainOptions& options) {
    for (const ModelSpec* s : {&spec, &teacher->spec()})
      if (s->detector != DetectorFamily::yunet)
        return Status::error(Errc::bad_argument, s->name, " is no detector of the YuNet family");
    if (options.side < 64 || options.side % 32 != 0)
      return Status::error(Errc::bad_argument,
                           "the side of training images must be a multiple of 32, at least 64");
    if (train.empty() || val.empty())
      return Status::error(Errc::bad_argument, train.size(), " photos to train on and ", val.size(),
                           " to validate on; at least one of each is needed");
    DetectorTrainer t(spec, backend, std::move(teacher), std::move(train), std::move(val), options);
    auto session = Session::create(*t.teacher_, options.batch, options.side, options.side,
                                   SessionOptions{options.threads, Feed::floats, head_names()});
    if (!session) return session.status();
    t.session_ = std::make_unique<Session>(std::move(*session));
    return t;
  }

  /// The network's parameters. Fill them before the first epoch to start from other weights.
  Span<float> block() { return model_->block(); }
  const Model& model() const { return *model_; }
  const Model& teacher() const { return *teacher_; }
  Optimizer& optimizer() { return *optimizer_; }
  /// The moving average of the block; empty if there is none.
  Span<float> average() { return average_ ? average_->values() : Span<float>(); }
  /// Lets the moving average begin at block(). Call it after writing other weights there.
  void restart_average() {
    if (average_) std::copy(block().begin(), block().end(), average_->values().begin());
  }
  DetectorTrainState& state() { return state_; }
  const DetectorTrainOptions& options() const { return options_; }
  std::size_t batches() const {
    return static_cast<std::size_t>(std::max(1, options_.images / std::max(1, options_.batch)));
  }
  /// The weights to use: the moving average if there is one, else block().
  Span<const float> result() { return average_ ? Span<const float>(average()) : Span<const float>(block()); }

  /// Continues from state() to the end of the epoch and validates. After each step, on_step(batches done,
  /// batches of the epoch) is called. If it returns false, the function stops and returns false; state() is
  /// then in the middle of the epoch. Errors: not_finite if the loss diverges; those of composing images.
  template <class OnStep>
  Result<bool> run_epoch(const OnStep& on_step) {
    const FlushSubnormals flush;
    const std::size_t resumed_at = state_.batch;
    const auto start = std::chrono::steady_clock::now();
    while (state_.batch < batches()) {
      if (const Status s = step(); !s) return s;
      ++state_.batch;
      if (!on_step(state_.batch, batches())) return false;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    DetectorEpoch row;
    const DetectorLossSums& sums = state_.sums;
    const double faces = std::max(1.0, sums.foreground);
    row.loss = sums.total() / faces;
    row.object = sums.object / faces;
    row.face = sums.face / faces;
    row.box = sums.box / faces;
    row.landmarks = sums.landmarks / faces;
    row.images_per_s =
        static_cast<double>((state_.batch - resumed_at) * static_cast<std::size_t>(options_.batch)) /
        std::max(seconds, 1e-9);
    auto agreement = validate();
    if (!agreement) return agreement.status();
    row.agreement = *agreement;
    finish_epoch(row);
    return true;
  }

  /// Compares result() with the teacher on the validation photos, searched with a longest side of 320. Errors: those
  /// of FaceDetector.
  Result<DetectorAgreement> validate(float threshold = 0.5f) {
    const std::vector<float> training(block().begin(), block().end());
    const Span<const float> weights = result();
    std::copy(weights.begin(), weights.end(), block().begin());
    model_->pack();
    std::copy(training.begin(), training.end(), block().begin());
    DetectorOptions search;
    search.threshold = threshold;
    search.longest_side = 320;
    search.thorough = false;
    search.threads = options_.threads;
    auto teacher = FaceDetector::create(teacher_, search);
    if (!teacher) return teacher.status();
    auto student = FaceDetector::create(model_, search);
    if (!student) return student.status();
    DetectorAgreement a;
    for (const TrainingPhoto& photo : val_) {
      std::vector<Face> expected;
      if (!photo.faceless) {
        const auto faces = teacher->detect(photo.image);
        if (!faces) return faces.status();
        expected.assign(faces->begin(), faces->end());
      }
      const auto found = student->detect(photo.image);
      if (!found) return found.status();
      a.add(Span<const Face>(expected.data(), expected.size()), *found);
    }
    return a;
  }

 private:
  DetectorTrainer(const ModelSpec& spec, const TrainingBackend& backend, std::shared_ptr<const Model> teacher,
                  std::vector<TrainingPhoto> train, std::vector<TrainingPhoto> val,
                  const DetectorTrainOptions& options)
      : options_(options),
        teacher_(std::move(teacher)),
        train_(std::make_unique<const std::vector<TrainingPhoto>>(std::move(train))),
        val_(std::move(val)),
        model_(std::make_shared<Model>(spec, *backend.inference, options.seed)),
        mixer_(std::make_unique<const PhotoMixer>(*train_, options.mixer, options.seed)),
        team_(std::make_unique<ThreadTeam>(options.threads)) {
    schedule_.kind = ScheduleKind::cosine;
    schedule_.warm_up = options.warm_up;
    schedule_.period = std::max(1, options.epochs - options.warm_up);
    schedule_.lowest = 0.01;
    OptimOptions optim;
    optim.kind = OptimKind::adamw;
    GroupRule rule;
    rule.rate = options.rate;
    rule.decay = options.weight_decay;
    optimizer_ = std::make_unique<Optimizer>(optim, make_groups(model_->params(), {rule}, true), block().size,
                                             backend.adam);
    expect_few_faces();
    if (options.average > 0) average_.emplace(Span<const float>(block()), options.average);
    const NetworkDefinition& net = model_->network();
    std::vector<int> outputs;
    for (const std::string& name : head_names()) outputs.push_back(net.outputs.value(name.c_str()));
    tape_ = std::make_unique<Tape<float>>(net.operations(), Span<const int>(outputs.data(), outputs.size()),
                                          options.threads, *backend.tape);
    gradient_.resize(block().size);
  }
  static std::vector<std::string> head_names() { return {"head_8", "head_16", "head_32"}; }

  /// Starts with a low probability of an object everywhere, so that the first steps are not about the background
  /// alone (Lin et al. 2017, section 4.1).
  void expect_few_faces() {
    for (const NamedParam& p : model_->params())
      if (p.name.find("multi_level_obj") != std::string::npos &&
          p.name.find("conv2.bias") != std::string::npos)
        block()[static_cast<std::size_t>(p.param.offset)] = -4.0f;
  }

  // -- one step

  Status step() {
    const int n = options_.batch, side = options_.side;
    if (const Status s = compose_batch(); !s) return s;
    float* targets[levels];
    for (int k = 0; k < levels; ++k) {
      targets_[k].resize(session_->output_floats(k));
      targets[k] = targets_[k].data();
    }
    session_->run(input_.data(), Span<float* const>(targets, levels));
    Rng rng(options_.seed);  // the network has no dropout
    if (const Status s =
            tape_->forward(block().data, input_.data(), {n, side, side, 3}, TapeMode::train, rng);
        !s)
      return s;
    const DetectorLossSums sums = take_loss();
    if (!std::isfinite(sums.total())) {
      const auto layer =
          tape_->first_not_finite(block().data, input_.data(), {n, side, side, 3}, TapeMode::train, rng);
      return Status::error(Errc::not_finite, "the loss is not a number in epoch ", state_.epoch + 1,
                           ", batch ", state_.batch + 1, detail::divergence_text(model_->network(), layer),
                           ": training diverged; lower the learning rate");
    }
    const float* d[levels];
    for (int k = 0; k < levels; ++k) d[k] = gradients_[k].data();
    std::fill(gradient_.begin(), gradient_.end(), 0.0f);
    tape_->backward(block().data, Span<const float* const>(d, levels), gradient_.data());
    const Span<float> gradient(gradient_.data(), gradient_.size());
    if (options_.clip > 0) clip_gradient(gradient, options_.clip);
    optimizer_->step(block(), gradient, rate_factor());
    if (average_) average_->update(block());
    add(sums);
    return {};
  }

  /// The schedule's factor between two epochs, by the share of the epoch that is done.
  double rate_factor() const {
    const double part = static_cast<double>(state_.batch) / static_cast<double>(batches());
    const double now = schedule_.factor(state_.epoch), next = schedule_.factor(state_.epoch + 1);
    return now + (next - now) * part;
  }

  Status compose_batch() {
    const int n = options_.batch, side = options_.side;
    const std::size_t floats =
        std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    input_.resize(floats * static_cast<std::size_t>(n));
    composed_.assign(static_cast<std::size_t>(n), ComposedImage());
    std::vector<Status> problems(static_cast<std::size_t>(n));
    InputSpec spec = model_->input();
    spec.height = spec.width = side;
    const std::uint64_t first =
        (static_cast<std::uint64_t>(state_.epoch) * batches() + state_.batch) * static_cast<std::uint64_t>(n);
    const auto make = [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      auto composed = mixer_->compose(first + at, side);
      if (!composed) {
        problems[at] = composed.status();
        return;
      }
      composed_[at] = std::move(*composed);
      problems[at] = to_input(composed_[at].image, spec, Span<float>(input_.data() + at * floats, floats),
                              model_->backend());
    };
    const Team team = team_->team();
    kernels::parallel_parts(team, n, [&](int part, int) { make(part); });
    for (const Status& s : problems)
      if (!s) return s;
    return {};
  }

  /// Fills gradients_; returns the sums of the batch.
  DetectorLossSums take_loss() {
    DetectorLossSums sums;
    for (int k = 0; k < levels; ++k) {
      const Span<const float> y = tape_->output(static_cast<std::size_t>(k));
      gradients_[k].resize(y.size);
      const Extents e = tape_->output_extents(static_cast<std::size_t>(k));
      const float stride = static_cast<float>(detector_strides[k]);
      for (int i = 0; i < e.n; ++i)
        for (int row = 0; row < e.h; ++row)
          for (int col = 0; col < e.w; ++col) {
            const std::size_t at =
                static_cast<std::size_t>(((i * e.h + row) * e.w + col)) * YuNetChannels::count;
            const float x = (static_cast<float>(col) + 0.5f) * stride,
                        v = (static_cast<float>(row) + 0.5f) * stride;
            detector_cell_loss(options_.loss, y.data + at, targets_[k].data() + at,
                               is_faceless(composed_[static_cast<std::size_t>(i)], x, v), sums,
                               gradients_[k].data() + at);
          }
    }
    const auto scale = static_cast<float>(1 / std::max(1.0, sums.foreground));
    for (auto& gradient : gradients_)
      for (float& g : gradient) g *= scale;
    return sums;
  }
  static bool is_faceless(const ComposedImage& c, float x, float y) {
    for (const Box& b : c.faceless) {
      const auto inside = [](float v, int first, int count) {
        return v >= static_cast<float>(first) && v < static_cast<float>(first + count);
      };
      if (inside(x, b.x, b.width) && inside(y, b.y, b.height)) return true;
    }
    return false;
  }
  void add(const DetectorLossSums& s) {
    state_.sums.object += s.object;
    state_.sums.face += s.face;
    state_.sums.box += s.box;
    state_.sums.landmarks += s.landmarks;
    state_.sums.foreground += s.foreground;
  }

  void finish_epoch(DetectorEpoch& row) {
    row.epoch = ++state_.epoch;
    state_.batch = 0;
    state_.sums = DetectorLossSums();
    if (row.score() > state_.best_score) {
      state_.best_score = row.score();
      state_.best_epoch = row.epoch;
    }
    state_.log.push_back(row);
  }

  DetectorTrainOptions options_;
  std::shared_ptr<const Model> teacher_;
  std::unique_ptr<const std::vector<TrainingPhoto>> train_;
  std::vector<TrainingPhoto> val_;
  std::shared_ptr<Model> model_;
  std::unique_ptr<const PhotoMixer> mixer_;
  std::unique_ptr<ThreadTeam> team_;
  Schedule schedule_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<Tape<float>> tape_;
  std::unique_ptr<Session> session_;
  std::vector<ComposedImage> composed_;
  std::vector<float> input_, targets_[levels], gradients_[levels], gradient_;
  DetectorTrainState state_;
};

TINYFIQA_END
