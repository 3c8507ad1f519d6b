// tinyfiqa score: images in, one row each out, in the order they were given.
#include <tinyfiqa/threads/processor.hpp>

#include "commands/commands.hpp"
#include "jobs/input_list.hpp"
#include "jobs/progress.hpp"
#include "jobs/score_run.hpp"
#include "jobs/stopwatch.hpp"
#include "options/crop_options.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"
#include "reports/words.hpp"

#include <algorithm>
#include <cstdio>

using namespace tinyfiqa;

namespace {

struct ScoreCommand {
  std::vector<std::string> paths;
  ModelOptions model;
  ViewOptions views;
  CropOptions face;
  std::string format = "text";
  int threads = 0;
  bool sort = false, timing = false, raw = false;

  int run();

 private:
  ShownScore shown_score(const QualitySource& source) const;
};

/// Images a second, and what the threads did all that time.
void print_timing(const std::vector<std::unique_ptr<FaceJudge>>& judges, std::size_t images,
                  double started_s) {
  const double seconds = now_s() - started_s;
  double decode_s = 0, resize_s = 0, network_s = 0;
  for (const auto& judge : judges) {
    decode_s += judge->decode_s;
    resize_s += judge->time().resize_s;
    network_s += judge->time().network_s;
  }
  const double percent = 100 / (seconds * static_cast<double>(judges.size()));
  std::fprintf(stderr,
               "%zu images in %.2f s, %.1f images/s on %zu threads: decode %.1f %%, resize %.1f %%, network "
               "%.1f %%, other and idle %.1f %%\n",
               images, seconds, static_cast<double>(images) / seconds, judges.size(), decode_s * percent,
               resize_s * percent, network_s * percent, 100 - (decode_s + resize_s + network_s) * percent);
}

/// Qualities where there are some; else a note says how to come by them.
ShownScore ScoreCommand::shown_score(const QualitySource& source) const {
  if (raw) return ShownScore::raw;
  if (source.calibrated()) {
    if (!views.tta.empty() && !source.sees_calibrated_views())
      print_note("--tta " + views.tta +
                 ": the weights were calibrated with other views, so qualities shift; leave --tta away");
    return ShownScore::quality;
  }
  if (const auto names = source.uncalibrated(); !names.empty())
    print_note("the weights of " + joined(names, ", ") +
               " have no calibration, so these are raw scores; for qualities of 0..100: tinyfiqa calibrate "
               "WEIGHTS --data population.csv --out CALIBRATED.safetensors");
  return ShownScore::raw;
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
  const auto options = score_options(views);
  if (!options) return fail(options.status());
  const auto crop = face.crop();
  if (!crop) return fail(crop.status());
  const auto items = list_inputs(paths);
  // The first one is decoded while the weights are loaded.
  const bool ahead = threads != 1 && !items.empty() && items[0].status.ok();
  auto first = ahead ? Aside<PictureFile>([&] { return read_picture(items[0].path); }) : Aside<PictureFile>();
  const auto source = QualitySource::open(model, *options, threads);
  if (!source) return fail(source.status());
  if (source->needs_landmarks() && !crop->landmarks)
    return fail(Status::error(Errc::bad_argument, "--model ", model.model, " needs --landmarks"));
  auto judges = source->judges(threads, items.size());
  if (!judges) return fail(judges.status());

  const ShownScore shown = shown_score(*source);
  const ScoreTable table(table_format(format), shown, source->models(), source->views());
  if (!table.header().empty()) std::printf("%s\n", table.header().c_str());
  std::vector<ScoreRow> sorted;
  std::size_t failed = 0;
  const double started_s = now_s();
  Progress progress(items.size(), "images");
  const auto score = [&](const std::unique_ptr<FaceJudge>& judge, std::size_t index) {
    if (index == 0 && first.valid()) return score_picture(*judge, items[0].path, first.get(), *crop, 0);
    return score_file(*judge, items[index].path, *crop, index, items[index].status);
  };
  ScoreRun(items.size()).start(*judges, score, [&](std::size_t index, ScoreRow row) {
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
  if (timing) print_timing(*judges, items.size() - failed, started_s);
  std::stable_sort(sorted.begin(), sorted.end(), [shown](const ScoreRow& a, const ScoreRow& b) {
    if (a.status.ok() != b.status.ok()) return a.status.ok();
    // Beyond the map's ends all qualities are alike: the raw scores then decide.
    if (shown == ShownScore::quality && a.score.quality != b.score.quality)
      return a.score.quality > b.score.quality;
    return a.score.value > b.score.value;
  });
  for (const ScoreRow& row : sorted) std::printf("%s\n", table.row(row).c_str());
  if (items.empty()) print_note("nothing to score: the list of files was empty");
  if (failed > 0) std::fprintf(stderr, "tinyfiqa: %zu of %zu could not be scored\n", failed, items.size());
  return failed > 0 ? exit_some_failed : exit_done;
}

}  // namespace

void add_score(const Command& app, int& exit_code) {
  auto command = std::make_shared<ScoreCommand>();
  const Command sub =
      app.add_command("score", "Score face photos: quality 0..100 and band of each, higher is better");
  sub.add_option(
      "paths", command->paths,
      "Images (JPEG, PNG, BMP, PPM), folders (searched to the bottom), patterns, or - for a list on stdin");
  command->model.add_to(sub, model_choices());
  command->views.add_to(sub);
  command->face.add_to(sub);
  sub.add_option("--threads", command->threads, "Threads; default: one for each core").range(1, 1024);
  sub.add_option("--format", command->format,
                 "text, csv or jsonl (which have the networks' and views' scores too)")
      .one_of({"text", "csv", "jsonl"})
      .show_default();
  sub.add_flag("--sort", command->sort, "Best first, once all are scored; errors last");
  sub.add_flag("--raw", command->raw,
               "The network's own score (mean over networks and views) instead of the quality of 0..100");
  sub.add_flag("--timing", command->timing,
               "Images a second on stderr, and how much of the threads' time decoding, resizing and the "
               "networks took");
  sub.footer(
      "The quality of ISO/IEC 29794-1 (0..100) tells where a face lies among those that the weights were "
      "calibrated on; the band is reject, poor, fair or good. Without a calibration, or for a baseline, rows "
      "have the raw score.\n"
      "Without --box or --landmarks the whole image is taken as the face: give crops of faces.\n"
      "Exit status: 0 all scored, 1 some could not be, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa score examples/faces --sort\n  tinyfiqa score examples/faces/astronaut.jpg "
      "--format jsonl");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
