#include "quality_methods.hpp"

#include "model_options.hpp"
#include "ordered_run.hpp"
#include "predictions.hpp"
#include "progress.hpp"
#include "score_run.hpp"

#include <tinyfiqa/fiqa/perceptual.hpp>
#include <tinyfiqa/fiqa/shuffle.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

using namespace tinyfiqa;

const char* const known_methods = "random, blur, pose, jpeg, combined, norm, tinyfqnet";

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Perceptual {
  double blur = none, pose = none, jpeg = none;
};

Perceptual measure_face(const Sample& sample) {
  Perceptual p;
  if (sample.crop.landmarks) p.pose = pose_quality(*sample.crop.landmarks);
  const auto file = read_file(sample.file, FileAccess::copy);
  if (!file) return p;
  const auto image = decode_image(file->bytes);
  if (!image) return p;
  p.jpeg = jpeg_quality(file->bytes, *image);
  const auto face = crop_and_resize(*image, sample.crop, aligned_side, aligned_side);
  if (face) p.blur = blur_quality(*face);
  return p;
}

/// Makes methods one by one; what several of them need is made once.
class MethodMaker {
 public:
  MethodMaker(const Dataset& data, const FaceEmbeddings& faces, const EmbedOptions& options,
              std::uint64_t seed)
      : data_(data), faces_(faces), options_(options), seed_(seed) {}

  Result<std::vector<double>> make(const std::string& what) {
    if (what == "random") return random();
    if (what == "norm") return norms();
    if (what == "blur") return perceptual(&Perceptual::blur);
    if (what == "jpeg") return perceptual(&Perceptual::jpeg);
    if (what == "pose" || what == "combined") {
      const auto has = [](const Sample& s) { return s.crop.landmarks.has_value(); };
      if (!std::any_of(data_.samples.begin(), data_.samples.end(), has))
        return Status::error(Errc::bad_argument, data_.path, ": ", what,
                             " needs five landmarks: columns x1, y1, .. x5, y5");
      if (what == "pose") return perceptual(&Perceptual::pose);
      return combine_qualities(
          {perceptual(&Perceptual::blur), perceptual(&Perceptual::pose), perceptual(&Perceptual::jpeg)});
    }
    if (std::filesystem::path(what).extension() == ".csv") return scores(what);
    return network(what);
  }

 private:
  std::vector<double> random() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < data_.samples.size(); ++i)
      values.push_back(static_cast<double>(detail::mix_seed(seed_, i) >> 11u) * 0x1p-53);
    return values;
  }

  std::vector<double> norms() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < data_.samples.size(); ++i) {
      double squares = 0;
      for (std::size_t k = 0; k < faces_.dimension; ++k) {
        const double v = double{faces_.raw[i * faces_.dimension + k]};
        squares += v * v;
      }
      values.push_back(std::sqrt(squares));
    }
    return values;
  }

  std::vector<double> perceptual(double Perceptual::*member) {
    if (measured_.empty()) {
      std::vector<int> workers(static_cast<std::size_t>(options_.thread_count()));
      Progress progress(data_.samples.size(), "images");
      OrderedRun<Perceptual>(data_.samples.size())
          .start(
              workers, [&](int, std::size_t i) { return measure_face(data_.samples[i]); },
              [&](std::size_t i, const Perceptual& p) {
                measured_.push_back(p);
                progress.show(i + 1);
              });
    }
    std::vector<double> values;
    for (const Perceptual& p : measured_) values.push_back(p.*member);
    return values;
  }

  Result<std::vector<double>> scores(const std::string& csv) const {
    auto found = read_predictions(csv, "path", "score");
    if (!found) return found.status();
    std::vector<double> values;
    for (const Sample& sample : data_.samples) {
      const auto at = find_prediction(*found, sample);
      values.push_back(at == found->end() || !at->second.problem.empty() ? none : at->second.value);
    }
    return values;
  }

  Result<std::vector<double>> network(const std::string& what) const {
    const auto backend = backend_option(options_.isa);
    if (!backend) return backend.status();
    auto model = what == "tinyfqnet" ? default_model(**backend) : read_model(what, "", **backend);
    if (!model && model.status().code() == Errc::not_found)
      return Status::error(Errc::not_found, "--quality ", what, ": no such file, and none of ",
                           known_methods);
    if (!model) return model.status();
    auto scorers = make_scorers({std::make_shared<const Model>(std::move(*model))}, {},
                                options_.thread_count(), data_.samples.size());
    if (!scorers) return scorers.status();
    std::vector<double> values;
    Progress progress(data_.samples.size(), "images");
    const auto score = [&](Scorer& scorer, std::size_t i) {
      return score_file(scorer, data_.samples[i].file, data_.samples[i].crop);
    };
    ScoreRun(data_.samples.size()).start(*scorers, score, [&](std::size_t i, const ScoreRow& row) {
      values.push_back(row.status.ok() ? double{row.score.value} : none);
      progress.show(i + 1);
    });
    return values;
  }

  const Dataset& data_;
  const FaceEmbeddings& faces_;
  const EmbedOptions& options_;
  std::uint64_t seed_;
  std::vector<Perceptual> measured_;
};

}  // namespace

Result<std::vector<QualityMethod>> make_methods(const Dataset& data, const FaceEmbeddings& faces,
                                                const std::vector<std::string>& wanted,
                                                const EmbedOptions& options, std::uint64_t seed) {
  MethodMaker maker(data, faces, options, seed);
  std::vector<QualityMethod> methods;
  for (const std::string& word : wanted) {
    const std::size_t equals = word.find('=');
    const std::string what = equals == std::string::npos ? word : word.substr(equals + 1);
    auto values = maker.make(what);
    if (!values) return values.status();
    QualityMethod m{
        equals == std::string::npos ? std::filesystem::path(what).stem().string() : word.substr(0, equals),
        std::move(*values), 0};
    m.missing = static_cast<std::size_t>(
        std::count_if(m.values.begin(), m.values.end(), [](double v) { return !std::isfinite(v); }));
    for (const QualityMethod& other : methods)
      if (other.name == m.name)
        return Status::error(Errc::bad_argument, "two methods are called ", m.name,
                             "; name them with --quality NAME=", what);
    methods.push_back(std::move(m));
  }
  return methods;
}
