#include "jobs/scoring/face_judge.hpp"

#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/baselines/perceptual.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/scoring/learned_baseline.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

using namespace tinyfiqa;

const char* const baseline_names = "random, blur, pose, jpeg, combined, norm";

double random_quality(std::uint64_t seed, std::size_t number) {
  return static_cast<double>(detail::mix_seed(seed, number) >> 11u) * 0x1p-53;
}

std::string model_choices() {
  return "Use this network: tinyfqnet_m, tinyfqnet, tinyfqnet_l, mobilenet_v3_small, shufflenet_v2_x0_5, "
         "shufflenet_v2_x1_0, torchvision's fine-tuned ones (..._finetuned) or "
         "ensemble "
         "(the mean over all --weights); or a baseline: " +
         std::string(baseline_names) +
         " (pose and combined need landmarks; norm is the length of the embedding that the recogniser of "
         "--weights gives), svm or rqs (with a file of train-baseline in --weights) (default: what the "
         "weight "
         "file says, otherwise tinyfqnet_m)";
}

Result<Score> single_score(const std::string& name, double quality) {
  const auto value = static_cast<float>(quality);
  if (!std::isfinite(value))
    return Status::error(Errc::not_finite, name, " gave a score that is not a finite number");
  return Score{value, {{name, value, {value}}}};
}

/// One baseline of the table below.
struct Baseline {
  const char* name;
  bool aligned = false;                        ///< it sees the aligned face
  bool landmarks = false, recogniser = false;  ///< what it needs
  Result<double> (*measure)(const FaceInput& face, std::uint64_t seed) = nullptr;
  double (*share)(double quality) = nullptr;  ///< the quality on 0..1; null if the range is not known
};

namespace {

Result<double> draw(const FaceInput& face, std::uint64_t seed) { return random_quality(seed, face.number); }

Result<double> blur(const FaceInput& face, std::uint64_t) {
  const auto aligned = crop_and_resize(face.image, face.crop, FaceCrop::aligned, aligned_side, aligned_side);
  if (!aligned) return aligned.status();
  return blur_quality(*aligned);
}

Result<double> pose(const FaceInput& face, std::uint64_t) {
  if (face.crop.landmarks) return pose_quality(*face.crop.landmarks);
  return Status::error(Errc::bad_argument, "no landmarks, which the pose is computed from");
}

Result<double> jpeg(const FaceInput& face, std::uint64_t) { return jpeg_quality(face.file, face.image); }

Result<double> combined(const FaceInput& face, std::uint64_t seed) {
  const auto sharpness = blur(face, seed), frontality = pose(face, seed);
  if (!sharpness) return sharpness.status();
  if (!frontality) return frontality.status();
  return combined_quality(*sharpness, *frontality, jpeg_quality(face.file, face.image));
}

double unchanged(double quality) { return quality; }
double tenth(double quality) { return quality / 10; }

constexpr Baseline baselines[] = {
    {"random", false, false, false, draw, unchanged},     {"blur", true, false, false, blur, blur_place},
    {"pose", true, true, false, pose, pose_place},        {"jpeg", false, false, false, jpeg, tenth},
    {"combined", true, true, false, combined, unchanged}, {"norm", true, false, true},
};

const Baseline* find_baseline(const std::string& name) {
  const auto at = std::find_if(std::begin(baselines), std::end(baselines),
                               [&](const Baseline& b) { return name == b.name; });
  return at == std::end(baselines) ? nullptr : at;
}

class NetworkJudge : public FaceJudge {
 public:
  explicit NetworkJudge(Scorer scorer) : scorer_(std::move(scorer)) {}
  Result<Score> judge(const FaceInput& face) override {
    return face.face != nullptr ? scorer_.score(face.image, *face.face)
                                : scorer_.score(face.image, face.crop);
  }
  int wanted_crop_side() const override { return scorer_.wanted_crop_side(); }
  ScoreTime time() const override { return scorer_.time(); }

 private:
  Scorer scorer_;
};

class BaselineJudge : public FaceJudge {
 public:
  BaselineJudge(const Baseline& baseline, std::uint64_t seed) : baseline_(baseline), seed_(seed) {}
  Result<Score> judge(const FaceInput& face) override {
    const auto quality = baseline_.measure(face, seed_);
    if (!quality) return quality.status();
    return single_score(baseline_.name, *quality);
  }

 private:
  const Baseline& baseline_;
  std::uint64_t seed_;
};

/// The length of the embedding, which is short for faces that the recogniser can't recognise.
class NormJudge : public FaceJudge {
 public:
  explicit NormJudge(Embedder embedder) : embedder_(std::move(embedder)) {}
  Result<Score> judge(const FaceInput& face) override {
    const Status status = embedder_.set(0, face.image, face.crop);
    if (!status) return status;
    const Span<const float> raw = embedder_.run();
    std::vector<float> embedding(raw.begin(), raw.end());
    return single_score("norm", normalise({embedding.data(), embedding.size()}));
  }

 private:
  Embedder embedder_;
};

/// True if a file may be one of train-baseline: safetensors whose header has the key "baseline". Weights of networks
/// are then parsed only once, by read_models().
bool may_be_learned(const FileBytes& file) {
  if (!looks_like_safetensors(file.bytes)) return false;
  const auto header = detail::load_le<std::uint64_t>(file.bytes.data);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data), file.bytes.size);
  return text.substr(8, static_cast<std::size_t>(header)).find("\"baseline\"") != std::string_view::npos;
}

/// The baseline in the file of --weights that train-baseline wrote; null if the file is something else.
Result<std::shared_ptr<const LearnedBaseline>> read_learned(const ModelOptions& options) {
  const bool named = options.model == "svm" || options.model == "rqs";
  if (named && options.weights.size() != 1)
    return Status::error(Errc::bad_argument, "--model ", options.model,
                         " needs a file: train one with train-baseline --method ", options.model,
                         " and give it with --weights FILE");
  if (options.weights.size() != 1 || !(named || options.model.empty()))
    return std::shared_ptr<const LearnedBaseline>();
  const auto bytes = read_file(options.weights[0]);
  if (!bytes) return bytes.status();
  if (!named && !may_be_learned(*bytes)) return std::shared_ptr<const LearnedBaseline>();
  const auto file = read_tensors(*bytes, options.weights_key);
  if (!file) return file.status();
  const std::string kind = learned_kind(*file);
  if (named && kind != options.model)
    return Status::error(Errc::mismatch, options.weights[0], ": is not a file of train-baseline --method ",
                         options.model, "; train one and give it with --weights FILE");
  if (kind.empty()) return std::shared_ptr<const LearnedBaseline>();
  const auto backend = backend_option(options.isa);
  if (!backend) return backend.status();
  auto learned = LearnedBaseline::read(*file, **backend);
  if (!learned) return learned.status();
  return std::make_shared<const LearnedBaseline>(std::move(*learned));
}

/// Baselines are one method, with one view, in floats.
Status check_baseline_options(const std::string& name, const ModelOptions& model,
                              const ScoreOptions& options) {
  if (model.precision != "f32")
    return Status::error(Errc::bad_argument, "--model ", name, " has no 8-bit weights; remove --precision");
  const bool one_view =
      options.views.empty() || (options.views.size() == 1 && options.views[0] == View::identity);
  if (one_view && options.height == 0) return Status();
  return Status::error(Errc::bad_argument, "--model ", name,
                       " takes one view of a fixed size; remove --tta and --size");
}

Result<std::shared_ptr<const Model>> read_recogniser(const Baseline& baseline, const ModelOptions& options) {
  if (options.weights.size() != 1)
    return Status::error(Errc::bad_argument, "--model ", baseline.name,
                         " needs the weights of one recogniser: --weights mobilefacenet.safetensors");
  const auto backend = backend_option(options.isa);
  if (!backend) return backend.status();
  auto model = read_model(options.weights[0], "", **backend, Use::change, options.weights_key);
  if (!model) return model.status();
  return std::make_shared<const Model>(std::move(*model));
}

}  // namespace

bool is_baseline(const std::string& name) { return find_baseline(name) != nullptr; }

Result<QualitySource> QualitySource::open(const ModelOptions& model, const ScoreOptions& options, int threads,
                                          Use use) {
  QualitySource source;
  source.options_ = options;
  source.baseline_ = find_baseline(model.model);
  if (source.baseline_ == nullptr) {
    auto learned = read_learned(model);
    if (!learned) return learned.status();
    source.learned_ = std::move(*learned);
  }
  if (source.baseline_ != nullptr || source.learned_ != nullptr)
    if (const Status s = check_baseline_options(source.models()[0], model, options); !s) return s;
  if (source.learned_ != nullptr) return source;
  if (source.baseline_ == nullptr) {
    auto networks = read_models(model, use, threads);
    if (!networks) return networks.status();
    const auto has_views = [](const auto& network) { return !network->views().empty(); };
    if (model.model == "ensemble" && options.views.empty() &&
        std::none_of(networks->begin(), networks->end(), has_views))
      source.options_.views = *parse_views("flips");  // as in Hamidi et al. 2025
    return of(std::move(*networks), source.options_);
  }
  if (source.baseline_->recogniser) {
    auto recogniser = read_recogniser(*source.baseline_, model);
    if (!recogniser) return recogniser.status();
    source.networks_.push_back(std::move(*recogniser));
  } else if (!model.weights.empty()) {
    return Status::error(Errc::bad_argument, "--model ", model.model, " has no weights; remove --weights");
  }
  return source;
}

Result<QualitySource> QualitySource::of(std::vector<std::shared_ptr<const Model>> networks,
                                        ScoreOptions options) {
  if (options.views.empty()) {
    auto views = default_views(networks);
    if (!views) return views.status().prefixed("--tta is needed: ");
    options.views = std::move(*views);
  }
  QualitySource source;
  source.networks_ = std::move(networks);
  source.options_ = std::move(options);
  return source;
}

Result<std::unique_ptr<FaceJudge>> QualitySource::judge(int threads) const {
  if (learned_ != nullptr) return learned_->judge(threads);
  if (baseline_ != nullptr && !baseline_->recogniser)
    return std::unique_ptr<FaceJudge>(std::make_unique<BaselineJudge>(*baseline_, options_.seed));
  if (baseline_ != nullptr) {
    auto embedder = Embedder::create(networks_[0], 1, threads);
    if (!embedder) return embedder.status();
    return std::unique_ptr<FaceJudge>(std::make_unique<NormJudge>(std::move(*embedder)));
  }
  ScoreOptions options = options_;
  options.threads = threads;
  auto scorer = Scorer::create(networks_, options);
  if (!scorer) return scorer.status();
  return std::unique_ptr<FaceJudge>(std::make_unique<NetworkJudge>(std::move(*scorer)));
}

Result<std::vector<std::unique_ptr<FaceJudge>>> QualitySource::judges(int threads, std::size_t images) const {
  threads = thread_count(threads);
  const std::size_t count = std::min(static_cast<std::size_t>(threads), std::max<std::size_t>(1, images));
  std::vector<std::unique_ptr<FaceJudge>> all;
  for (std::size_t i = 0; i < count; ++i) {
    auto one = judge(count == 1 ? threads : 1);
    if (!one) return one.status();
    all.push_back(std::move(*one));
  }
  return all;
}

std::vector<std::string> QualitySource::models() const {
  if (baseline_ != nullptr) return {baseline_->name};
  if (learned_ != nullptr) return {learned_->kind()};
  std::vector<std::string> names;
  for (const auto& m : networks_) names.emplace_back(m->spec().name);
  return names;
}

std::vector<std::string> QualitySource::views() const {
  if (baseline_ != nullptr || learned_ != nullptr) return {view_name(View::identity)};
  std::vector<std::string> names;
  for (const View view : options_.views) names.emplace_back(view_name(view));
  return names;
}

double QualitySource::percent(double score) const {
  const auto cut = [](double share) { return 100 * std::clamp(share, 0.0, 1.0); };
  if (baseline_ != nullptr) return baseline_->share != nullptr ? cut(baseline_->share(score)) : std::nan("");
  if (learned_ != nullptr)
    return cut(learned_->kind() == "rqs" ? score / 100 : score);  // an svm predicts a cosine
  if (networks_.size() == 1 && calibrated())
    return double{networks_[0]->calibration()->quality(static_cast<float>(score))};
  const bool bounded =
      std::all_of(networks_.begin(), networks_.end(), [](const auto& m) { return gives_shares(m->spec()); });
  return bounded ? cut(score) : std::nan("");
}

bool QualitySource::calibrated() const {
  return baseline_ == nullptr && learned_ == nullptr && uncalibrated().empty();
}

std::vector<std::string> QualitySource::uncalibrated() const {
  std::vector<std::string> names;
  if (baseline_ != nullptr) return names;
  for (const auto& m : networks_)
    if (!m->calibration()) names.emplace_back(m->spec().name);
  return names;
}

std::string QualitySource::inexact() const {
  if (!calibrated()) return "";
  constexpr const char* advice =
      ", so these qualities are not exact; for exact ones, remove --size, --tta and --model ensemble, or "
      "calibrate "
      "the weights with them (tinyfiqa calibrate)";
  const auto size = [](int height, int width) {
    return std::to_string(height) + "x" + std::to_string(width);
  };
  for (const auto& m : networks_) {
    const InputSpec& input = m->input();
    if (options_.height > 0 && (options_.height != input.height || options_.width != input.width))
      return std::string(m->spec().name) + " was calibrated at " + size(input.height, input.width) +
             ", not at " + size(options_.height, options_.width) + advice;
    if (own_views(*m) != options_.views)
      return std::string(m->spec().name) + " was calibrated with other views (" + views_text(own_views(*m)) +
             "), not with " + views_text(options_.views) + advice;
  }
  return "";
}

bool QualitySource::needs_landmarks() const { return baseline_ != nullptr && baseline_->landmarks; }

Status QualitySource::check_landmarks(const Dataset& data) const {
  const auto has_some = [](const Sample& s) {
    return s.crop.landmarks || s.landmarks || s.status.code() == Errc::no_face;
  };
  if (!needs_landmarks() || std::any_of(data.samples.begin(), data.samples.end(), has_some)) return Status();
  return Status::error(Errc::bad_argument, data.path, ": ", baseline_->name,
                       " needs five landmarks; add columns x1, y1, .. x5, y5");
}

Crop QualitySource::crop_of(const Sample& sample) const {
  if (!needs_landmarks() || !sample.landmarks) return sample.crop;
  return Crop{{}, sample.landmarks};
}

bool QualitySource::wants_aligned_faces() const {
  if (learned_ != nullptr) return learned_->wants_aligned_faces();
  if (baseline_ != nullptr && !baseline_->recogniser) return baseline_->aligned;
  return std::all_of(networks_.begin(), networks_.end(),
                     [](const auto& m) { return m->input().crop == FaceCrop::aligned; });
}
