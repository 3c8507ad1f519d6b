// tinyfiqa calibrate: what a network's raw scores mean, by those of a population of faces.
#include "commands/commands.hpp"
#include "jobs/progress.hpp"
#include "jobs/score_run.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/band_errors.hpp"
#include "reports/weight_facts.hpp"

#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/quality/colour_blind.hpp>

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

struct CalibrateCommand {
  std::string weights, out, model, isa = "auto";
  DataOptions data;
  ViewOptions views;
  BandErrorOptions errors;
  std::vector<std::string> about;
  std::string licence;
  std::optional<float> floor;
  int threads = 0;
  bool half = false, ignore_colour = false;

  int run() const;

 private:
  Status work(std::size_t& failed) const;
  Result<TensorFile> read() const;
  Result<std::shared_ptr<const Model>> make(const TensorFile& file) const;
  Result<std::vector<float>> score(const Dataset& faces, std::shared_ptr<const Model> network) const;
  Result<std::vector<float>> score_pair_faces(const Dataset& pair_faces, const Dataset& population,
                                              const std::vector<float>& raw,
                                              std::shared_ptr<const Model> network) const;
  Status measure_errors(const Dataset& population, const std::vector<float>& raw,
                        std::shared_ptr<const Model> network, Calibration& c) const;
  Status write(const Model& network, const Calibration& calibration, const Metadata& metadata) const;
};

/// "KEY=TEXT" into the metadata.
Status add_about(const std::string& word, Metadata& metadata) {
  const std::size_t equals = word.find('=');
  if (equals == 0 || equals == std::string::npos)
    return Status::error(Errc::bad_argument, "--about '", word, "' is not KEY=TEXT, such as recipe=...");
  const std::string key = word.substr(0, equals);
  const auto& taken = reserved_metadata();
  if (std::find(taken.begin(), taken.end(), key) != taken.end())
    return Status::error(Errc::bad_argument, "--about ", word, ": '", key,
                         "' is written by this command itself; choose another key");
  set_metadata(metadata, key, word.substr(equals + 1));
  return {};
}

/// The file as it is to be described: with the options' texts, without what no longer holds.
Result<TensorFile> CalibrateCommand::read() const {
  auto file = read_weight_file(weights);
  if (!file) return file.status();
  if (find_metadata(file->metadata, "untrained") != nullptr)
    return Status::error(Errc::bad_argument, weights,
                         ": parts of this network were never trained, so there is nothing to calibrate");
  Metadata& metadata = file->metadata;
  for (const char* key : {"calibration", "thresholds", "bands", "band_errors", "test_vector"})
    drop_metadata(metadata, key);
  if (views.size.height > 0)
    set_metadata(metadata, "input_size", size_text({views.size.height, views.size.width, {}}));
  if (!views.tta.empty()) {
    const auto chosen = parse_views(views.tta);
    if (!chosen) return chosen.status().prefixed("--tta ");
    set_metadata(metadata, "views", views_text(*chosen));
  }
  set_metadata(metadata, "made_by", "tinyfiqa " TINYFIQA_VERSION);
  if (!licence.empty()) set_metadata(metadata, "licence", licence);
  for (const std::string& word : about)
    if (const Status status = add_about(word, metadata); !status) return status;
  if (find_metadata(metadata, "licence") == nullptr) set_metadata(metadata, "licence", "not stated");
  return file;
}

/// The network with the very weights that will be in the file.
Result<std::shared_ptr<const Model>> CalibrateCommand::make(const TensorFile& file) const {
  const auto backend = backend_option(isa);
  if (!backend) return backend.status();
  auto network = make_model(file, model, **backend);
  if (!network) return network.status();
  if (ignore_colour)
    if (const Status status = tinyfiqa::ignore_colour(*network); !status) return status;
  if (half) {
    for (float& weight : network->block()) weight = detail::half_to_float(detail::float_to_half(weight));
    network->pack();
  }
  return std::make_shared<const Model>(std::move(*network));
}

void print_failure(const Status& status, std::size_t count) {
  if (count <= 10) std::fprintf(stderr, "%s\n", status.message());
  if (count == 11) std::fprintf(stderr, "and more\n");
}

/// The raw score of each face, not a number where it has none; why goes to stderr.
Result<std::vector<float>> CalibrateCommand::score(const Dataset& faces,
                                                   std::shared_ptr<const Model> network) const {
  const auto options = score_options(views);
  if (!options) return options.status();
  const auto source = QualitySource::of({std::move(network)}, *options);
  if (!source) return source.status();
  auto judges = source->judges(threads, faces.samples.size());
  if (!judges) return judges.status();
  std::vector<float> raw;
  std::size_t failed = 0;
  Progress progress(faces.samples.size(), "images");
  const auto score_one = [&](const std::unique_ptr<FaceJudge>& judge, std::size_t index) {
    return score_file(*judge, faces.samples[index].file, faces.samples[index].crop, index);
  };
  ScoreRun(faces.samples.size()).start(*judges, score_one, [&](std::size_t index, const ScoreRow& row) {
    raw.push_back(row.status ? row.score.value : std::numeric_limits<float>::quiet_NaN());
    if (!row.status) {
      progress.clear();
      print_failure(row.status, ++failed);
    }
    progress.show(index + 1);
  });
  return raw;
}

void print_map(const Calibration& c, std::vector<float> raw) {
  std::sort(raw.begin(), raw.end());
  std::printf("%-10s %10s %8s\n", "percentile", "raw", "quality");
  const auto line = [&](const std::string& name, float value) {
    std::printf("%-10s %10.5f %8d\n", name.c_str(), double{value}, c.quality_number(value));
  };
  line("floor", c.knots.front().raw);
  for (const int percent : {1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99})
    line(std::to_string(percent), static_cast<float>(sorted_quantile(raw, percent / 100.0)));
  line("maximum", raw.back());
  for (const auto& [key, value] : calibration_metadata(c))
    if (key == "thresholds" || key == "bands") std::printf("%-10s %s\n", key.c_str(), value.c_str());
}

Status CalibrateCommand::write(const Model& network, const Calibration& calibration,
                               const Metadata& metadata) const {
  Metadata all = metadata;
  if (const Status s = describe_weights(network, calibration, all); !s) return s;
  const Status saved =
      save_params(out, network.params(), network.block(), all, half ? DType::f16 : DType::f32);
  if (!saved) return saved;
  const auto again = read_weight_file(out);
  if (!again) return again.status();
  const auto checked = check_weights(*again, network.backend());
  if (!checked) return checked.status();
  std::printf("%s: %s, %s\n", out.c_str(), checked->c_str(), half ? "16 bits a weight" : "32 bits a weight");
  return {};
}

/// The population's raw scores for photos that are in it, be they cut out there as the recogniser wants them
/// or not: a network is judged by the scores that it will give. The others are scored as --pairs-data says.
Result<std::vector<float>> CalibrateCommand::score_pair_faces(const Dataset& pair_faces,
                                                              const Dataset& population,
                                                              const std::vector<float>& raw,
                                                              std::shared_ptr<const Model> network) const {
  std::unordered_map<std::string, float> by_file;
  for (std::size_t i = 0; i < raw.size(); ++i) by_file.emplace(population.samples[i].file, raw[i]);
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

/// What --pairs asks for.
Status CalibrateCommand::measure_errors(const Dataset& population, const std::vector<float>& scores,
                                        std::shared_ptr<const Model> network, Calibration& c) const {
  BandErrorOptions options = errors;
  options.embed.isa = isa;
  options.embed.threads = threads;
  const auto known = read_pair_faces(options, data);
  if (!known) return known.status();
  const auto raw = score_pair_faces(known->data, population, scores, std::move(network));
  if (!raw) return raw.status();
  const auto found = band_errors(options, *known, c, *raw);
  if (!found) return found.status();
  c.errors = *found;
  return {};
}

void print_errors(const std::array<BandErrors, 4>& errors) {
  std::printf("\n%-10s %12s   (at a false match rate of 1e-3)\n", "band", "non-matches");
  for (std::size_t b = 0; b < errors.size(); ++b) {
    const BandErrors& e = errors[b];
    if (e.pairs > 0)
      std::printf("%-10s %10.2f %%   %zu of %zu\n", band_name(static_cast<Band>(b)), 100 * e.rate(), e.failed,
                  e.pairs);
    else
      std::printf("%-10s %12s\n", band_name(static_cast<Band>(b)), "no pairs");
  }
}

Status CalibrateCommand::work(std::size_t& failed) const {
  if (const Status status = check_writable(out); !status) return status;
  auto file = read();
  if (!file) return file.status();
  const auto network = make(*file);
  if (!network) return network.status();
  const auto faces = read_data(data);
  if (!faces) return faces.status();
  auto raw = score(*faces, *network);
  if (!raw) return raw.status();
  const std::vector<float> scores = *raw;  // one for each face
  raw->erase(std::remove_if(raw->begin(), raw->end(), [](float value) { return std::isnan(value); }),
             raw->end());
  failed = faces->samples.size() - raw->size();
  auto calibration = fit_calibration(*raw, {floor});
  if (!calibration) return calibration.status().prefixed(data.csv, ": ");
  if (errors.wanted())
    if (const Status status = measure_errors(*faces, scores, *network, *calibration); !status) return status;
  const std::string population =
      std::to_string(raw->size()) + " faces of " + fs::path(data.csv).filename().string();
  set_metadata(file->metadata, "population", population);
  std::printf("%s\n", population.c_str());
  print_map(*calibration, *raw);
  if (calibration->errors) print_errors(*calibration->errors);
  return write(**network, *calibration, file->metadata);
}

int CalibrateCommand::run() const {
  std::size_t failed = 0;
  const Status status = work(failed);
  if (failed > 0) std::fprintf(stderr, "tinyfiqa: %zu images have no score and were left out\n", failed);
  if (status) return failed > 0 ? exit_some_failed : exit_done;
  print_error(status);
  return status.code() == Errc::cannot_write ? exit_some_failed : exit_usage;
}

void add_description_options(const Command& sub, CalibrateCommand& command) {
  sub.add_option("--about", command.about,
                 "What else the file is to say: recipe, data, metrics, ...; may be given many times")
      .type_name("KEY=TEXT")
      .one_at_a_time();
  sub.add_option("--licence", command.licence, "Licence of the weights; default: what the file says")
      .type_name("TEXT");
  sub.add_flag("--ignore-colour", command.ignore_colour,
               "Let the first layer see luma alone, so that a grey copy of a photo has the photo's score; "
               "for networks "
               "that were trained with --grey 1");
  sub.add_flag("--half", command.half,
               "Write 16-bit floats, half the size; the calibration is that of the rounded weights");
}

}  // namespace

void add_calibrate(const Command& app, int& exit_code) {
  auto command = std::make_shared<CalibrateCommand>();
  const Command sub = app.add_command(
      "calibrate", "Give weights a scale of 0..100, by their scores of a population of faces");
  sub.add_option("weights", command->weights, "Trained weights (.safetensors, .pth, .pt)")
      .type_name("FILE")
      .required();
  sub.add_option("--out", command->out, "File to write (.safetensors)").type_name("FILE").required();
  command->data.add_unlabelled_to(sub);
  command->views.add_to(sub);
  sub.add_option("--floor", command->floor,
                 "Raw score of quality 0; default: as far below the worst 1 % as the median is above")
      .type_name("RAW");
  add_description_options(sub, *command);
  command->errors.add_to(sub);
  sub.add_option("--model", command->model,
                 "Network that the file is for: " + model_names() + "; default: found by the tensors' names")
      .type_name("NAME");
  sub.add_option("--isa", command->isa, "Instruction set (see --version)").type_name("NAME").show_default();
  sub.add_option("--threads", command->threads, "Threads; default: one for each core").range(1, 1024);
  sub.footer(
      "The population stands for the photos that you will judge: hundreds of faces at least, better "
      "thousands, cropped as yours will be.\n"
      "The file then says its calibration, bands, input size and a test vector (tinyfiqa verify-weights), "
      "and score prints qualities of 0..100 with it. docs/calibration.md tells what they mean.\n"
      "Exit status: 0 done, 1 some images have no score, or the file can't be written, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa calibrate run1/best.safetensors --data population.csv --images faces/ --out "
      "calibrated.safetensors\n  tinyfiqa calibrate run1/best.safetensors --data population.csv --half "
      "--about recipe='60 epochs' --out calibrated.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
