// tinyfiqa quantize: makes a network of 8-bit maps and 7-bit weights of a trained one.
#include "commands/commands.hpp"
#include "jobs/quantise_run.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/quality/model_registry.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

using namespace tinyfiqa;

namespace {

void print_layers(std::vector<LayerError> layers, bool all) {
  constexpr std::size_t most = 8;
  if (!all && layers.size() > most) {
    std::stable_sort(layers.begin(), layers.end(),
                     [](const LayerError& a, const LayerError& b) { return a.decibels < b.decibels; });
    layers.resize(most);
    std::printf("The %zu layers that are furthest from their floats (--layers shows all):\n", most);
  }
  for (const LayerError& layer : layers)
    std::printf("  %-44s %6.1f dB\n", layer.layer.c_str(), layer.decibels);
}

std::string compared_images(std::size_t images, bool held_out) {
  return std::to_string(images) + (held_out ? " other images" : " images, those of the ranges");
}

void print_scores(const ScoreChange& c) {
  if (!c.compared) {
    std::printf("%zu images are too few to compare scores\n", c.images);
    return;
  }
  std::printf("%s: Spearman correlation with the floats' scores %.4f, mean change %.4f raw",
              compared_images(c.images, c.held_out).c_str(), c.spearman, c.raw);
  if (c.quality) std::printf(", %.2f points of quality", *c.quality);
  std::printf("\n");
}

void print_faces(const FaceChange& c) {
  const DetectorAgreement& a = c.agreement;
  std::printf(
      "%s: of %zu faces that the floats find, the 8-bit network finds %zu (%.1f %%, IoU 0.5), and %zu "
      "others; "
      "landmarks off by %.4f of the distance between the eyes\n",
      compared_images(a.photos, c.held_out).c_str(), a.teacher_faces, a.matched, 100 * a.recall(),
      a.student_faces - a.matched, a.landmark_error);
}

void print_report(const QuantiseReport& report, const QuantiseRunOptions& options, bool all_layers) {
  std::printf("ranges measured with %d images\n", report.images);
  print_layers(report.layers, all_layers);
  if (const auto& tuned = report.fine_tuning)
    std::printf(
        "fine-tuning: output error (root mean square, on images that were not trained on) %.4f before, "
        "%.4f after, %s\n",
        tuned->before, tuned->after,
        tuned->best_epoch == 0 ? "so the weights stay as they were"
                               : ("by epoch " + std::to_string(tuned->best_epoch)).c_str());
  if (report.faces)
    print_faces(*report.faces);
  else
    print_scores(report.change);
  std::printf("%s: %s, 8 bits, %zu bytes\n", options.out.c_str(), report.checked.c_str(), report.bytes);
}

int run_quantize(QuantiseRunOptions& options, bool all_layers) {
  if (const Status s = options.data.images_or_data(); !s) return report_result(s);
  const auto report = quantise_weights(options);
  if (!report) return report_result(report.status());
  print_report(*report, options, all_layers);
  if (report->failed > 0) std::fprintf(stderr, "tinyfiqa: %zu images could not be used\n", report->failed);
  return report->failed > 0 ? exit_some_failed : 0;
}

}  // namespace

void add_quantize(const Command& app, int& exit_code) {
  auto options = std::make_shared<QuantiseRunOptions>();
  auto all_layers = std::make_shared<bool>(false);
  const Command sub =
      app.add_command("quantize", "Make weights for 8-bit arithmetic: a quarter of the memory, and faster");
  sub.add_option("weights", options->weights, "Read these trained weights (.safetensors, .pth, .pt)")
      .type_name("FILE")
      .required();
  sub.add_option("--out", options->out, "Write the 8-bit weights to this file (.safetensors)")
      .type_name("FILE")
      .required();
  add_weights_key_option(sub, options->weights_key);
  options->data.add_unlabelled_to(sub, false);
  options->data.add_faces_to(sub);
  sub.add_option("--most-images", options->images,
                 "Measure the ranges of the values with at most this many images, spread over the table; the "
                 "scores of the others (of a detector: the faces in them) are compared")
      .type_name("N")
      .range(1, 100000)
      .show_default();
  sub.add_option(
         "--ranges", options->ranges,
         "Choose the range of a value's 256 levels so: all (from its smallest number to its "
         "largest), percentile "
         "(without 0.01 % on each side), error (the least mean square error), output (the least error of the "
         "network's outputs; takes longer)")
      .type_name("RULE")
      .one_of({"all", "percentile", "error", "output"})
      .show_default();
  const Option finetune =
      sub.add_option(
             "--finetune", options->finetune_epochs,
             "Train the rounded weights in this many passes over the images, so that the outputs come "
             "nearer to the floats' (default: 0; not for detectors)")
          .type_name("EPOCHS")
          .range(0, 1000);
  sub.add_option("--finetune-images", options->finetune_images,
                 "Train with at most this many images, spread over the table; they stay in memory")
      .type_name("N")
      .range(32, 1000000)
      .show_default()
      .needs(finetune);
  sub.add_option("--finetune-rate", options->finetune_rate,
                 "Change weights by about this share of a step of 7 bits for each batch of 16 at first; it "
                 "falls to zero")
      .type_name("RATE")
      .range(1e-6, 1.0)
      .show_default()
      .needs(finetune);
  sub.add_option("--float-layer", options->float_layers,
                 "Keep this layer's output in floats, and all that needs it so; can be given many times. "
                 "`tinyfiqa info` and "
                 "--layers have the names")
      .type_name("LAYER")
      .one_at_a_time();
  sub.add_flag(
      "--round-nearest", options->round_nearest,
      "Round each weight to its nearest step, instead of so that the layer's results change least; faster");
  sub.add_flag(
      "--finer-channels", options->finer_channels,
      "Give channels of small range finer levels than the others of their layer; helps large networks, "
      "and needs some hundred images");
  sub.add_flag("--keep-biases", options->keep_biases, "Don't correct the biases of the layers by the images");
  sub.add_flag("--layers", *all_layers, "Show all layers' errors, not only the largest");
  sub.add_option(
         "--model", options->model,
         "Read the file as this network: " + model_names() + " (default: by the names of its tensors)")
      .type_name("NAME");
  add_isa_option(sub, options->isa);
  add_threads_option(sub, options->threads);
  sub.footer(
      "Give some hundred faces, cropped as yours will be: a folder of them (--images alone), or a table. "
      "They need no "
      "labels.\nMore rows than --most-images "
      "show how near the\n"
      "scores stay: if they move too far, give some thousand faces, --finer-channels and --finetune 3.\n"
      "For a detector give some hundred photos, whole: the ranges are measured at 320x320, and the faces "
      "that "
      "it finds are\n"
      "compared with those of the floats, searched by the options of `detect`.\n"
      "The written file is used like any other (`score --weights FILE`, `--detector FILE`), can't be trained "
      "further, and has "
      "the qualities and\n"
      "bands of the floats. docs/eight-bits.md explains it.\n"
      "Exit status: 0 done, 1 some images can't be used or the file can't be written, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa quantize weights/tinyfqnet.safetensors --data faces.csv --images faces/ --out "
      "tinyfqnet_i8.safetensors\n"
      "  tinyfiqa quantize weights/detector.safetensors --images photos/ --out detector_i8.safetensors");
  sub.on_run([options, all_layers, &exit_code] { exit_code = run_quantize(*options, *all_layers); });
}
