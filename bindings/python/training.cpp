// Training in Python: a tinyfiqa::Trainer on images in memory or in files.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/data/split.hpp>
#include <tinyfiqa/formats/memory_errors.hpp>
#include <tinyfiqa/training/recipes.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model.hpp"

using namespace tinyfiqa;

namespace {

/// Takes the option of this name if it is given.
template <class T>
bool take(const nb::dict& options, const char* name, T& to) {
  if (!options.contains(name)) return false;
  to = nb::cast<T>(options[name]);
  return true;
}

/// The index of the option's word among `words`, if it is given. Throws ValueError for another word.
template <std::size_t N>
std::optional<std::size_t> take_word(const nb::dict& options, const char* name,
                                     const std::array<const char*, N>& words) {
  std::string given;
  if (!take(options, name, given)) return std::nullopt;
  const auto at = std::find(words.begin(), words.end(), given);
  if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  std::string known;
  for (const char* const word : words) known += (known.empty() ? "" : ", ") + std::string(word);
  throw nb::value_error((std::string(name) + "='" + given + "'; it may be " + known).c_str());
}

void take_schedule(const nb::dict& options, TrainOptions& o) {
  constexpr std::array<const char*, 3> words = {"constant", "step", "cosine"};
  constexpr ScheduleKind kinds[] = {ScheduleKind::constant, ScheduleKind::step, ScheduleKind::cosine};
  if (const auto kind = take_word(options, "lr_schedule", words)) o.schedule.kind = kinds[*kind];
  take(options, "lr_step", o.schedule.period);
  take(options, "lr_gamma", o.schedule.gamma);
  take(options, "warm_up", o.schedule.warm_up);
  fit_schedule(o);
}

/// The recipe of the network, changed by the options. Their names are those of tinyfiqa.train().
TrainOptions options_of(const ModelSpec& spec, const nb::dict& options) {
  TrainOptions o = recipe_of(spec);
  take(options, "epochs", o.epochs);
  take(options, "batch", o.batch);
  take(options, "alpha", o.alpha);
  if (take(options, "lr", o.rate)) o.backbone_rate = o.rate / 10;
  take(options, "backbone_lr", o.backbone_rate);
  take(options, "weight_decay", o.weight_decay);
  take(options, "momentum", o.optim.momentum);
  take(options, "ema", o.average);
  take(options, "clip", o.clip);
  take(options, "hflip", o.augmentation.hflip);
  take(options, "height", o.height);
  take(options, "width", o.width);
  take(options, "seed", o.seed);
  take(options, "threads", o.threads);
  constexpr std::array<const char*, 6> losses = {"mse",       "msecorr", "l2norm",
                                                 "smooth_l1", "arcface", "cosface"};
  if (const auto loss = take_word(options, "loss", losses)) o.loss = loss_of_name(losses[*loss]);
  if (is_margin_loss(o.loss)) o.margin = recipe_margin(o.loss);
  constexpr std::array<const char*, 3> words = {"adam", "adamw", "sgd"};
  constexpr OptimKind kinds[] = {OptimKind::adam, OptimKind::adamw, OptimKind::sgd};
  if (const auto kind = take_word(options, "optimizer", words)) o.optim.kind = kinds[*kind];
  take_schedule(options, o);
  if (o.epochs < 1 || o.batch < 1 || o.threads < 1 || o.schedule.period < 1)
    throw nb::value_error("epochs, batch, threads and lr_step must be at least 1");
  return o;
}

/// A training on images that Python has.
class Training {
 public:
  Training(const std::string& model, const NativeModel* start, std::shared_ptr<FaceImages> faces,
           const std::vector<double>& labels, const std::vector<std::string>& identities,
           const std::vector<std::size_t>& validation, double validation_share, const nb::dict& options)
      : faces_(std::move(faces)), spec_(&spec_of(model)) {
    fill(labels, identities, validation);
    TrainOptions o = options_of(*spec_, options);
    o.read = [this](const Sample& sample) { return faces_->read(sample.line); };
    SplitOptions split;
    split.train_share = 1 - validation_share;
    split.by_identity = !spec_->embeds && !identities.empty();
    split.seed = o.seed;
    auto parts = value_of(split_dataset(data_, split));
    trainer_ = std::make_unique<Trainer>(
        value_of(Trainer::create(*spec_, native_training_backend(), data_, std::move(parts), o)));
    if (start != nullptr) start_from(start->model());
  }

  /// Runs an epoch. Returns (epoch, loss, srcc, plcc, kendall, rmse, final_score, accuracy, images_per_s). Ctrl-C ends it
  /// with KeyboardInterrupt. Throws Failure.
  nb::object run_epoch() {
    Status status;
    bool done = true;
    {
      const nb::gil_scoped_release unlocked;
      status = detail::with_memory_errors("", [&]() -> Status {
        const auto finished = trainer_->run_epoch([](std::size_t, std::size_t) {
          const nb::gil_scoped_acquire locked;
          return PyErr_CheckSignals() == 0;
        });
        if (finished) done = *finished;
        return finished.status();
      });
    }
    if (!done) throw nb::python_error();
    check(status);
    const EpochRow& row = trainer_->state().log.back();
    if (trainer_->state().best_epoch == row.epoch) keep_best();
    return nb::make_tuple(row.epoch, row.loss, row.val.srcc, row.val.plcc, row.val.kendall, row.val.rmse,
                          row.val.final_score, row.accuracy, row.images_per_s);
  }

  int epochs() const { return trainer_->options().epochs; }
  int best_epoch() const { return trainer_->state().best_epoch; }
  /// The network with the weights of the best epoch, or of the start.
  NativeModel model() const {
    Model model(*spec_, native_backend(), trainer_->options().seed);
    const Span<const float> from =
        best_.empty() ? trainer_->result() : Span<const float>(best_.data(), best_.size());
    // A recogniser's training has class weights behind its parameters.
    std::copy_n(from.begin(), model.block().size, model.block().begin());
    model.set_input(trainer_->train_loader().options().input);
    model.pack();
    return NativeModel(std::move(model), metrics_);
  }

 private:
  static void check_count(std::size_t count, std::size_t images, const char* name) {
    if (count != 0 && count != images)
      check(Status::error(Errc::bad_argument, images, " images, but ", count, " ", name,
                          "; give one for each image"));
  }

  void fill(const std::vector<double>& labels, const std::vector<std::string>& identities,
            const std::vector<std::size_t>& validation) {
    check_count(labels.size(), faces_->count(), "labels");
    check_count(identities.size(), faces_->count(), spec_->embeds ? "names" : "groups");
    if (labels.empty() && !spec_->embeds)
      throw nb::value_error("labels must be numbers: the quality of each image");
    if (identities.empty() && spec_->embeds)
      throw nb::value_error("the labels of a recogniser must be names (str): the person in each image");
    data_.path = "images";
    data_.samples.resize(faces_->count());
    for (std::size_t i = 0; i < faces_->count(); ++i) {
      Sample& sample = data_.samples[i];
      sample.path = sample.file = faces_->name(i);
      sample.line = i;
      sample.crop = faces_->crop(i);
      sample.is_face = !sample.crop.box && !sample.crop.landmarks;
      if (!labels.empty()) sample.score = labels[i];
      if (!identities.empty()) sample.identity = identities[i];
      if (!validation.empty()) sample.split = Split::train;
    }
    for (const std::size_t i : validation) {
      if (i >= data_.samples.size())
        throw nb::index_error(("validation has " + std::to_string(i) + ", but there are " +
                               std::to_string(data_.samples.size()) + " images")
                                  .c_str());
      data_.samples[i].split = Split::val;
    }
  }

  void start_from(const Model& model) {
    if (&model.spec() != spec_)
      check(Status::error(Errc::mismatch, "the training of ", spec_->name, " can't start from ",
                          model.spec().name));
    std::copy(model.block().begin(), model.block().end(), trainer_->block().begin());
    trainer_->restart_average();
  }

  void keep_best() {
    const Span<const float> weights = trainer_->result();
    best_.assign(weights.begin(), weights.end());
    metrics_ = "validation: " + validation_text(trainer_->state().log.back(), ", ");
  }

  std::shared_ptr<FaceImages> faces_;
  const ModelSpec* spec_;
  Dataset data_;
  std::unique_ptr<Trainer> trainer_;
  std::vector<float> best_;
  std::string metrics_;
};

}  // namespace

void define_training(nb::module_& m) {
  nb::class_<Training>(m, "Training")
      .def(nb::init<const std::string&, const NativeModel*, std::shared_ptr<FaceImages>,
                    const std::vector<double>&, const std::vector<std::string>&,
                    const std::vector<std::size_t>&, double, const nb::dict&>(),
           nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg())
      .def("run_epoch", &Training::run_epoch)
      .def("model", &Training::model)
      .def_prop_ro("epochs", &Training::epochs)
      .def_prop_ro("best_epoch", &Training::best_epoch);
}
