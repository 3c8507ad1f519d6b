// tinyfiqa score: prints one row per image, in the order in which the images were given.
#include <tinyfiqa/threads/processor.hpp>

#include "commands/commands.hpp"
#include "jobs/faces/draw_faces.hpp"
#include "jobs/faces/face_finder.hpp"
#include "jobs/input_list.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"
#include "jobs/stopwatch.hpp"
#include "options/crop_options.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>

using namespace tinyfiqa;

namespace {

struct ScoreCommand {
  std::vector<std::string> paths;
  ModelOptions model;
  ViewOptions views;
  CropOptions place;
  FaceOptions faces;
  std::string format = "text", draw;
  PictureNames pictures;  // of --draw
  int threads = 0;
  bool sort = false, timing = false, raw = false;

  int run();

 private:
  Result<QualitySource> open(const ScoreOptions& options, const Crop& crop) const;
  ShownScore shown_score(const QualitySource& source) const;
  ShownFaces shown_faces() const;
  Status draw_photo(const ImageFile& file, const std::vector<ScoreRow>& rows, ShownScore shown) const;
  int print_scores(const QualitySource& source, std::vector<PhotoJudge>& judges,
                   const std::vector<InputItem>& items, Aside<ImageFile>& first, const Crop& crop) const;
};

/// Prints the images per second, and how the threads spent their time.
void print_timing(const std::vector<PhotoJudge>& judges, std::size_t images, double started_s) {
  const double seconds = now_s() - started_s;
  double decode_s = 0, find_s = 0, resize_s = 0, network_s = 0;
  for (const PhotoJudge& j : judges) {
    decode_s += j.judge->decode_s;
    find_s += j.finder == nullptr ? 0 : j.finder->seconds;
    resize_s += j.judge->time().resize_s;
    network_s += j.judge->time().network_s;
  }
  const double percent = 100 / (seconds * static_cast<double>(judges.size()));
  std::fprintf(
      stderr,
      "%zu images in %.2f s, %.1f images/s on %zu threads: decode %.1f %%, find faces %.1f %%, resize "
      "%.1f %%, network %.1f %%, other and idle %.1f %%\n",
      images, seconds, static_cast<double>(images) / seconds, judges.size(), decode_s * percent,
      find_s * percent, resize_s * percent, network_s * percent,
      100 - (decode_s + find_s + resize_s + network_s) * percent);
}

/// Shows qualities if the networks are calibrated. Otherwise prints a note that says how to calibrate them.
ShownScore ScoreCommand::shown_score(const QualitySource& source) const {
  if (raw) return ShownScore::raw;
  if (source.calibrated()) {
    if (const std::string note = source.inexact(); !note.empty()) print_note(note);
    return ShownScore::quality;
  }
  if (const auto names = source.uncalibrated(); !names.empty())
    print_note("the weights of " + join_text(names, ", ") +
               " have no calibration, so these are raw scores; for qualities of 0..100, run tinyfiqa "
               "calibrate WEIGHTS --data population.csv --out CALIBRATED.safetensors");
  return ShownScore::raw;
}

/// Sorts rows best first, errors last.
void sort_rows(std::vector<ScoreRow>& rows, ShownScore shown) {
  std::stable_sort(rows.begin(), rows.end(), [shown](const ScoreRow& a, const ScoreRow& b) {
    if (a.status.ok() != b.status.ok()) return a.status.ok();
    // Qualities beyond the ends of the calibration are equal: the raw scores then decide.
    if (shown == ShownScore::quality && a.score.quality != b.score.quality)
      return a.score.quality > b.score.quality;
    return a.score.value > b.score.value;
  });
}

Result<QualitySource> ScoreCommand::open(const ScoreOptions& options, const Crop& crop) const {
  auto source = QualitySource::open(model, options, threads);
  const bool searched = faces.choice() != FaceChoice::whole;
  if (source && source->needs_landmarks() && !searched && !crop.landmarks)
    return Status::error(Errc::bad_argument, "--model ", model.model, " needs --landmarks or --face auto");
  return source;
}

ShownFaces ScoreCommand::shown_faces() const {
  return faces.choice() == FaceChoice::whole ? ShownFaces::none
         : faces.choice() == FaceChoice::all ? ShownFaces::all
                                             : ShownFaces::largest;
}

/// Scores the images and prints their rows. `first`, if valid, gives the first image. Returns the exit code.
int ScoreCommand::print_scores(const QualitySource& source, std::vector<PhotoJudge>& judges,
                               const std::vector<InputItem>& items, Aside<ImageFile>& first,
                               const Crop& crop) const {
  const ShownScore shown = shown_score(source);
  const bool average = crop.box && source.wants_aligned_faces();
  const ScoreTable table(table_format(format), shown, shown_faces(), source.models(), source.views(),
                         average ? average_landmarks_note : "");
  if (!table.header().empty()) std::printf("%s\n", table.header().c_str());
  std::vector<ScoreRow> sorted;
  std::size_t failed = 0;
  std::atomic<std::size_t> undrawn{0};
  const double started_s = now_s();
  Progress progress(items.size(), "images");
  const auto score = [&](const PhotoJudge& j, std::size_t index) -> std::vector<ScoreRow> {
    const std::string& path = items[index].path;
    if (!items[index].status) return {{path, items[index].status, {}, {}}};
    const ImageFile file =
        index == 0 && first.valid() ? first.get() : read_image_file(path, j.decoded_side());
    std::vector<ScoreRow> rows = score_photo(j, path, file, crop, index);
    if (const Status drawn = draw_photo(file, rows, shown); !drawn) {
      print_error(drawn);
      ++undrawn;
    }
    return rows;
  };
  OrderedRun<std::vector<ScoreRow>>(items.size())
      .start(judges, score, [&](std::size_t index, std::vector<ScoreRow> rows) {
        failed += std::any_of(rows.begin(), rows.end(), [](const ScoreRow& row) { return !row.status.ok(); });
        if (!sort) progress.clear();
        for (ScoreRow& row : rows) {
          if (sort)
            sorted.push_back(std::move(row));
          else
            std::printf("%s\n", table.row(row).c_str());
        }
        std::fflush(stdout);
        progress.show(index + 1);
      });
  progress.clear();
  if (timing) print_timing(judges, items.size() - failed, started_s);
  sort_rows(sorted, shown);
  for (const ScoreRow& row : sorted) std::printf("%s\n", table.row(row).c_str());
  if (items.empty()) print_note("nothing to score: the list of files is empty");
  if (failed > 0)
    std::fprintf(stderr, "tinyfiqa: %zu of %zu images could not be scored\n", failed, items.size());
  return failed + undrawn > 0 ? exit_some_failed : exit_done;
}

/// Writes the photo with its faces and their qualities (or raw scores) to the folder of --draw.
Status ScoreCommand::draw_photo(const ImageFile& file, const std::vector<ScoreRow>& rows,
                                ShownScore shown) const {
  if (draw.empty() || !file.photo) return {};
  std::vector<DrawnFace> drawn;
  for (const ScoreRow& row : rows) {
    if (!row.face || !row.status) continue;
    FoundFace found = *row.face;
    found.face = in_decoded_photo(*file.photo, found.face);
    drawn.push_back({found, shown == ShownScore::quality ? std::to_string(whole_quality(row.score.quality))
                                                         : format_text("%.2f", double{row.score.value})});
  }
  return write_drawing(draw, pictures.of(rows[0].path), rows[0].path, draw_faces(file.photo->image, drawn));
}

int ScoreCommand::run() {
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (paths.empty())
    return report_failure(Status::error(
        Errc::bad_argument, "nothing to score; give images or folders (see tinyfiqa score --help)"));
  const auto options = score_options(views);
  if (!options) return report_failure(options.status());
  const auto crop = place.crop();
  if (!crop) return report_failure(crop.status());
  if (crop->box || crop->landmarks) faces.face = "whole";  // the face is given
  if (!draw.empty())
    if (const Status s = make_output_folder(draw, "face.jpg"); !s) return report_failure(s);
  const auto items = list_inputs(paths);
  std::vector<std::string> all;
  for (const InputItem& item : items) all.push_back(item.path);
  pictures = PictureNames(all);
  // Decode the first image while the weights are loaded.
  const int first_side =
      faces.choice() == FaceChoice::whole || faces.search.tiles ? 0 : faces.search.longest_side;
  const bool ahead = threads != 1 && !items.empty() && items[0].status.ok();
  auto first = ahead ? Aside<ImageFile>([&] { return read_image_file(items[0].path, first_side); })
                     : Aside<ImageFile>();
  const auto source = open(*options, *crop);
  if (!source) return report_failure(source.status());
  auto judges = photo_judges(*source, faces, model.isa, threads, items.size());
  if (!judges) return report_failure(judges.status());
  return print_scores(*source, *judges, items, first, *crop);
}

}  // namespace

void add_score(const Command& app, int& exit_code) {
  auto command = std::make_shared<ScoreCommand>();
  const Command sub =
      app.add_command("score", "Score face photos: quality 0..100 and band of each, higher is better");
  sub.add_option("paths", command->paths,
                 "Score these images (JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP, PPM), folders (with all "
                 "folders inside them) and patterns; "
                 "- reads a list from standard input");
  command->model.add_to(sub, model_choices());
  command->views.add_to(sub);
  command->faces.add_to(sub);
  command->place.add_to(sub);
  add_threads_option(sub, command->threads);
  add_format_option(sub, command->format,
                    "csv and jsonl have faces and the scores of networks and views too");
  sub.add_option("--draw", command->draw,
                 "Write every photo to this folder as a JPEG with boxes, landmarks and qualities")
      .type_name("DIR");
  sub.add_flag("--sort", command->sort, "Print the best image first and errors last, after all are scored");
  sub.add_flag("--raw", command->raw,
               "Print the raw score (mean over networks and views) instead of the quality 0..100");
  sub.add_flag(
      "--timing", command->timing,
      "Print to standard error the images per second, and the share of time for decoding, resizing and "
      "the networks");
  sub.footer(
      "The quality of ISO/IEC 29794-1 (0..100) says where a face lies among the faces that the weights were\n"
      "calibrated on. The band is reject, poor, fair or good. Without a calibration, and for a baseline, "
      "rows have\n"
      "the raw score.\n"
      "The largest face of each photo is scored. A photo without a face gets a row that says so and no "
      "number. An\n"
      "image that is a crop of a face already is recognised and noted. With --box or --landmarks nothing is "
      "searched.\n"
      "Exit status: 0 all scored, 1 some images could not be scored or show no face, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa score examples/photos/group.jpg --face all\n"
      "  tinyfiqa score examples/faces --face whole --sort\n"
      "  tinyfiqa score examples/faces/astronaut.jpg --format jsonl");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
