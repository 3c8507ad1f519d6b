// tinyfiqa select: the best k images of each template, or of a video from a pipe.
#include "commands/commands.hpp"
#include "jobs/scoring/score_run.hpp"
#include "jobs/scoring/select_run.hpp"
#include "jobs/stop_signal.hpp"
#include "options/crop_options.hpp"
#include "options/data_options.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "options/video_options.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

using namespace tinyfiqa;

namespace {

struct SelectCommand {
  std::vector<std::string> paths;
  DataOptions data;
  std::string template_column = "template", out, format = "text";
  ModelOptions model;
  ViewOptions views;
  CropOptions place;
  FaceOptions faces;
  VideoOptions video;
  bool live = false;
  std::size_t k = 1;
  int threads = 0;

  int run();

 private:
  Status check_inputs();
  Result<SelectRun> open(const Crop& crop) const;
  Status select(SelectRun& run, const Crop& crop) const;
};

/// Errors: bad_argument unless exactly one kind of input is given.
Status SelectCommand::check_inputs() {
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (int{!paths.empty()} + int{!data.csv.empty()} + int{video.given()} == 1) return {};
  return Status::error(Errc::bad_argument,
                       "give either folders or images, or one of --data, --stdin-mjpeg and --stdin-rgb");
}

/// Checks all options, creates the folder of --out and reads the model.
Result<SelectRun> SelectCommand::open(const Crop& crop) const {
  const auto options = score_options(views);
  if (!options) return options.status();
  if (!data.csv.empty() && (crop.box || crop.landmarks))
    return Status::error(Errc::bad_argument,
                         "--data has its own boxes and landmarks; remove --box and --landmarks");
  SelectFolder folder;
  if (const Status s = folder.open(out); !s) return s;
  if (const Status s = data.check_output(); !s) return s;
  auto source = QualitySource::open(model, *options, threads);
  if (!source) return source.status();
  if (source->needs_landmarks() && data.csv.empty() && !crop.landmarks && faces.choice() == FaceChoice::whole)
    return Status::error(Errc::bad_argument, "--model ", model.model,
                         " needs landmarks; give them with --landmarks, or in a CSV with --data");
  if (const std::string note = source->inexact(); !note.empty()) print_note(note);
  if (!source->has_percent())
    print_note("the scores of this model have no known range, so raw scores are shown instead of 0..100");
  if (crop.box && source->wants_aligned_faces())
    print_note("--box: the faces are aligned by average landmarks in the box, and not turned upright");
  return SelectRun{std::move(*source), k,     threads,   live, {table_format(format), live},
                   std::move(folder),  faces, model.isa, 0};
}

void print_header(const SelectRun& run) {
  const std::string header = run.table.header();
  if (!header.empty()) std::printf("%s\n", header.c_str());
  std::fflush(stdout);
}

Status SelectCommand::select(SelectRun& run, const Crop& crop) const {
  if (video.given()) {
    const auto frames = video.frame_format("select");
    if (!frames) return frames.status();
    print_header(run);
    return select_frames(run, *frames, crop);
  }
  const auto all = data.csv.empty() ? Result<std::vector<Candidate>>(list_candidates(paths, crop))
                                    : read_candidates(run, data, template_column);
  if (!all) return all.status();
  print_header(run);
  return select_files(run, *all);
}

int SelectCommand::run() {
  if (const Status s = check_inputs(); !s) return report_failure(s);
  const auto crop = place.crop();
  if (!crop) return report_failure(crop.status());
  const bool given = crop->box || crop->landmarks;
  if (given || data.whole_image) faces.face = "whole";
  auto run = open(*crop);
  if (!run) return report_result(run.status());
  if (const Status s = select(*run, *crop); !s) return report_result(s);
  if (run->failed > 0) std::fprintf(stderr, "tinyfiqa: %zu images could not be scored\n", run->failed);
  if (stop_signal != 0) {
    print_note("stopped by a signal: these are the best frames up to here");
    return 128 + stop_signal;
  }
  return run->failed > 0 ? exit_some_failed : exit_done;
}

void add_input_options(const Command& sub, SelectCommand& command) {
  sub.add_option("paths", command.paths,
                 "Select from these folders or images; the images directly in a folder are one template, and "
                 "folders inside it are other templates");
  command.data.add_unlabelled_to(sub);
  sub.option("--data").required(false).description(
      "Select from the images of this CSV: columns path and template; optional: a box or five landmarks");
  sub.add_option("--template-column", command.template_column,
                 "Read the templates of --data from this column")
      .type_name("NAME")
      .show_default();
  command.video.add_to(sub, "Select from");
}

void add_output_options(const Command& sub, SelectCommand& command) {
  sub.add_option("-k,--best", command.k, "Select this many images of each template, best first")
      .range(1, 100000)
      .show_default();
  sub.add_flag(
      "--live", command.live,
      "Print a row after every image: its rank among the images so far, and the best of them; print no "
      "rows at the end");
  sub.add_option("--out", command.out,
                 "Write the selected images to this folder, as TEMPLATE/RANK_NAME; frames of a video as "
                 "RANK_frame_NUMBER.jpg (raw pixels: .ppm)")
      .type_name("DIR");
}

void add_format_options(const Command& sub, SelectCommand& command) {
  sub.add_option("--threads", command.threads,
                 "Use this many threads for folders and CSVs (default: one per core); a video uses one")
      .range(1, 1024);
  add_format_option(sub, command.format, "csv and jsonl have the raw scores too");
}

}  // namespace

void add_select(const Command& app, int& exit_code) {
  auto command = std::make_shared<SelectCommand>();
  const Command sub = app.add_command("select", "Select the best images of each folder, template or video");
  add_input_options(sub, *command);
  add_output_options(sub, *command);
  command->model.add_to(sub, model_choices());
  command->model.add_precision_to(sub);
  command->views.add_to(sub);
  command->faces.add_to(sub);
  command->data.add_save_faces_to(sub);
  sub.option("--save-faces").needs(sub.option("--data"));
  command->place.add_to(sub);
  add_format_options(sub, *command);
  sub.footer(
      "Scores are on 0..100 if the range of the model is known: qualities of calibrated weights; for others\n"
      "of tinyfqnet's family the raw score times 100; for baselines the place among images like those of "
      "LFW.\n"
      "A video of any length takes the memory of a few frames. Broken frames are reported and skipped. After "
      "Ctrl-C,\nthe best frames so far are written.\n"
      "Exit status: 0 done, 1 some images could not be scored or written, 2 wrong usage, 128 and the number "
      "of "
      "the\nsignal after a stop.\n\n"
      "Example:\n"
      "  tinyfiqa select examples/faces --face whole -k 2\n"
      "  ffmpeg -loglevel error -i video.mp4 -q:v 2 -c:v mjpeg -f image2pipe - | tinyfiqa select "
      "--stdin-mjpeg -k 3 --out best\n"
      "  ffmpeg -loglevel error -i video.mp4 -pix_fmt rgb24 -f rawvideo - | tinyfiqa select --stdin-rgb "
      "640x480 --live");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
