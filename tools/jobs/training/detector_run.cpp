#include "jobs/training/detector_run.hpp"

#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/training/checkpoint.hpp>

#include "charts/charts.hpp"
#include "decoders/photo.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"
#include "jobs/text_file.hpp"
#include "jobs/training/contents_digest.hpp"
#include "jobs/training/epoch_loop.hpp"
#include "options/model_options.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {

/// Photos are kept in memory at most this long on their longer side.
constexpr int longest_side = 480;
constexpr std::size_t most_validation_photos = 400;

/// Options of other recipes.
Status check_unused(const TrainArguments& a) {
  const std::pair<bool, const char*> wrong[] = {{a.loss.has_value(), "--loss"},
                                                {a.optim.has_value(), "--optim"},
                                                {a.lr_schedule.has_value(), "--lr-schedule"},
                                                {a.backbone_lr.has_value(), "--backbone-lr"},
                                                {a.micro_batch > 0, "--micro-batch"},
                                                {!a.freeze.empty(), "--freeze"},
                                                {a.freeze_norms, "--freeze-norms"}};
  for (const auto& [given, name] : wrong)
    if (given) return Status::error(Errc::bad_argument, "--recipe detector does not use ", name);
  if (a.teacher.empty())
    return Status::error(
        Errc::bad_argument,
        "--recipe detector learns from another detector: give its weights with --teacher FILE");
  return {};
}

Result<TrainingPhoto> prepared_photo(const std::string& file, bool faceless) {
  auto image = read_training_photo(file);
  if (!image) return image.status();
  const int longest = std::max(image->width, image->height);
  if (longest > longest_side) {
    const auto part = [&](int side) { return std::max(1, side * longest_side / longest); };
    image = resize_image(*image, part(image->height), part(image->width));
  }
  return TrainingPhoto{std::move(*image), faceless};
}

std::string log_csv(const std::vector<DetectorEpoch>& log) {
  std::string text = "epoch,loss,object,face,box,landmarks,recall,precision,f1,landmark_error,images_per_s\n";
  for (const DetectorEpoch& r : log) {
    char line[256];
    std::snprintf(line, sizeof line, "%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.5f,%.5f,%.5f,%.5f,%.1f\n", r.epoch,
                  r.loss, r.object, r.face, r.box, r.landmarks, r.agreement.recall(), r.agreement.precision(),
                  r.agreement.f1(), r.agreement.landmark_error, r.images_per_s);
    text += line;
  }
  return text;
}

std::string curves_svg(const std::vector<DetectorEpoch>& log) {
  ChartSeries loss{"training loss", {}, {}}, recall{"recall", {}, {}}, precision{"precision", {}, {}},
      error{"landmark error", {}, {}};
  for (const DetectorEpoch& r : log) {
    for (auto* s : {&loss, &recall, &precision, &error}) s->x.push_back(r.epoch);
    loss.y.push_back(r.loss);
    recall.y.push_back(r.agreement.recall());
    precision.y.push_back(r.agreement.precision());
    error.y.push_back(r.agreement.landmark_error);
  }
  return svg_document(
      {line_chart({"Training loss", "", "epoch", "loss of a face"}, {loss}),
       line_chart({"Agreement with the teacher", "", "epoch", "share of faces"}, {recall, precision}),
       line_chart({"Landmarks", "", "epoch", "distance from the teacher's, in eye distances"}, {error})});
}

std::string agreement_text(const DetectorAgreement& a, const char* between = "  ") {
  char text[200];
  std::snprintf(text, sizeof text, "recall %.4f%sprecision %.4f%slandmark error %.4f", a.recall(), between,
                a.precision(), between, a.landmark_error);
  return text;
}

}  // namespace

Status DetectorRun::read_settings() {
  TrainArguments& a = arguments_;
  if (a.data.csv.empty())
    return Status::error(Errc::bad_argument,
                         "give the CSV of photos with --data, or continue a training with --resume DIR");
  if (a.out.empty()) return Status::error(Errc::bad_argument, "give the folder to write to with --out DIR");
  a.choose_recipe();
  if (const Status s = check_unused(a); !s) return s;
  if (a.size.height != a.size.width)
    return Status::error(Errc::bad_argument, "--size: a detector is trained on squares, such as 256x256");
  DetectorTrainOptions& o = options_;
  o.epochs = a.epochs.value_or(o.epochs);
  o.batch = a.batch.value_or(o.batch);
  o.images = a.epoch_images.value_or(o.images);
  if (a.size.height > 0) o.side = a.size.height;
  o.rate = a.lr.value_or(o.rate);
  o.weight_decay = a.weight_decay.value_or(o.weight_decay);
  o.warm_up = a.warm_up.value_or(o.warm_up);
  if (a.clip > 0) o.clip = a.clip;
  if (a.ema > 0) o.average = a.ema;
  o.seed = a.seed;
  o.threads = thread_count(a.threads);
  settings_ = {{"recipe", a.recipe},   {"model", a.model},
               {"init", a.init},       {"teacher", a.teacher},
               {"epochs", o.epochs},   {"epoch_images", o.images},
               {"batch", o.batch},     {"size", std::to_string(o.side) + "x" + std::to_string(o.side)},
               {"lr", o.rate},         {"weight_decay", o.weight_decay},
               {"clip", o.clip},       {"ema", o.average},
               {"warm_up", o.warm_up}, {"seed", o.seed},
               {"threads", o.threads}, {"isa", a.isa}};
  return {};
}

Status DetectorRun::read_rows() {
  DataOptions& data = arguments_.data;
  data.dataset.need_score = false;
  data.dataset.use_crops = false;
  const auto table = read_csv(data.csv);
  if (!table) return table.status();
  auto rows = read_data(data, *table);
  if (!rows) return rows.status();
  rows_ = std::move(*rows);
  faceless_.assign(rows_.samples.size(), false);
  if (table->column("kind") == CsvTable::npos) return {};
  const auto kinds = column_by_line(*table, "kind", "kind");
  if (!kinds) return kinds.status();
  for (std::size_t i = 0; i < rows_.samples.size(); ++i) {
    const auto kind = kinds->find(rows_.samples[i].line);
    faceless_[i] = kind != kinds->end() && kind->second == "background";
  }
  return {};
}

/// Decodes all photos, on all threads.
std::vector<Result<TrainingPhoto>> DetectorRun::decode_photos() const {
  const std::size_t count = rows_.samples.size();
  std::vector<Result<TrainingPhoto>> photos;
  photos.reserve(count);
  std::vector<int> workers(static_cast<std::size_t>(options_.threads));
  Progress progress(count, "photos read");
  const auto read = [&](int, std::size_t i) { return prepared_photo(rows_.samples[i].file, faceless_[i]); };
  OrderedRun<Result<TrainingPhoto>>(count).start(workers, read,
                                                 [&](std::size_t i, Result<TrainingPhoto> photo) {
                                                   photos.push_back(std::move(photo));
                                                   progress.show(i + 1);
                                                 });
  return photos;
}

Status DetectorRun::read_photos() {
  if (const Status s = read_rows(); !s) return s;
  arguments_.train_share = std::max(
      0.95, 1 - static_cast<double>(most_validation_photos) / static_cast<double>(rows_.samples.size()));
  const auto split = arguments_.split(rows_);
  if (!split) return split.status();
  auto read = decode_photos();
  const auto take = [&](const std::vector<std::size_t>& from, std::vector<TrainingPhoto>& to) {
    for (const std::size_t i : from) {
      if (!read[i] && !arguments_.data.dataset.skip_bad) return read[i].status();
      if (!read[i]) print_error(read[i].status());
      if (!read[i]) continue;
      faceless_count_ += read[i]->faceless ? 1 : 0;
      to.push_back(std::move(*read[i]));
    }
    return Status();
  };
  if (const Status s = take(split->train, photos_); !s) return s;
  if (const Status s = take(split->val, val_photos_); !s) return s;
  photo_count_ = photos_.size();
  val_count_ = val_photos_.size();
  return {};
}

Status DetectorRun::make_trainer() {
  const auto backend = backend_option(arguments_.isa);
  if (!backend) return backend.status();
  auto teacher = read_model(arguments_.teacher, "", **backend);
  if (!teacher) return teacher.status().prefixed("--teacher ");
  const auto spec = model_option(arguments_.model);
  if (!spec) return spec.status();
  auto trainer = DetectorTrainer::create(**spec, *choose_training_backend((*backend)->isa),
                                         std::make_shared<const Model>(std::move(*teacher)),
                                         std::move(photos_), std::move(val_photos_), options_);
  if (!trainer) return trainer.status();
  trainer_ = std::make_unique<DetectorTrainer>(std::move(*trainer));
  return {};
}

Status DetectorRun::write_run() const {
  nlohmann::ordered_json run{{"tinyfiqa", TINYFIQA_VERSION}};
  run["command_line"] = command_line_;
  run["directory"] = fs::current_path().string();
  run["options"] = settings_;
  run["data"] = arguments_.data.csv;
  run["data_digest"] = digest(rows_);
  run["train_photos"] = photo_count_;
  run["val_photos"] = val_count_;
  run["photos_without_faces"] = faceless_count_;
  return output_.write_run(run);
}

Status DetectorRun::prepare() {
  if (const Status s = read_settings(); !s) return s;
  output_ = TrainOutput(arguments_.out);
  auto folder = RunFolder::open(arguments_.out, "state.safetensors");
  if (!folder) return folder.status();
  folder_ = std::move(*folder);
  const bool resumable = fs::exists(output_.state_path());
  if (arguments_.resume.empty() && resumable)
    return Status::error(Errc::bad_argument, arguments_.out,
                         " already contains a training; continue it with --resume ", arguments_.out,
                         ", or choose another --out");
  if (const Status s = read_photos(); !s) return s;
  fingerprint_ = settings_.dump() + " " + digest(rows_) + " " + contents_digest(rows_, options_.threads);
  if (const Status s = make_trainer(); !s) return s;
  if (resumable) return load_checkpoint(output_.state_path(), *trainer_, fingerprint_);
  if (!arguments_.init.empty()) {
    const auto report = load_weights(arguments_.init, trainer_->model().params(), trainer_->block());
    if (!report) return report.status();
    trainer_->restart_average();
  }
  return write_run();
}

Status DetectorRun::write_epoch() const {
  const DetectorTrainState& s = trainer_->state();
  const DetectorEpoch& row = s.log.back();
  for (const std::string name : {"best", "last"}) {
    if (name == "best" && s.best_epoch != s.epoch) continue;
    const Status saved = save_params(
        output_.folder() + "/" + name + ".safetensors", trainer_->model().params(), trainer_->result(),
        {{"model", trainer_->model().spec().name},
         {"made_by", "tinyfiqa " TINYFIQA_VERSION},
         {"epoch", std::to_string(row.epoch)},
         {"metrics", "agreement with the teacher: " + agreement_text(row.agreement, ", ") + ", n " +
                         std::to_string(row.agreement.photos) + " photos"}});
    if (!saved) return saved;
  }
  if (const Status status = write_text(output_.folder() + "/log.csv", log_csv(s.log)); !status) return status;
  return write_text(output_.folder() + "/curves.svg", curves_svg(s.log));
}

void DetectorRun::print_epoch() const {
  const DetectorEpoch& r = trainer_->state().log.back();
  const double left = static_cast<double>(options_.epochs - r.epoch) * options_.images;
  std::printf("epoch %3d/%d  loss %.4f (object %.3f face %.3f box %.3f landmarks %.3f)  %s%s\n", r.epoch,
              options_.epochs, r.loss, r.object, r.face, r.box, r.landmarks,
              agreement_text(r.agreement).c_str(), speed_text(r.images_per_s, left).c_str());
  std::fflush(stdout);
}

int DetectorRun::train() {
  EpochLoop loop;
  loop.epochs = options_.epochs;
  loop.batches = trainer_->batches();
  loop.resume_command = "tinyfiqa train --resume " + arguments_.out;
  loop.write_epoch = [&] { return write_epoch(); };
  loop.save = [&] {
    const Status there = folder_.check();
    return there ? save_checkpoint(output_.state_path(), *trainer_, fingerprint_) : there;
  };
  loop.print_epoch = [&] { print_epoch(); };
  const int exit_code = run_epochs(*trainer_, loop);
  const DetectorTrainState& state = trainer_->state();
  if (exit_code == exit_done)
    std::printf("best: epoch %d, F1 %.4f, in %s/best.safetensors\n", state.best_epoch, state.best_score,
                arguments_.out.c_str());
  return exit_code;
}
