#include "jobs/scoring/calibrate_run.hpp"

#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/quality/colour_blind.hpp>
#include <tinyfiqa/quality/load_model.hpp>

#include "jobs/faces/table_faces.hpp"
#include "jobs/output_path.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"
#include "reports/weight_facts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <unordered_map>
#include <utility>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// Prints the first ten failures.
void print_failure(const Status& status, std::size_t count) {
  if (count <= 10) std::fprintf(stderr, "%s\n", shown_text(status.message()).c_str());
  if (count == 11) std::fprintf(stderr, "and more\n");
}

bool wants_aligned(const Model& network) { return network.input().crop == FaceCrop::aligned; }

class CalibrateRun {
 public:
  explicit CalibrateRun(const CalibrateOptions& options) : options_(options) {}

  Status check_outputs() const;
  Result<TensorFile> read() const;
  Result<std::shared_ptr<const Model>> make(const TensorFile& file) const;
  Result<std::vector<float>> score(const Dataset& faces, std::shared_ptr<const Model> network) const;
  Status measure_errors(const Dataset& population, const std::vector<float>& scores,
                        std::shared_ptr<const Model> network, Calibration& calibration) const;

 private:
  Result<std::vector<float>> score_pair_faces(const Dataset& pair_faces, const Dataset& population,
                                              const std::vector<float>& scores,
                                              std::shared_ptr<const Model> network) const;

  const CalibrateOptions& options_;
};

Status CalibrateRun::check_outputs() const {
  if (const Status s = check_output_file(options_.out); !s) return s;
  if (const Status s = options_.data.check_output(); !s) return s;
  return options_.errors.wanted() ? options_.errors.embed.check_output() : Status();
}

/// The file of weights, with the metadata that the options ask for and without metadata that is no
/// longer valid.
Result<TensorFile> CalibrateRun::read() const {
  auto file = read_weight_file(options_.weights, options_.weights_key);
  if (!file) return file.status();
  if (find_metadata(file->metadata, "untrained") != nullptr)
    return Status::error(Errc::bad_argument, options_.weights,
                         ": parts of this network are not trained; train it first");
  Metadata& metadata = file->metadata;
  for (const char* key : {"calibration", "thresholds", "bands", "band_errors", "test_vector"})
    drop_metadata(metadata, key);
  const SizeOption& size = options_.views.size;
  if (size.height > 0) set_metadata(metadata, "input_size", size_text({size.height, size.width, {}}));
  if (!options_.views.tta.empty()) {
    const auto chosen = parse_views(options_.views.tta);
    if (!chosen) return chosen.status().prefixed("--tta ");
    set_metadata(metadata, "views", views_text(*chosen));
  }
  set_metadata(metadata, "made_by", "tinyfiqa " TINYFIQA_VERSION);
  if (!options_.licence.empty()) set_metadata(metadata, "licence", options_.licence);
  for (const std::string& argument : options_.about)
    if (const Status status = add_about(argument, metadata); !status) return status;
  if (find_metadata(metadata, "licence") == nullptr) set_metadata(metadata, "licence", "not stated");
  return file;
}

/// The network with exactly the weights that will be in the file.
Result<std::shared_ptr<const Model>> CalibrateRun::make(const TensorFile& file) const {
  const auto backend = backend_option(options_.isa);
  if (!backend) return backend.status();
  auto network = make_model(file, options_.model, **backend);
  if (!network) return network.status();
  print_file_notes(options_.weights, network->notes());
  if (network->has_levels())
    return Status::error(
        Errc::unsupported, options_.weights,
        ": weights of a network of 8-bit maps; calibrate the floats that it was made from, then quantise "
        "them: the calibration is kept");
  if (options_.ignore_colour)
    if (const Status status = ignore_colour(*network); !status) return status;
  if (options_.half) {
    for (float& weight : network->block()) weight = detail::half_to_float(detail::float_to_half(weight));
    network->pack();
  }
  return std::make_shared<const Model>(std::move(*network));
}

/// The raw score of each face, NaN if it has none. Prints the errors to stderr.
Result<std::vector<float>> CalibrateRun::score(const Dataset& faces,
                                               std::shared_ptr<const Model> network) const {
  const auto options = score_options(options_.views);
  if (!options) return options.status();
  const auto source = QualitySource::of({std::move(network)}, *options);
  if (!source) return source.status();
  std::vector<float> raw;
  std::size_t failed = 0;
  const Status scored =
      score_samples(*source, faces, options_.threads, [&](std::size_t, const ScoreRow& row) {
        raw.push_back(row.status ? row.score.value : std::numeric_limits<float>::quiet_NaN());
        if (!row.status) print_failure(row.status, ++failed);
      });
  if (!scored) return scored;
  return raw;
}

/// The raw scores of the faces of --pairs. A face that is also in the population has its score there, even if
/// the recogniser uses another crop: the network is judged by the scores that it gives.
Result<std::vector<float>> CalibrateRun::score_pair_faces(const Dataset& pair_faces,
                                                          const Dataset& population,
                                                          const std::vector<float>& scores,
                                                          std::shared_ptr<const Model> network) const {
  std::unordered_map<std::string, float> by_file;
  for (std::size_t i = 0; i < scores.size(); ++i) by_file.emplace(population.samples[i].file, scores[i]);
  Dataset others;
  for (const Sample& s : pair_faces.samples)
    if (by_file.count(s.file) == 0) others.samples.push_back(s);
  const auto scored = score(others, std::move(network));
  if (!scored) return scored.status();
  std::vector<float> found;
  std::size_t other = 0;
  for (const Sample& s : pair_faces.samples) {
    const auto at = by_file.find(s.file);
    found.push_back(at != by_file.end() ? at->second : (*scored)[other++]);
  }
  return found;
}

/// Measures the errors of each band on --pairs.
Status CalibrateRun::measure_errors(const Dataset& population, const std::vector<float>& scores,
                                    std::shared_ptr<const Model> network, Calibration& calibration) const {
  BandErrorOptions options = options_.errors;
  options.embed.isa = options_.isa;
  options.embed.threads = options_.threads;
  auto known = read_pair_faces(options, options_.data);
  if (!known) return known.status();
  if (wants_aligned(*network))
    if (const Status s = known->find_faces(); !s) return s;
  const auto raw = score_pair_faces(known->data, population, scores, std::move(network));
  if (!raw) return raw.status();
  const auto found = band_errors(options, *known, calibration, *raw);
  if (!found) return found.status();
  calibration.errors = *found;
  return {};
}

}  // namespace

Result<CalibratedModel> calibrate_model(const CalibrateOptions& options, std::size_t& failed) {
  const CalibrateRun run(options);
  if (const Status status = run.check_outputs(); !status) return status;
  auto file = run.read();
  if (!file) return file.status();
  auto network = run.make(*file);
  if (!network) return network.status();
  auto faces = read_data(options.data);
  if (!faces) return faces.status();
  if (const Status s = find_table_faces({options.data, options.isa, options.threads},
                                        wants_aligned(**network), faces->table, faces->data);
      !s)
    return s;
  const auto scores = run.score(faces->data, *network);
  if (!scores) return scores.status();
  std::vector<float> raw;
  std::copy_if(scores->begin(), scores->end(), std::back_inserter(raw),
               [](float v) { return !std::isnan(v); });
  failed = scores->size() - raw.size();
  auto calibration = fit_calibration(raw, {options.floor});
  if (!calibration) return calibration.status().prefixed(options.data.csv, ": ");
  if (options.errors.wanted())
    if (const Status s = run.measure_errors(faces->data, *scores, *network, *calibration); !s) return s;
  CalibratedModel model{std::move(*network), std::move(*calibration), std::move(file->metadata), {}, {}};
  model.population =
      std::to_string(raw.size()) + " faces of " + fs::path(options.data.csv).filename().string();
  set_metadata(model.metadata, "population", model.population);
  model.raw = std::move(raw);
  return model;
}

Result<std::string> write_calibrated(const CalibratedModel& model, const CalibrateOptions& options) {
  const Model& network = *model.network;
  Metadata metadata = model.metadata;
  if (const Status s = describe_weights(network, model.calibration, metadata); !s) return s;
  const DType type = options.half ? DType::f16 : DType::f32;
  if (const Status s = save_params(options.out, network.params(), network.block(), metadata, type); !s)
    return s;
  const auto again = read_weight_file(options.out);
  if (!again) return again.status();
  return check_weights(*again, network.backend());
}
