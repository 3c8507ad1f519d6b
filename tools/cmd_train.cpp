// tinyfiqa train: labelled faces in, a trained network out.
#include "backends.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "train_options.hpp"
#include "train_output.hpp"

#include <tinyfiqa/fiqa/checkpoint.hpp>
#include <tinyfiqa/io/weights.hpp>

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {

volatile std::sig_atomic_t stop_signal = 0;
void on_stop_signal(int signal) { stop_signal = signal; }

/// Every setting that the result depends on. The state of a training fits one of these only.
nlohmann::ordered_json settings_json(const TrainWords& w, const TrainOptions& o) {
  return {{"recipe", w.recipe},
          {"model", w.model},
          {"init", w.init},
          {"epochs", o.epochs},
          {"batch", o.batch},
          {"size", std::to_string(o.height) + "x" + std::to_string(o.width)},
          {"loss", loss_name(o.loss)},
          {"alpha", o.alpha},
          {"optim", o.optim.kind == OptimKind::adam    ? "adam"
                    : o.optim.kind == OptimKind::adamw ? "adamw"
                                                       : "sgd"},
          {"lr", o.rate},
          {"backbone_lr", o.backbone_rate},
          {"weight_decay", o.weight_decay},
          {"decay_weights_only", o.decay_weights_only},
          {"lr_schedule", o.schedule.kind == ScheduleKind::step     ? "step"
                          : o.schedule.kind == ScheduleKind::cosine ? "cosine"
                                                                    : "constant"},
          {"lr_step", o.schedule.period},
          {"lr_gamma", o.schedule.gamma},
          {"warm_up", o.schedule.warm_up},
          {"clip", o.clip},
          {"ema", o.average},
          {"freeze", o.frozen},
          {"freeze_norms", o.frozen_norms},
          {"hflip", o.augmentation.hflip},
          {"train_share", w.train_share},
          {"split_by_identity", w.split_by_identity},
          {"seed", o.seed},
          {"threads", o.threads},
          {"isa", w.isa}};
}

class TrainRun {
 public:
  TrainRun(TrainWords words, std::vector<std::string> command_line)
      : words_(std::move(words)), command_line_(std::move(command_line)), output_("") {}

  /// Everything up to the first step. Errors: bad_argument for wrong usage, others as they come.
  Status prepare();
  int train();

 private:
  Status resume_words();
  Status make_folder() const;
  Status start_weights();
  Status load_rows();
  void print_epoch() const;
  Status save() const { return save_checkpoint(output_.state_path(), *trainer_, fingerprint_); }

  TrainWords words_;
  std::vector<std::string> command_line_;  ///< after "train"
  TrainOptions options_;
  std::unique_ptr<Dataset> rows_;
  std::unique_ptr<Trainer> trainer_;
  TrainOutput output_;
  std::string fingerprint_;
};

/// The words that the training was begun with, read from its folder, in the folder where they were written.
Status TrainRun::resume_words() {
  if (command_line_.size() > 2)
    return Status::error(Errc::bad_argument,
                         "--resume takes the options that the training was begun with; give no others");
  const std::string folder = fs::absolute(words_.resume).string();
  const auto file = read_file(folder + "/run.json");
  if (!file) return file.status();
  const auto run = nlohmann::json::parse(file->bytes.begin(), file->bytes.end(), nullptr, false);
  if (run.is_discarded() || !run.contains("command_line") || !run.contains("directory"))
    return Status::error(Errc::bad_format, folder,
                         "/run.json: not what a training writes; it can't be resumed");
  auto words = run["command_line"].get<std::vector<std::string>>();
  command_line_ = words;
  std::error_code error;
  fs::current_path(run["directory"].get<std::string>(), error);
  if (error)
    return Status::error(Errc::not_found, run["directory"].get<std::string>(),
                         ": the folder that the training was begun in is gone");
  CLI::App app;
  TrainWords begun;
  begun.add_to(app);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    return Status::error(Errc::bad_format, folder, "/run.json: ", e.what());
  }
  begun.out = begun.resume = folder;
  words_ = std::move(begun);
  return {};
}

Status TrainRun::make_folder() const {
  std::error_code error;
  fs::create_directories(words_.out, error);
  if (!fs::is_directory(words_.out))
    return Status::error(Errc::cannot_write, "--out ", words_.out,
                         ": can't make this folder: ", error.message());
  if (words_.resume.empty() && fs::exists(output_.state_path()))
    return Status::error(Errc::bad_argument, words_.out,
                         " holds a training already: go on with it by --resume ", words_.out,
                         ", or choose another --out");
  return {};
}

Status TrainRun::load_rows() {
  auto rows = read_data(words_.data);
  if (!rows) return rows.status();
  rows_ = std::make_unique<Dataset>(std::move(*rows));
  SplitOptions split;
  split.train_share = words_.train_share;
  split.by_identity = words_.split_by_identity;
  split.seed = words_.seed;
  auto parts = split_dataset(*rows_, split);
  if (!parts) return parts.status();
  const auto backend = backend_option(words_.isa);
  if (!backend) return backend.status();
  auto trainer = Trainer::create(*find_model(words_.model), **backend, *rows_, std::move(*parts), options_);
  if (!trainer) return trainer.status();
  trainer_ = std::make_unique<Trainer>(std::move(*trainer));
  return {};
}

Status TrainRun::start_weights() {
  if (words_.init.empty()) return {};
  LoadOptions load;
  load.head = trainer_->model().spec().head;
  const auto report = load_weights(words_.init, trainer_->model().params(), trainer_->block(), load);
  if (!report) return report.status();
  for (const auto& note : report->notes) print_note(words_.init + ": " + note);
  return {};
}

Status TrainRun::prepare() {
  if (!words_.resume.empty())
    if (const Status s = resume_words(); !s) return s;
  const auto options = words_.settle();
  if (!options) return options.status();
  options_ = *options;
  output_ = TrainOutput(words_.out);
  if (const Status s = make_folder(); !s) return s;
  if (const Status s = load_rows(); !s) return s;
  const auto settings = settings_json(words_, options_);
  fingerprint_ = settings.dump() + " " + digest(*rows_);
  if (!words_.resume.empty()) {
    if (!fs::exists(output_.state_path())) {  // ended before its first epoch did
      print_note(words_.out + ": no epoch was finished; the training begins anew");
      return start_weights();
    }
    return load_checkpoint(output_.state_path(), *trainer_, fingerprint_);
  }
  if (const Status s = start_weights(); !s) return s;
  return output_.write_run({{"tinyfiqa", TINYFIQA_VERSION},
                            {"command_line", command_line_},
                            {"directory", fs::current_path().string()},
                            {"options", settings},
                            {"data", words_.data.csv},
                            {"data_digest", digest(*rows_)},
                            {"train_images", trainer_->train_loader().rows().size()},
                            {"val_images", trainer_->val_loader().rows().size()}});
}

void TrainRun::print_epoch() const {
  const EpochRow& r = trainer_->state().log.back();
  const double left_s = static_cast<double>(options_.epochs - r.epoch) *
                        static_cast<double>(trainer_->train_loader().rows().size()) /
                        std::max(r.images_per_s, 1e-9);
  std::printf("epoch %3d/%d  loss %.5f  SRCC %.4f  PLCC %.4f  RMSE %.4f  %.0f images/s  %d:%02d left\n",
              r.epoch, options_.epochs, r.loss, r.val.srcc, r.val.plcc, r.val.rmse, r.images_per_s,
              static_cast<int>(left_s) / 60, static_cast<int>(left_s) % 60);
  std::fflush(stdout);
}

int TrainRun::train() {
  Trainer& trainer = *trainer_;
  const auto fail = [](const Status& status) {
    print_error(status);
    return exit_some_failed;
  };
  std::signal(SIGINT, on_stop_signal);
  std::signal(SIGTERM, on_stop_signal);
  while (trainer.state().epoch < options_.epochs) {
    Progress progress(trainer.train_loader().batches(), "batches");
    const auto done = trainer.run_epoch([&](std::size_t batches, std::size_t) {
      progress.show(batches);
      return stop_signal == 0;
    });
    progress.clear();
    if (!done) return fail(done.status());
    if (!*done) {
      if (const Status s = save(); !s) return fail(s);
      std::fprintf(stderr, "tinyfiqa: stopped in epoch %d; go on with: tinyfiqa train --resume %s\n",
                   trainer.state().epoch + 1, words_.out.c_str());
      return 128 + stop_signal;
    }
    if (const Status s = output_.write_epoch(trainer); !s) return fail(s);
    if (const Status s = save(); !s) return fail(s);
    print_epoch();
  }
  std::printf(
      "best: epoch %d, final score %.4f, in %s/best.safetensors (%.0f MiB for training beside %.0f MiB of "
      "weights and state)\n",
      trainer.state().best_epoch, trainer.state().best_score, words_.out.c_str(),
      static_cast<double>(trainer.peak_bytes()) / 1048576,
      static_cast<double>(trainer.block().size) * 16 / 1048576);
  return exit_done;
}

}  // namespace

void add_train(CLI::App& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto words = std::make_shared<TrainWords>();
  CLI::App* sub = app.add_subcommand("train", "Train a network on labelled faces");
  words->add_to(*sub);
  sub->footer(
      "The rows are split into 80 % to train on and 20 % to validate on, or as a column split says; the "
      "epoch with the\n"
      "best final score (mean of SRCC and PLCC) on the latter is kept. Ctrl-C finishes the step and saves; "
      "--resume goes\n"
      "on to the same result, to the bit, as without the stop.\n\n"
      "Example:\n  tinyfiqa train --data examples/faces/labels.csv --model tinyfqnet --epochs 2 --batch 2 "
      "--train-share 0.5 "
      "--out /tmp/tinyfiqa_run");
  sub->callback([words, &exit_code, &command_line] {
    TrainRun run(*words, command_line);
    const Status status = run.prepare();
    if (status.ok()) {
      exit_code = run.train();
      return;
    }
    print_error(status);
    exit_code = exit_usage;
  });
}
