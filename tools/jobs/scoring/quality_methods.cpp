#include "jobs/scoring/quality_methods.hpp"

#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "jobs/scoring/face_judge.hpp"
#include "jobs/scoring/score_run.hpp"
#include "reports/predictions.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

using namespace tinyfiqa;

const char* const known_methods =
    "random, blur, pose, jpeg, combined, norm, tinyfqnet, tinyfqnet_m, tinyfqnet_l";

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Computes the quality of each sample by one method at a time.
class MethodMaker {
 public:
  MethodMaker(KnownFaces& known, std::uint64_t seed)
      : known_(known), data_(known.data), options_(known.options.embed), seed_(seed) {}

  Result<std::vector<double>> make(const std::string& what) {
    if (what == "norm") return norms();  // of the embeddings that exist already
    if (what == "random") return drawn();
    if (std::filesystem::path(what).extension() == ".csv") return scores(what);
    return judged(what);
  }

 private:
  // The judge for random qualities would read the image files, which are not needed.
  std::vector<double> drawn() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < data_.samples.size(); ++i) values.push_back(random_quality(seed_, i));
    return values;
  }

  std::vector<double> norms() const {
    std::vector<double> values;
    const EmbeddingRows& rows = known_.embedded.rows;
    std::vector<float> face(rows.dimension());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows.read(i, face.data());
      values.push_back(normalise(face));
    }
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

  /// A baseline or a network that weights come with, by name, otherwise a weight file.
  Result<QualitySource> source(const std::string& what) const {
    ModelOptions model;
    model.isa = options_.isa;
    const bool named = find_model(what) != nullptr || is_baseline(what);
    (named ? model.model : model.weights.emplace_back()) = what;
    ScoreOptions options;
    options.seed = seed_;
    auto source = QualitySource::open(model, options);
    if (!source && source.status().code() == Errc::not_found)
      return Status::error(Errc::not_found, "--quality ", what, ": no such file, and not one of ",
                           known_methods);
    return source;
  }

  Result<std::vector<double>> judged(const std::string& what) {
    const auto quality = source(what);
    if (!quality) return quality.status();
    Status status = quality->wants_aligned_faces() ? known_.find_faces() : Status();
    if (status) status = quality->check_landmarks(data_);
    std::vector<double> values;
    const auto take = [&](std::size_t, const ScoreRow& row) {
      values.push_back(row.status.ok() ? double{row.score.value} : none);
    };
    if (status) status = score_samples(*quality, data_, thread_count(options_.threads), take);
    if (!status) return status;
    return values;
  }

  KnownFaces& known_;
  const Dataset& data_;  ///< of known_
  const EmbedOptions& options_;
  std::uint64_t seed_;
};

}  // namespace

Result<std::vector<QualityMethod>> make_methods(KnownFaces& known, const std::vector<std::string>& wanted,
                                                std::uint64_t seed) {
  MethodMaker maker(known, seed);
  std::vector<QualityMethod> methods;
  for (const std::string& argument : wanted) {
    const std::size_t equals = argument.find('=');
    const std::string what = equals == std::string::npos ? argument : argument.substr(equals + 1);
    auto values = maker.make(what);
    if (!values) return values.status();
    QualityMethod m{equals == std::string::npos ? std::filesystem::path(what).stem().string()
                                                : argument.substr(0, equals),
                    std::move(*values), 0};
    m.missing = static_cast<std::size_t>(
        std::count_if(m.values.begin(), m.values.end(), [](double v) { return !std::isfinite(v); }));
    for (const QualityMethod& other : methods)
      if (other.name == m.name)
        return Status::error(Errc::bad_argument, "two methods are called ", m.name,
                             "; give one another name with --quality NAME=", what);
    methods.push_back(std::move(m));
  }
  return methods;
}
