#include "jobs/quantise_run.hpp"

#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/detection/detector_input.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/load_model.hpp>

#include "decoders/photo.hpp"
#include "jobs/detector_change.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"
#include "reports/weight_facts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>

using namespace tinyfiqa;

namespace {

Result<RangeRule> range_rule(const std::string& name) {
  if (name == "all") return RangeRule::all;
  if (name == "percentile") return RangeRule::percentile;
  if (name == "error") return RangeRule::square_error;
  if (name == "output") return RangeRule::output_error;
  return Status::error(Errc::bad_argument, "--ranges '", name, "' is not all, percentile, error or output");
}

/// A correlation of fewer images means nothing.
constexpr std::size_t least_compared = 20;

class QuantiseRun {
 public:
  explicit QuantiseRun(const QuantiseRunOptions& options) : options_(options) {}

  Result<QuantiseReport> run();

 private:
  Status read();
  Status check_for_detector() const;
  Status read_faces();
  Result<std::vector<unsigned char>> input_of(const Sample& sample, View view) const;
  Status read_images(Quantiser& quantiser);
  Status fine_tune(Model& whole, Quantiser& quantiser);
  Status compare(std::shared_ptr<const Model> whole);
  Status compare_scores(std::shared_ptr<const Model> whole, const Dataset& faces);
  Status compare_faces(std::shared_ptr<const Model> whole, const Dataset& photos);
  bool is_detector() const { return model_->spec().detector != DetectorFamily::none; }
  Result<std::vector<float>> scores(std::shared_ptr<const Model> model, const Dataset& faces);
  Status write(const Model& whole);

  const QuantiseRunOptions& options_;
  Metadata metadata_;
  std::shared_ptr<const Model> model_;
  Dataset faces_;
  std::vector<bool> used_;             ///< the faces that ranges were measured or weights trained with
  std::vector<unsigned char> images_;  ///< for fine-tuning: as the network sees them, one behind the other
  QuantiseReport report_;
};

Status QuantiseRun::read() {
  std::error_code none;
  if (std::filesystem::equivalent(options_.weights, options_.out, none))
    return Status::error(
        Errc::bad_argument, options_.out,
        ": these are the floats, which are needed to train and to quantise again; give --out another name");
  if (const Status s = check_output_file(options_.out); !s) return s;
  const auto backend = backend_option(options_.isa);
  if (!backend) return backend.status();
  const auto file = read_weight_file(options_.weights, options_.weights_key);
  if (!file) return file.status();
  if (find_metadata(file->metadata, "untrained") != nullptr)
    return Status::error(Errc::bad_argument, options_.weights,
                         ": parts of this network are not trained; train it first");
  auto model = make_model(*file, options_.model, **backend);
  if (!model) return model.status();
  print_file_notes(options_.weights, model->notes());
  metadata_ = file->metadata;
  model_ = std::make_shared<const Model>(std::move(*model));
  return is_detector() ? check_for_detector() : Status();
}

/// Refuses options that a detector has no use for.
Status QuantiseRun::check_for_detector() const {
  const std::pair<bool, const char*> wrong[] = {{options_.finetune_epochs > 0, "--finetune"},
                                                {!options_.data.save_faces.empty(), "--save-faces"},
                                                {options_.data.whole_image, "--whole-image"},
                                                {!options_.data.faces.detector.empty(), "--detector"}};
  for (const auto& [given, name] : wrong)
    if (given)
      return Status::error(Errc::bad_argument, name, " is for networks that score faces, and ",
                           model_->spec().name, " is a detector; leave it out");
  return {};
}

Status QuantiseRun::read_faces() {
  auto faces = read_data(options_.data);
  if (!faces) return faces.status();
  const bool aligned = model_->input().crop == FaceCrop::aligned;
  if (!is_detector())
    if (const Status s = find_table_faces({options_.data, options_.isa, options_.threads}, aligned,
                                          faces->table, faces->data);
        !s)
      return s;
  faces_ = std::move(faces->data);
  used_.resize(faces_.samples.size());
  return {};
}

/// The levels that the network reads of a sample.
Result<std::vector<unsigned char>> QuantiseRun::input_of(const Sample& sample, View view) const {
  if (!sample.status) return sample.status;
  const auto image = read_photo(sample.file);
  if (!image) return image.status();
  const InputSpec& input = model_->input();
  if (is_detector()) return detector_square(*image, input.height, *model_);
  auto face = crop_and_resize(*image, sample.crop, input.crop, input.height, input.width, model_->backend());
  if (!face) return face.status().prefixed(sample.file, ": ");
  return apply_view(*face, view).rgb;
}

/// Reads images that are spread evenly over the table, each as one of the views in turn, and gives the quantiser its
/// share of them.
Status QuantiseRun::read_images(Quantiser& quantiser) {
  const std::size_t count = faces_.samples.size(),
                    for_ranges = std::min(count, static_cast<std::size_t>(options_.images)),
                    tuned = options_.finetune_epochs == 0
                                ? 0
                                : std::min(count, static_cast<std::size_t>(options_.finetune_images)),
                    wanted = std::max(for_ranges, tuned);
  std::vector<View> views = model_->views();
  if (views.empty()) views.push_back(View::identity);
  Progress progress(wanted, "images");
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::size_t at = i * count / wanted;
    const Sample& sample = faces_.samples[at];
    used_[at] = true;
    progress.show(i + 1);
    const auto levels = input_of(sample, views[i % views.size()]);
    if (levels) {
      if ((i + 1) * for_ranges / wanted > i * for_ranges / wanted) quantiser.add(*levels);
      if (tuned > 0) images_.insert(images_.end(), levels->begin(), levels->end());
      continue;
    }
    progress.clear();
    if (++report_.failed <= 10) std::fprintf(stderr, "%s\n", shown_text(levels.status().message()).c_str());
  }
  report_.images = quantiser.images();
  return {};
}

Status QuantiseRun::fine_tune(Model& whole, Quantiser& quantiser) {
  FineTuneOptions how;
  how.epochs = options_.finetune_epochs;
  how.rate = options_.finetune_rate;
  how.threads = thread_count(options_.threads);
  std::optional<Progress> progress;
  how.on_batch = [&](int done, int all) {
    if (!progress) progress.emplace(static_cast<std::size_t>(all), "batches");
    progress->show(static_cast<std::size_t>(done));
    return true;
  };
  const InputSpec& input = model_->input();
  FineTuner tuner(*model_, whole, Span<const unsigned char>(images_.data(), images_.size()), input.height,
                  input.width, how);
  auto report = tuner.run(*choose_training_backend(model_->backend().isa));
  if (!report) return report.status().prefixed(options_.data.csv, ": ");
  report_.fine_tuning = *report;
  return quantiser.measure(whole);
}

Result<std::vector<float>> QuantiseRun::scores(std::shared_ptr<const Model> model, const Dataset& faces) {
  const auto source = QualitySource::of({std::move(model)}, {});
  if (!source) return source.status();
  std::vector<float> raw;
  const Status scored =
      score_samples(*source, faces, options_.threads, [&](std::size_t, const ScoreRow& row) {
        raw.push_back(row.status ? row.score.value : std::numeric_limits<float>::quiet_NaN());
      });
  if (!scored) return scored;
  return raw;
}

/// Compares both networks on images that took no part in the ranges; on all of them if there are no others.
Status QuantiseRun::compare(std::shared_ptr<const Model> whole) {
  Dataset others;
  for (std::size_t i = 0; i < faces_.samples.size(); ++i)
    if (!used_[i]) others.samples.push_back(faces_.samples[i]);
  const bool held_out = others.samples.size() >= least_compared;
  const Dataset& compared = held_out ? others : faces_;
  report_.change.held_out = held_out;
  if (!is_detector()) return compare_scores(std::move(whole), compared);
  report_.faces.emplace().held_out = held_out;
  return compare_faces(std::move(whole), compared);
}

Status QuantiseRun::compare_faces(std::shared_ptr<const Model> whole, const Dataset& photos) {
  std::vector<std::string> files;
  for (const Sample& sample : photos.samples)
    if (sample.status) files.push_back(sample.file);
  const auto agreement = compare_detectors(model_, std::move(whole), files,
                                           options_.data.faces.with_threads(thread_count(options_.threads)));
  if (!agreement) return agreement.status();
  report_.faces->agreement = *agreement;
  return {};
}

Status QuantiseRun::compare_scores(std::shared_ptr<const Model> whole, const Dataset& faces) {
  ScoreChange& change = report_.change;
  const auto before = scores(model_, faces), after = scores(std::move(whole), faces);
  if (!before) return before.status();
  if (!after) return after.status();
  std::vector<double> x, y;
  double raw = 0, quality = 0;
  for (std::size_t i = 0; i < before->size(); ++i) {
    const float a = (*before)[i], b = (*after)[i];
    if (std::isnan(a) || std::isnan(b)) continue;
    x.push_back(static_cast<double>(a));
    y.push_back(static_cast<double>(b));
    raw += std::fabs(static_cast<double>(a - b));
    if (model_->calibration())
      quality += std::fabs(
          static_cast<double>(model_->calibration()->quality(a) - model_->calibration()->quality(b)));
  }
  change.images = x.size();
  if (x.size() < least_compared) return {};
  const double n = static_cast<double>(x.size());
  const auto metrics = compute_metrics(Span<const double>(y), Span<const double>(x));
  if (!metrics) return metrics.status();
  change.spearman = metrics->srcc;
  change.compared = true;
  change.raw = raw / n;
  if (model_->calibration()) change.quality = quality / n;
  return {};
}

Status QuantiseRun::write(const Model& whole) {
  for (const char* key : {"test_vector", "format"}) drop_metadata(metadata_, key);
  set_metadata(metadata_, "precision", "i8");
  set_metadata(metadata_, "made_by", "tinyfiqa " TINYFIQA_VERSION);
  if (const Status s = describe_weights(whole, whole.calibration(), metadata_); !s) return s;
  const auto tensors = whole_tensors(whole.network(), whole.input().levels,
                                     Span<const float>(whole.block().data, whole.block().size));
  if (const Status s = write_safetensors(options_.out, tensors, metadata_); !s) return s;
  const auto again = read_weight_file(options_.out);
  if (!again) return again.status();
  auto checked = check_weights(*again, whole.backend());
  if (!checked) return checked.status();
  report_.checked = std::move(*checked);
  report_.bytes = static_cast<std::size_t>(std::filesystem::file_size(options_.out));
  return {};
}

Result<QuantiseReport> QuantiseRun::run() {
  const auto rule = range_rule(options_.ranges);
  if (!rule) return rule.status();
  if (const Status s = read(); !s) return s;
  std::optional<Progress> progress;
  const auto show = [&](const char* what) {
    return [&progress, what](int done, int all) {
      if (!progress || done == 1) progress.emplace(static_cast<std::size_t>(all), what);
      progress->show(static_cast<std::size_t>(done));
    };
  };
  QuantiseOptions how;
  how.rule = *rule;
  how.finer_channels = options_.finer_channels;
  how.fit_rounding = !options_.round_nearest;
  how.correct_biases = !options_.keep_biases;
  how.float_layers = options_.float_layers;
  how.on_layer = show("layers");
  how.on_search = show("values");
  auto quantiser = Quantiser::create(*model_, model_->input().height, model_->input().width, std::move(how));
  if (!quantiser) return quantiser.status().prefixed(options_.weights, ": ");
  if (const Status s = read_faces(); !s) return s;
  if (const Status s = read_images(*quantiser); !s) return s;
  auto made = quantiser->quantise();
  progress.reset();
  if (!made) return made.status().prefixed(options_.data.csv, ": ");
  if (options_.finetune_epochs > 0)
    if (const Status s = fine_tune(*made, *quantiser); !s) return s;
  const auto whole = std::make_shared<const Model>(std::move(*made));
  for (std::size_t id = 0; id < quantiser->errors().size(); ++id)
    if (quantiser->errors()[id].pixels > 0)
      report_.layers.push_back({operation_name(whole->network(), static_cast<int>(id)),
                                quantiser->errors()[id].signal_to_noise()});
  if (const Status s = compare(whole); !s) return s;
  if (const Status s = write(*whole); !s) return s;
  return std::move(report_);
}

}  // namespace

Result<QuantiseReport> quantise_weights(const QuantiseRunOptions& options) {
  return QuantiseRun(options).run();
}
