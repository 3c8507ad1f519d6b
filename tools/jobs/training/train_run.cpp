#include "jobs/training/train_run.hpp"

#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/progress.hpp"
#include "jobs/training/contents_digest.hpp"
#include "jobs/training/epoch_loop.hpp"
#include "jobs/training/run_command.hpp"
#include "jobs/training/training_rows.hpp"
#include "jobs/verification/identities.hpp"

#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/training/checkpoint.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <mutex>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {

double mib(std::size_t bytes) { return static_cast<double>(bytes) / 1048576; }

/// The peak memory of this process so far.
double process_peak_mib() {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  return static_cast<double>(usage.ru_maxrss) / 1048576;
#else
  return static_cast<double>(usage.ru_maxrss) / 1024;
#endif
}

const char* optim_name(OptimKind kind) {
  return kind == OptimKind::adam ? "adam" : kind == OptimKind::adamw ? "adamw" : "sgd";
}
const char* schedule_name(ScheduleKind kind) {
  constexpr const char* names[] = {"constant", "step", "multi-step", "cosine"};
  return names[static_cast<unsigned char>(kind)];
}

nlohmann::ordered_json optimizer_json(const TrainOptions& o) {
  return {{"optim", optim_name(o.optim.kind)},
          {"momentum", o.optim.momentum},
          {"nesterov", o.optim.nesterov},
          {"lr", o.rate},
          {"backbone_lr", o.backbone_rate},
          {"weight_decay", o.weight_decay},
          {"decay_weights_only", o.decay_weights_only},
          {"lr_schedule", schedule_name(o.schedule.kind)},
          {"lr_step", o.schedule.period},
          {"lr_milestones", o.schedule.milestones},
          {"lr_gamma", o.schedule.gamma},
          {"warm_up", o.schedule.warm_up},
          {"clip", o.clip},
          {"ema", o.average},
          {"freeze", o.frozen},
          {"freeze_norms", o.frozen_norms}};
}

nlohmann::ordered_json augmentation_json(const TrainArguments& a, const TrainOptions& o) {
  return {{"hflip", o.augmentation.hflip},
          {"crop", a.crop},
          {"color", a.color},
          {"blur", a.blur},
          {"jpeg", a.jpeg},
          {"grey", a.grey}};
}

/// "2 processes of 1 thread".
std::string computer_text(int ranks, int threads) {
  return std::to_string(ranks) + (ranks == 1 ? " process of " : " processes of ") + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

/// All settings that the result depends on. A saved state is valid only for the settings that it was saved
/// with (without the number of threads, which changes the rounding), so the order of the keys must not change.
nlohmann::ordered_json settings_json(const TrainArguments& a, const TrainOptions& o) {
  nlohmann::ordered_json json{{"recipe", a.recipe},
                              {"model", a.model},
                              {"init", a.init},
                              {"epochs", o.epochs},
                              {"batch", o.batch},
                              {"micro_batch", o.micro_batch},
                              {"size", std::to_string(o.height) + "x" + std::to_string(o.width)},
                              {"loss", loss_name(o.loss)},
                              {"alpha", o.alpha}};
  json.update(optimizer_json(o));
  json.update(augmentation_json(a, o));
  json.update({{"train_share", a.train_share},
               {"split_by_identity", a.split_by_identity},
               {"seed", o.seed},
               {"threads", o.threads},
               {"isa", a.isa}});
  if (o.sync_norms != SyncNorms::automatic) json["sync_norms"] = o.sync_norms == SyncNorms::on ? "on" : "off";
  if (!a.recognises()) return json;
  json["scale"] = o.margin.scale;
  json["margin"] = o.margin.margin;
  json["easy_margin"] = o.margin.easy;
  json["folder_identities"] = a.folder_identities;
  return json;
}

}  // namespace

Status resume_arguments(const std::string& folder, const std::function<void(const Command&)>& add_options,
                        std::vector<std::string>& command_line) {
  if (command_line.size() > 2)
    return Status::error(Errc::bad_argument,
                         "--resume uses the options with which the training was started; remove the others");
  const auto file = read_file(folder + "/run.json");
  if (!file) return file.status();
  const auto run = read_run_command(*file);
  if (!run) return run.status();
  command_line = run->words;
  const std::string& directory = run->directory;
  std::error_code error;
  fs::current_path(directory, error);
  if (error)
    return Status::error(
        Errc::not_found, directory,
        ": the training was started in this folder, which does not exist any more; restore it");
  const CommandLine line;
  add_options(line.root());
  const std::string wrong = line.read(run->words);
  if (!wrong.empty()) return Status::error(Errc::bad_format, folder, "/run.json: ", wrong);
  return {};
}

Status TrainRun::make_folder() {
  if (!ranks_->first()) return {};
  auto folder = RunFolder::open(arguments_.out, "state.safetensors");
  if (!folder) return folder.status();
  folder_ = std::move(*folder);
  if (arguments_.resume.empty() && fs::exists(output_.state_path()))
    return Status::error(Errc::bad_argument, arguments_.out,
                         " already contains a training; continue it with --resume ", arguments_.out,
                         ", or choose another --out");
  return {};
}

/// Checks the identities that a recogniser is trained with.
Status TrainRun::find_people(Dataset& rows) const {
  return arguments_.recognises() ? find_identities(rows, arguments_.folder_identities).status() : Status();
}

/// Refuses labels that the network can't learn. Errors: bad_argument.
Status TrainRun::check_labels(const Dataset& rows) const {
  const Status status = tinyfiqa::check_labels(*find_model(arguments_.model), rows);
  if (status) return status;
  return Status::error(status.code(), status.message(), ", or name their range, such as --label-range 0,100");
}

Result<Trainer> TrainRun::create_trainer(const Dataset& rows) const {
  auto parts = arguments_.split(rows);
  if (!parts) return parts.status();
  const auto backend = backend_option(arguments_.isa);
  if (!backend) return backend.status();
  return Trainer::create(*find_model(arguments_.model), *choose_training_backend((*backend)->isa), rows,
                         std::move(*parts), options_);
}

/// Reads the rows. The first process finds the faces that the table does not give; the others wait, and take those, as a
/// training does that is resumed.
Status TrainRun::read_rows() {
  arguments_.data.dataset.need_score = !arguments_.recognises();
  const auto check = [&](Dataset& all) {
    if (const Status s = check_labels(all); !s) return s;
    const Status people = find_people(all);
    return people ? create_trainer(all).status() : people;
  };
  TrainArguments arguments = arguments_;
  if (!ranks_->first()) {
    options_.ranks->barrier();
    arguments.resume = arguments.out;
  }
  auto rows = read_training_rows(arguments, find_model(arguments_.model)->input.crop, check);
  if (!rows) return rows.status();
  if (ranks_->first() && options_.ranks != nullptr) options_.ranks->barrier();
  if (const Status s = check_labels(*rows); !s) return s;
  if (const Status s = find_people(*rows); !s) return s;
  rows_ = std::make_shared<const Dataset>(std::move(*rows));
  return {};
}

Status TrainRun::make_trainer() {
  if (rows_ == nullptr)
    if (const Status s = read_rows(); !s) return s;
  auto trainer = create_trainer(*rows_);
  if (!trainer) return trainer.status();
  trainer_ = std::make_unique<Trainer>(std::move(*trainer));
  return check_images();
}

/// Decodes every image before the first step. Images that fit into the cache stay in memory.
Status TrainRun::check_images() {
  const bool skip = arguments_.data.dataset.skip_bad;
  std::mutex mutex;
  Progress progress(trainer_->train_loader().rows().size() + trainer_->val_loader().rows().size(),
                    "images checked");
  const auto bad = trainer_->check_images(skip, [&](std::size_t done) {
    const std::lock_guard<std::mutex> lock(mutex);
    progress.show(done);
  });
  progress.clear();
  if (bad.empty()) return {};
  if (ranks_->first()) print_problems(arguments_.data.csv, bad);
  if (!skip)
    return Status::error(Errc::bad_format, arguments_.data.csv, ": ", bad.size(),
                         " images can't be used; replace them, or skip them with --skip-bad");
  print_note(arguments_.data.csv + ": skipped " + std::to_string(bad.size()) + " images");
  return trainer_->check_rows();
}

Status TrainRun::start_weights() {
  if (arguments_.init.empty()) return {};
  LoadOptions load;
  load.head = trainer_->model().spec().head;
  if (trainer_->recognises()) load.may_be_missing.push_back(class_weights_name);
  const auto report = load_weights(arguments_.init, trainer_->model().params(), trainer_->block(), load);
  if (!report) return report.status();
  trainer_->restart_average();
  for (const auto& note : report->notes) print_note(arguments_.init + ": " + note);
  return {};
}

/// Sets the fingerprint, and checks that all processes have the same. Errors: mismatch.
Status TrainRun::identify_run(const nlohmann::ordered_json& settings) {
  nlohmann::ordered_json kept = settings;
  kept.erase("threads");
  const std::string own = kept.dump() + " " + digest(*rows_);
  std::string first = own;
  detail::broadcast_text(options_.ranks, first);
  if (detail::some_rank(options_.ranks, own != first))
    return Status::error(
        Errc::mismatch, arguments_.data.csv,
        ": the processes have different options or read different tables; give all the same");
  std::string contents = ranks_->first() ? contents_digest(*rows_, options_.threads) : "";
  detail::broadcast_text(options_.ranks, contents);
  fingerprint_ = own + " " + contents;
  return {};
}

/// Continues from the saved state, which the first process reads. Returns false if there is none.
Result<bool> TrainRun::load_state() {
  const std::string path = output_.state_path();
  std::string content;  // one byte more than the file, so that an empty file is one
  if (ranks_->first() && fs::exists(path)) {
    const auto file = read_file(path);
    if (!file) return file.status();
    content.assign(1, ' ').append(file->bytes.begin(), file->bytes.end());
  }
  detail::broadcast_text(options_.ranks, content);
  if (content.empty()) return false;
  const Bytes bytes(reinterpret_cast<const unsigned char*>(content.data()) + 1, content.size() - 1);
  if (const Status s = load_checkpoint(FileBytes::from_memory(bytes, path), *trainer_, fingerprint_); !s)
    return s;
  const TrainState& state = trainer_->state();
  if (state.ranks != ranks_->size() || state.threads != options_.threads)
    print_note(arguments_.out + ": trained by " + computer_text(state.ranks, state.threads) +
               " so far, goes on with " + computer_text(ranks_->size(), options_.threads) +
               "; that changes the rounding");
  return true;
}

Status TrainRun::prepare() {
  if (arguments_.threads == 0) arguments_.threads = ranks_->own_processors();
  const auto options = arguments_.settings();
  if (!options) return options.status();
  options_ = *options;
  options_.ranks = ranks_->communicator();
  options_.background_ranks = ranks_->background();
  output_ = TrainOutput(arguments_.out);
  if (const Status s = make_folder(); !s) return s;
  if (const Status s = make_trainer(); !s) return s;
  const auto settings = settings_json(arguments_, options_);
  if (const Status s = identify_run(settings); !s) return s;
  const auto continues = load_state();
  if (!continues || *continues) return continues.status();
  if (!arguments_.resume.empty())
    print_note(arguments_.out + ": no state was saved yet, so the training starts from the beginning");
  if (const Status s = start_weights(); !s) return s;
  if (!ranks_->first()) return {};
  nlohmann::ordered_json run{{"tinyfiqa", TINYFIQA_VERSION}};
  if (!command_line_.empty()) run["command_line"] = command_line_;
  run["directory"] = fs::current_path().string();
  run["processes"] = ranks_->size();
  run["options"] = settings;
  run["data"] = arguments_.data.csv;
  run["data_digest"] = digest(*rows_);
  run["train_images"] = trainer_->train_loader().rows().size();
  run["val_images"] = trainer_->val_loader().rows().size();
  return output_.write_run(run);
}

void TrainRun::print_epoch() const {
  const EpochRow& r = trainer_->state().log.back();
  const double left = static_cast<double>(options_.epochs - r.epoch) *
                      static_cast<double>(trainer_->train_loader().rows().size());
  std::printf("epoch %3d/%d  loss %.5f  %s%s\n", r.epoch, options_.epochs, r.loss, validation_text(r).c_str(),
              speed_text(r.images_per_s, left).c_str());
  std::fflush(stdout);
}

void TrainRun::print_end() const {
  const TrainState& s = trainer_->state();
  std::printf("best: epoch %d, %s %.4f, in %s/best.safetensors\n", s.best_epoch,
              trainer_->recognises() ? "accuracy" : "final score", s.best_score, arguments_.out.c_str());
  std::printf("memory: %.0f MiB for a step, %.0f MiB of weights and state; peak of the program: %.0f MiB\n",
              mib(trainer_->peak_bytes()), mib(trainer_->block().size * 4 * sizeof(float)),
              process_peak_mib());
  print_traffic();
  std::fflush(stdout);
}

void TrainRun::print_traffic() const {
  if (ranks_->size() == 1 || steps_ == 0) return;
  const double step = mib(ranks_->sent_bytes()) / static_cast<double>(steps_);
  const ParamRange trained = range_of(trainer_->model().params(), true);
  const double gradient = mib((trained.last - trained.first) * sizeof(float));
  std::printf("%s: each sends %.2f MiB a step, %.2f times the gradient\n",
              computer_text(ranks_->size(), options_.threads).c_str(), step, step / gradient);
}

int TrainRun::train() {
  Trainer& trainer = *trainer_;
  EpochLoop loop;
  loop.epochs = options_.epochs;
  loop.batches = trainer.train_loader().batches();
  loop.resume_command = resume_command_;
  loop.count_step = [&] { ++steps_; };
  loop.prints = ranks_->first();
  loop.signal_of_all = [&](int signal) {
    return static_cast<int>(detail::largest_of_ranks(options_.ranks, signal));
  };
  loop.write_epoch = [&] { return ranks_->first() ? output_.write_epoch(trainer) : Status(); };
  loop.save = [&] {
    if (!ranks_->first()) return Status();
    const Status there = folder_.check();
    return there ? save_checkpoint(output_.state_path(), trainer, fingerprint_) : there;
  };
  loop.print_epoch = [&] { print_epoch(); };
  const int exit_code = run_epochs(trainer, loop);
  if (exit_code == exit_done) print_end();
  return exit_code;
}
