// tinyfiqa score: images in, one row each out, in the order they were given.
#include "backends.hpp"
#include "commands.hpp"
#include "input_list.hpp"
#include "model_options.hpp"
#include "progress.hpp"
#include "score_run.hpp"
#include "score_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace tinyfiqa;

namespace {

struct ScoreCommand {
  std::vector<std::string> paths;
  ModelOptions model;
  ViewOptions views;
  std::string format = "text", box, landmarks;
  int threads = 0;
  bool sort = false, timing = false;

  int run();

 private:
  Result<Crop> crop() const;
};

/// Exactly `count` numbers with commas between them.
Result<std::vector<double>> parse_numbers(const char* option, const std::string& text, std::size_t count) {
  std::vector<double> numbers;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    double value = 0;
    if (!CLI::detail::lexical_cast(part, value)) numbers.resize(count + 1);
    numbers.push_back(value);
  }
  if (numbers.size() == count) return numbers;
  return Status::error(Errc::bad_argument, option, " takes ", count,
                       " numbers with commas between them, not '", text, "'");
}

Result<Crop> ScoreCommand::crop() const {
  Crop crop;
  if (!box.empty() && !landmarks.empty())
    return Status::error(Errc::bad_argument, "give --box or --landmarks, not both");
  if (!box.empty()) {
    const auto n = parse_numbers("--box", box, 4);
    if (!n) return n.status();
    const auto at = [&](std::size_t i) { return static_cast<int>(std::clamp((*n)[i], -1e9, 1e9)); };
    crop.box = Box{at(0), at(1), at(2), at(3)};
  }
  if (!landmarks.empty()) {
    const auto n = parse_numbers("--landmarks", landmarks, 10);
    if (!n) return n.status();
    Landmarks points;
    for (std::size_t i = 0; i < 5; ++i) {
      points.x[i] = static_cast<float>((*n)[2 * i]);
      points.y[i] = static_cast<float>((*n)[2 * i + 1]);
    }
    crop.landmarks = points;
  }
  return crop;
}

ScoreTable make_table(const std::string& format, const std::vector<std::shared_ptr<const Model>>& models,
                      const std::vector<View>& views) {
  std::vector<std::string> model_list, view_list;
  for (const auto& model : models) model_list.emplace_back(model->spec().name);
  for (const View view : views) view_list.emplace_back(view_name(view));
  return {format == "csv"     ? TableFormat::csv
          : format == "jsonl" ? TableFormat::jsonl
                              : TableFormat::text,
          model_list, view_list};
}

/// Images a second, and what the threads did all that time.
void print_timing(const std::vector<Scorer>& scorers, std::size_t images,
                  std::chrono::steady_clock::time_point started) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  ScoreTime sum;
  for (const Scorer& scorer : scorers) {
    sum.decode_s += scorer.time().decode_s;
    sum.resize_s += scorer.time().resize_s;
    sum.network_s += scorer.time().network_s;
  }
  const double percent = 100 / (seconds * static_cast<double>(scorers.size()));
  std::fprintf(stderr,
               "%zu images in %.2f s, %.1f images/s on %zu threads: decode %.1f %%, resize %.1f %%, network "
               "%.1f %%, idle %.1f %%\n",
               images, seconds, static_cast<double>(images) / seconds, scorers.size(), sum.decode_s * percent,
               sum.resize_s * percent, sum.network_s * percent,
               100 - (sum.decode_s + sum.resize_s + sum.network_s) * percent);
}

int ScoreCommand::run() {
  const auto fail = [](const Status& status) {
    print_error(status);
    return exit_usage;
  };
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (paths.empty())
    return fail(Status::error(Errc::bad_argument,
                              "nothing to score: name images or folders (tinyfiqa score --help)"));
  const auto options = score_options(views, model.model);
  if (!options) return fail(options.status());
  const auto face = crop();
  if (!face) return fail(face.status());
  const auto models = read_models(model);
  if (!models) return fail(models.status());
  const auto items = list_inputs(paths);
  auto scorers = make_scorers(*models, *options, threads, items.size());
  if (!scorers) return fail(scorers.status());

  const ScoreTable table = make_table(format, *models, options->views);
  if (!table.header().empty()) std::printf("%s\n", table.header().c_str());
  std::vector<ScoreRow> sorted;
  std::size_t failed = 0;
  const auto started = std::chrono::steady_clock::now();
  Progress progress(items.size(), "images");
  const auto score = [&](Scorer& scorer, std::size_t index) {
    return score_file(scorer, items[index].path, *face, items[index].status);
  };
  ScoreRun(items.size()).start(*scorers, score, [&](std::size_t index, ScoreRow row) {
    failed += !row.status.ok();
    if (sort) {
      sorted.push_back(std::move(row));
    } else {
      progress.clear();
      std::printf("%s\n", table.row(row).c_str());
      std::fflush(stdout);
    }
    progress.show(index + 1);
  });
  progress.clear();
  if (timing) print_timing(*scorers, items.size() - failed, started);
  std::stable_sort(sorted.begin(), sorted.end(), [](const ScoreRow& a, const ScoreRow& b) {
    return a.status.ok() != b.status.ok() ? a.status.ok() : a.score.value > b.score.value;
  });
  for (const ScoreRow& row : sorted) std::printf("%s\n", table.row(row).c_str());
  if (items.empty()) print_note("nothing to score: the list of files was empty");
  if (failed > 0) std::fprintf(stderr, "tinyfiqa: %zu of %zu could not be scored\n", failed, items.size());
  return failed > 0 ? exit_some_failed : exit_done;
}

}  // namespace

void add_score(CLI::App& app, int& exit_code) {
  auto command = std::make_shared<ScoreCommand>();
  CLI::App* sub = app.add_subcommand("score", "Score face photos: one row for each, higher is better");
  sub->add_option(
      "paths", command->paths,
      "Images (JPEG, PNG, BMP, PPM), folders (searched to the bottom), patterns, or - for a list on stdin");
  command->model.add_to(
      *sub,
      "tinyfqnet (default), mobilenet_v3_small, shufflenet_v2_x0_5, shufflenet_v2_x1_0, or ensemble "
      "(the mean over all --weights); default: what the weight file says");
  command->views.add_to(*sub);
  sub->add_option("--box", command->box, "The face in each image, in pixels; default: the whole image")
      ->type_name("X,Y,W,H");
  sub->add_option("--landmarks", command->landmarks,
                  "Image-left eye, image-right eye, nose, image-left and image-right corner of the mouth, in "
                  "pixels: the "
                  "face is aligned before it is scored, as tinyfqnet was trained")
      ->type_name("X1,Y1,..,X5,Y5");
  sub->add_option("--threads", command->threads, "Threads; default: one for each core")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--format", command->format,
                  "text, csv or jsonl (which have the networks' and views' scores too)")
      ->check(CLI::IsMember({"text", "csv", "jsonl"}))
      ->capture_default_str();
  sub->add_flag("--sort", command->sort, "Best first, once all are scored; errors last");
  sub->add_flag("--timing", command->timing,
                "Images a second on stderr, and how much of the threads' time decoding, resizing and the "
                "networks took");
  sub->footer(
      "Without --box or --landmarks the whole image is taken as the face: give crops of faces.\n"
      "Exit status: 0 all scored, 1 some could not be, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa score examples/faces --sort\n  tinyfiqa score examples/faces/astronaut.jpg "
      "--format jsonl");
  sub->callback([command, &exit_code] { exit_code = command->run(); });
}
