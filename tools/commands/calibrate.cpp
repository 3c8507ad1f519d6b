// tinyfiqa calibrate: gives the raw scores of a network a scale of 0..100, by the scores of a population
// of faces.
#include "commands/commands.hpp"
#include "jobs/scoring/calibrate_run.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/quality/model_registry.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

using namespace tinyfiqa;

namespace {

/// Prints the quality at some percentiles of the population.
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

Status calibrate(const CalibrateOptions& options, std::size_t& failed) {
  const auto model = calibrate_model(options, failed);
  if (!model) return model.status();
  std::printf("%s\n", model->population.c_str());
  print_map(model->calibration, model->raw);
  if (model->calibration.errors) print_errors(*model->calibration.errors);
  const auto checked = write_calibrated(*model, options);
  if (!checked) return checked.status();
  std::printf("%s: %s, %s\n", options.out.c_str(), checked->c_str(),
              options.half ? "16 bits a weight" : "32 bits a weight");
  return {};
}

int run_calibrate(const CalibrateOptions& options) {
  std::size_t failed = 0;
  const Status status = calibrate(options, failed);
  if (failed > 0) std::fprintf(stderr, "tinyfiqa: %zu images have no score and are left out\n", failed);
  if (status && failed > 0) return exit_some_failed;
  return report_result(status);
}

void add_description_options(const Command& sub, CalibrateOptions& options) {
  sub.add_option("--about", options.about,
                 "Add this to what the file says about itself: recipe, data, metrics, ...; can be given many "
                 "times")
      .type_name("KEY=TEXT")
      .one_at_a_time();
  sub.add_option("--licence", options.licence,
                 "State the licence of the weights (default: what the file says)")
      .type_name("TEXT");
  sub.add_flag(
      "--ignore-colour", options.ignore_colour,
      "Make the first layer see only luma, so that an image and its grey copy have the same score; for "
      "networks trained with --grey 1");
  sub.add_flag("--half", options.half,
               "Write 16-bit floats, which take half the size; calibrate the rounded weights");
}

}  // namespace

void add_calibrate(const Command& app, int& exit_code) {
  auto options = std::make_shared<CalibrateOptions>();
  const Command sub = app.add_command(
      "calibrate", "Give weights a scale of 0..100, by their scores of a population of faces");
  sub.add_option("weights", options->weights, "Calibrate these trained weights (.safetensors, .pth, .pt)")
      .type_name("FILE")
      .required();
  sub.add_option("--out", options->out, "Write the calibrated weights to this file (.safetensors)")
      .type_name("FILE")
      .required();
  add_weights_key_option(sub, options->weights_key);
  options->data.add_unlabelled_to(sub);
  options->data.add_faces_to(sub);
  options->views.add_to(sub);
  sub.add_option("--floor", options->floor,
                 "Give this raw score quality 0 (default: as far below the worst 1 % as the median is above)")
      .type_name("RAW");
  add_description_options(sub, *options);
  options->errors.add_to(sub);
  sub.add_option(
         "--model", options->model,
         "Read the file as this network: " + model_names() + " (default: by the names of its tensors)")
      .type_name("NAME");
  add_isa_option(sub, options->isa);
  add_threads_option(sub, options->threads);
  sub.footer(
      "The population represents the images that you will score. Give at least hundreds of faces, better\n"
      "thousands, cropped as yours will be.\n"
      "The written file has its calibration, bands, input size and a test vector (tinyfiqa verify-weights).\n"
      "With it, `score` prints qualities of 0..100. docs/calibration.md explains them.\n"
      "Exit status: 0 done, 1 some images have no score or the file can't be written, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa calibrate run1/best.safetensors --data population.csv --images faces/ --out "
      "calibrated.safetensors\n"
      "  tinyfiqa calibrate run1/best.safetensors --data population.csv --half --about recipe='60 epochs' "
      "--out calibrated.safetensors");
  sub.on_run([options, &exit_code] { exit_code = run_calibrate(*options); });
}
