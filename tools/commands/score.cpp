// tinyfiqa score: prints one row per image, in the order in which the images were given.
#include <tinyfiqa/threads/processor.hpp>

#include "commands/commands.hpp"
#include "jobs/faces/box_note.hpp"
#include "jobs/input_list.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/done_check.hpp"
#include "jobs/scoring/done_rows.hpp"
#include "jobs/scoring/merge_shards.hpp"
#include "jobs/scoring/score_photos.hpp"
#include "jobs/stopwatch.hpp"
#include "options/crop_options.hpp"
#include "options/data_options.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "options/shard_option.hpp"
#include "reports/score_table.hpp"
#include "reports/text.hpp"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

using namespace tinyfiqa;

namespace {

struct ScoreCommand {
  std::vector<std::string> paths;
  DataOptions data;
  ModelOptions model;
  ViewOptions views;
  CropOptions place;
  FaceOptions faces;
  std::string format = "text", draw, sheet, out, resume;
  std::optional<Shard> shard;
  int threads = 0;
  bool sort = false, timing = false, raw = false, explain = false;

  int run();

 private:
  Status check_options();
  Status check_out();
  void name_shard_file();
  NextPhoto numbered(NextPhoto next) const;
  Result<QualitySource> open(const ScoreOptions& options, const Crop& crop) const;
  ShownFaces shown_faces() const;
  Result<RowOutput> open_rows(const ScoreTable& table, const PhotoJudge& judge, NextPhoto& next) const;
  int score_list(const ScoreOptions& options, const Crop& crop);
  int score_table(const ScoreOptions& options);
  int print_scores(std::vector<PhotoJudge>& judges, NextPhoto next, Aside<ImageFile>& first,
                   const ScoreOutput& output) const;
  Status write_sheet(const ContactSheet& shown) const;

  std::string shard_file_;  ///< the rows of a shard get this name at the end; empty: they have it already
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

Result<QualitySource> ScoreCommand::open(const ScoreOptions& options, const Crop& crop) const {
  auto source = QualitySource::open(model, options, threads);
  const bool searched = faces.choice() != FaceChoice::whole || !data.csv.empty();
  if (source && source->needs_landmarks() && !searched && !crop.landmarks)
    return Status::error(Errc::bad_argument, "--model ", model.model, " needs --landmarks or --face auto");
  return source;
}

ShownFaces ScoreCommand::shown_faces() const {
  return faces.choice() == FaceChoice::whole ? ShownFaces::none
         : faces.choice() == FaceChoice::all ? ShownFaces::all
                                             : ShownFaces::largest;
}

/// Standard output with the header, or the file of --out or --resume. Takes from `next` the photos that the file of
/// --resume has already, and lets the judge score some of them again.
Result<RowOutput> ScoreCommand::open_rows(const ScoreTable& table, const PhotoJudge& judge,
                                          NextPhoto& next) const {
  const std::string header = table.header().empty() ? "" : table.header() + "\n";
  std::error_code ignored;
  const bool go_on = !resume.empty() && std::filesystem::file_size(resume, ignored) > 0 && !ignored;
  if (!go_on) {
    auto rows = out.empty() && resume.empty() ? Result<RowOutput>(RowOutput())
                                              : RowOutput::open(out.empty() ? resume : out, 0);
    if (!rows) return rows;
    if (Status written = rows->write(header); !written) return written;
    return rows;
  }
  auto done = DoneRows::read(resume, table_format(format), table.header());
  if (!done) return done.status();
  DoneCheck check(resume, judge);
  while (const auto row = done->next()) {
    const auto photo = next();
    if (!photo || photo->path != row->path)
      return Status::error(Errc::mismatch, resume, ": has a row for ", row->path, " where ",
                           photo ? photo->path : "nothing more",
                           " was given; give the same photos in the same order");
    if (const Status same = check.compare(*row, *photo); !same) return same;
  }
  if (done->images() > 0)
    print_note(resume + ": " + std::to_string(done->images()) + " images are done; going on behind them");
  return RowOutput::open(resume, done->bytes());
}

/// Scores the photos and prints their rows. `first`, if valid, gives the first photo. Returns the exit code.
int ScoreCommand::print_scores(std::vector<PhotoJudge>& judges, NextPhoto next, Aside<ImageFile>& first,
                               const ScoreOutput& output) const {
  next = numbered(std::move(next));
  auto rows = open_rows(output.table, judges[0], next);
  if (!rows) return report_failure(rows.status());
  const double started_s = now_s();
  const ScoredPhotos done = score_photos(judges, next, first, output, *rows);
  if (timing) print_timing(judges, done.photos - done.failed, started_s);
  if (!done.written.ok()) return report_failure(done.written, exit_some_failed);
  if (!shard_file_.empty())
    if (const Status named = finish_file(shard_file_); !named) return report_failure(named, exit_some_failed);
  if (const Status drawn = write_sheet(done.sheet); !drawn) return report_failure(drawn, exit_some_failed);
  if (done.failed > 0)
    std::fprintf(stderr, "tinyfiqa: %zu of %zu images could not be scored\n", done.failed, done.photos);
  if (done.photos == 0 && resume.empty() && !shard)
    print_note("nothing to score: the list of files is empty");
  return done.failed + done.undrawn > 0 ? exit_some_failed : exit_done;
}

/// The photos with their numbers. With --shard, those of the shard alone.
NextPhoto ScoreCommand::numbered(NextPhoto next) const {
  return [next = std::move(next), part = shard, count = std::size_t{0}]() mutable {
    for (;;) {
      auto photo = next();
      if (photo) photo->number = count++;
      if (!photo || !part || part->has(photo->number)) return photo;
    }
  };
}

Status ScoreCommand::write_sheet(const ContactSheet& shown) const {
  if (sheet.empty()) return Status();
  if (shown.empty()) {
    print_note("no face was scored, so " + sheet + " is not written");
    return Status();
  }
  if (shown.left_out() > 0)
    print_note(sheet + " has the best " + std::to_string(ContactSheet::most_faces) + " faces; " +
               std::to_string(shown.left_out()) + " are left out");
  return write_jpeg(sheet, shown.draw(), 90);
}

/// Scores files, folders, patterns and lists.
int ScoreCommand::score_list(const ScoreOptions& options, const Crop& crop) {
  InputList items(paths);
  PictureNames pictures;
  if (!draw.empty()) {  // their names depend on those of all photos
    auto all = list_inputs(paths);
    std::vector<std::string> names;
    for (const InputItem& item : all) names.push_back(item.path);
    pictures = PictureNames(names);
    items = InputList(std::move(all));
  }
  const std::size_t count = items.count_up_to(static_cast<std::size_t>(thread_count(threads)));
  // Decode the first image while the weights are loaded.
  const int first_side =
      faces.choice() == FaceChoice::whole || faces.search.tiles ? 0 : faces.search.longest_side;
  const InputItem* const front = threads != 1 && resume.empty() && !shard ? items.front() : nullptr;
  auto first =
      front != nullptr && front->status.ok()
          ? Aside<ImageFile>([path = front->path, first_side] { return read_image_file(path, first_side); })
          : Aside<ImageFile>();
  const auto source = open(options, crop);
  if (!source) return report_failure(source.status());
  auto judges = photo_judges(*source, faces, model.isa, threads, count, explain);
  if (!judges) return report_failure(judges.status());
  const bool average = crop.box && source->wants_aligned_faces();
  const ShownScore shown = shown_score(*source, raw);
  ScoreTable table(table_format(format), shown, shown_faces(), source->models(), source->views(),
                   average ? average_landmarks_note : "");
  if (explain) table.show_explanations();
  const std::size_t total =
      Progress::on_terminal() ? items.total().value_or(0) / (shard ? shard->count : 1) : 0;
  const auto next = [&]() -> std::optional<PhotoTask> {
    auto item = items.next();
    if (!item) return std::nullopt;
    return PhotoTask{item->path, item->path, std::move(item->status), crop, false};
  };
  const int code =
      print_scores(*judges, next, first, {table, shown, sort, draw, pictures, !sheet.empty(), total});
  if (const std::string left_out = items.left_out(); !left_out.empty()) print_note(left_out);
  return code;
}

/// Scores the photos of --data. Boxes and landmarks of rows are the faces; in photos of other rows, faces are found.
int ScoreCommand::score_table(const ScoreOptions& options) {
  data.dataset.need_score = false;
  if (data.whole_image) faces.face = "whole";
  const auto table = read_data(data);
  if (!table) return report_failure(table.status());
  const std::vector<Sample>& samples = table->data.samples;
  const auto source = open(options, Crop());
  if (!source) return report_failure(source.status());
  if (source->wants_aligned_faces() && !data.whole_image) print_boxes(table->data);
  auto judges = photo_judges(*source, faces, model.isa, threads, samples.size(), explain);
  if (!judges) return report_failure(judges.status());
  std::vector<std::string> names;
  for (const Sample& s : samples)
    if (!draw.empty()) names.push_back(s.path);
  const ShownScore shown = shown_score(*source, raw);
  ScoreTable rows(table_format(format), shown, shown_faces(), source->models(), source->views());
  if (explain) rows.show_explanations();
  std::size_t given = 0;
  const auto next = [&]() -> std::optional<PhotoTask> {
    if (given == samples.size()) return std::nullopt;
    const Sample& s = samples[given++];
    return PhotoTask{s.path, s.file, s.status, source->crop_of(s), s.is_face};
  };
  Aside<ImageFile> nothing_ahead;
  return print_scores(*judges, next, nothing_ahead,
                      {rows, shown, sort, draw, PictureNames(names), !sheet.empty(),
                       samples.size() / (shard ? shard->count : 1)});
}

/// Errors: bad_argument for options that do not go together; cannot_write.
Status ScoreCommand::check_options() {
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (paths.empty() == data.csv.empty())
    return Status::error(Errc::bad_argument,
                         paths.empty() ? "nothing to score; give images or folders, or a table as --data "
                                         "(see tinyfiqa score --help)"
                                       : "give images and folders, or --data, not both");
  if (!data.csv.empty() && !(place.box.empty() && place.landmarks.empty()))
    return Status::error(Errc::bad_argument,
                         "--data has its own boxes and landmarks; remove --box and --landmarks");
  if (const Status s = check_out(); !s) return s;
  if (!sheet.empty())
    if (const Status s = check_jpeg_file("--sheet", sheet); !s) return s;
  return draw.empty() ? Status() : make_output_folder(draw, "face.jpg");
}

/// Checks --out and --resume, and takes the format from their extension. Errors: bad_argument; cannot_write.
Status ScoreCommand::check_out() {
  if (model.precision == "auto" && (shard || !resume.empty()))
    return Status::error(Errc::bad_argument, "--precision auto may choose otherwise on another machine, and ",
                         shard ? "--shard" : "--resume", " needs the same scores everywhere; give f32 or i8");
  const std::string& file = out.empty() ? resume : out;
  if (!file.empty() && format == "text") {
    const std::string extension = std::filesystem::path(file).extension().string();
    format = extension == ".csv" ? "csv" : extension == ".jsonl" ? "jsonl" : format;
    if (format == "text")
      return Status::error(Errc::bad_argument, file,
                           ": give --format csv or jsonl, or a file of that extension");
  }
  const std::string given = out;
  if (shard && !file.empty()) name_shard_file();
  std::error_code ignored;
  if (!out.empty() && std::filesystem::is_regular_file(out, ignored) &&
      std::filesystem::file_size(out, ignored) > 0)
    return Status::error(Errc::cannot_write, out, ": exists; go on with it by --resume ", given,
                         ", remove it, or name another file");
  return Status();
}

/// With --shard, the rows go to an unfinished file, which gets its name at the end.
void ScoreCommand::name_shard_file() {
  std::string& file = out.empty() ? resume : out;
  shard_file_ = shard_file(file, *shard);
  file = shard_file_ + unfinished_file;
}

int ScoreCommand::run() {
  if (const Status s = check_options(); !s) return report_failure(s);
  std::error_code ignored;
  if (!shard_file_.empty() && std::filesystem::exists(shard_file_, ignored)) {
    if (out.empty()) return print_note(shard_file_ + ": is done already; nothing to do"), exit_done;
    return report_failure(
        Status::error(Errc::cannot_write, shard_file_, ": exists; remove it, or name another file"));
  }
  const auto options = score_options(views);
  if (!options) return report_failure(options.status());
  const auto crop = place.crop();
  if (!crop) return report_failure(crop.status());
  faces.search.check_finite = options->check_finite;
  if (crop->box || crop->landmarks) faces.face = "whole";  // the face is given
  return data.csv.empty() ? score_list(*options, *crop) : score_table(*options);
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
  command->model.add_precision_to(sub);
  command->views.add_to(sub);
  command->faces.add_to(sub);
  command->place.add_to(sub);
  command->data.add_unlabelled_to(sub);
  sub.option("--data").required(false).description(
      "Score the images of this CSV (column path): faces are where its columns of boxes or landmarks say, "
      "otherwise they "
      "are found");
  add_threads_option(sub, command->threads);
  add_format_option(sub, command->format,
                    "csv and jsonl have faces and the scores of networks and views too");
  sub.add_option(
         "--draw", command->draw,
         "Write every photo to this folder as a JPEG with boxes, landmarks and qualities; with --explain "
         "also what is wrong most")
      .type_name("DIR");
  sub.add_option(
         "--sheet", command->sheet,
         "Write a contact sheet to this JPEG: all faces (the best 500), best first, with their qualities")
      .type_name("FILE");
  const Option out =
      sub.add_option("--out", command->out,
                     "Write the rows to this new file instead of standard output, as csv or jsonl (by its "
                     "extension, or --format)")
          .type_name("FILE");
  const Option resume =
      sub.add_option(
             "--resume", command->resume,
             "Go on with a file of --out that an earlier run with the same images, weights and options did "
             "not finish (some images are scored again to check that); a new file is begun")
          .type_name("FILE")
          .excludes(out);
  const Option shard =
      sub.add_option(
             "--shard", [command](const std::string& text) { return read_shard(text, command->shard); },
             "Score only part I of N: images I, I + N, I + 2 N, ... With --out or --resume scores.csv, the "
             "rows "
             "go to scores.I-of-N.csv, which merge joins")
          .type_name("I/N")
          .excludes(sub.option("--sheet"));
  sub.add_flag("--sort", command->sort, "Print the best image first and errors last, after all are scored")
      .excludes(out)
      .excludes(resume)
      .excludes(shard);
  sub.add_flag(
      "--explain", command->explain,
      "Say why: below each row the one or two worst of 19 components (light, sharpness, pose, ...) with what "
      "to do; csv and jsonl have all components, 0..100");
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
