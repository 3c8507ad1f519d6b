// tinyfiqa watch: scores the frames of a camera as they come, until one is good enough.
#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/limits.hpp>

#include "commands/commands.hpp"
#include "jobs/faces/draw_faces.hpp"
#include "jobs/output_path.hpp"
#include "jobs/scoring/score_run.hpp"
#include "jobs/stop_signal.hpp"
#include "jobs/watch/camera.hpp"
#include "jobs/watch/watch_run.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "options/option_texts.hpp"
#include "options/video_options.hpp"
#include "reports/text.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

using namespace tinyfiqa;

namespace {

constexpr int saved_jpeg_quality = 95;

struct WatchCommand {
  std::string source, camera_size, timeout, save, format = "text";
  VideoOptions video;
  ModelOptions model;
  ViewOptions views;
  FaceOptions faces;
  std::optional<int> fps, until;
  bool no_drop = false;
  int threads = 1;

  int run();

 private:
  /// Where frames come from.
  struct Frames {
    FrameFormat format;
    FrameReader reader;
    bool is_file = false;
    std::shared_ptr<Camera> camera;
  };

  Status check_source();
  Status check_save() const;
  Result<WatchOptions> watch_options() const;
  Result<CameraRequest> camera_request() const;
  Result<Frames> open_frames() const;
  Result<QualitySource> open_quality() const;
  Status save_best(const WatchResult& result, const FrameFormat& frames) const;
  int report(const WatchResult& result, const FrameFormat& frames) const;
  std::string failure(const WatchResult& result) const;
  bool is_camera() const { return !source.empty() && source != "-"; }
};

/// Errors: bad_argument unless exactly one source is given, with options that belong to it.
Status WatchCommand::check_source() {
  if (const auto stray = model.take_stray_inputs(); source.empty() && stray.size() == 1) source = stray[0];
  if (is_camera() && video.given())
    return Status::error(Errc::bad_argument, "give a camera (", source,
                         ") or a video on standard input, not both");
  if (!is_camera() && (fps || !camera_size.empty()))
    return Status::error(Errc::bad_argument, fps ? "--fps" : "--camera-size",
                         " is for cameras; name one, such as /dev/video0, or remove it");
  if (source.empty() && !video.given())
    return Status::error(Errc::bad_argument,
                         "nothing to watch; give a camera, such as /dev/video0, or - for JPEGs on standard "
                         "input (see tinyfiqa watch --help)");
  if (!is_camera() && !video.given()) video.mjpeg = true;
  return Status();
}

/// Errors: bad_argument if the name is not that of a JPEG; cannot_write.
Status WatchCommand::check_save() const { return save.empty() ? Status() : check_jpeg_file("--save", save); }

Result<WatchOptions> WatchCommand::watch_options() const {
  WatchOptions options;
  options.until = until;
  options.keep_best = !save.empty();
  options.format = table_format(format);
  if (timeout.empty()) return options;
  double seconds = 0;
  if (!read_duration(timeout, seconds))
    return Status::error(Errc::bad_argument, "--timeout ", timeout,
                         ": is no time; write it as 10s, 500ms or 2min, of at most a day");
  options.most_s = seconds;
  return options;
}

Result<CameraRequest> WatchCommand::camera_request() const {
  CameraRequest request;
  request.fps = fps.value_or(0);
  if (!camera_size.empty() && !read_size(camera_size, max_image_side, request.width, request.height))
    return Status::error(Errc::bad_argument, "--camera-size ", camera_size,
                         ": not WIDTHxHEIGHT, such as 640x480");
  return request;
}

Result<WatchCommand::Frames> WatchCommand::open_frames() const {
  Frames frames;
  if (!is_camera()) {
    const auto stream = video.frame_format("watch");
    if (!stream) return stream.status();
    struct stat info = {};
    frames.is_file = ::fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode);
    frames.format = *stream;
    frames.reader = [stream = *stream](const CodedFrameSink& sink, int stop) {
      return read_coded_frames(STDIN_FILENO, stream, sink, stop).status();
    };
    return frames;
  }
  const auto request = camera_request();
  if (!request) return request.status();
  auto camera = Camera::open(source, *request);
  if (!camera) return camera.status();
  for (const std::string& note : camera->notes()) print_note(note);
  frames.camera = std::make_shared<Camera>(std::move(*camera));
  frames.format = frames.camera->format();
  frames.reader = [camera = frames.camera](const CodedFrameSink& sink, int stop) {
    return camera->read_frames(sink, stop);
  };
  return frames;
}

/// Errors: those of QualitySource::open(); bad_argument for a model without qualities of 0..100.
Result<QualitySource> WatchCommand::open_quality() const {
  const auto options = score_options(views);
  if (!options) return options.status();
  auto quality = QualitySource::open(model, *options, threads);
  if (!quality) return quality.status();
  if (quality->needs_landmarks() && faces.choice() == FaceChoice::whole)
    return Status::error(Errc::bad_argument, "--model ", model.model,
                         " needs landmarks; remove --face whole");
  if (!quality->has_percent())
    return Status::error(Errc::bad_argument,
                         "the scores of this model have no known range, and watch needs qualities of 0..100; "
                         "calibrate its weights (tinyfiqa calibrate), or choose another --model");
  if (const std::string note = quality->inexact(); !note.empty()) print_note(note);
  return quality;
}

/// Writes the best frame: a JPEG as it came.
Status WatchCommand::save_best(const WatchResult& result, const FrameFormat& frames) const {
  if (save.empty()) return Status();
  if (!result.best) {
    print_note(save + ": not written, because no frame was scored");
    return Status();
  }
  const Bytes bytes(result.best->bytes);
  if (frames.coding == FrameCoding::mjpeg) return write_file(save, {&bytes, 1});
  const auto photo = decode_frame(bytes, frames);
  if (!photo) return photo.status();
  return write_jpeg(save, photo->image, saved_jpeg_quality);
}

/// Why no frame was good enough; empty if that is what was wanted.
std::string WatchCommand::failure(const WatchResult& result) const {
  if (result.end == WatchEnd::reached || result.end == WatchEnd::stopped || (result.best && !until))
    return "";
  const std::string when =
      result.end == WatchEnd::time_is_up ? " in " + timeout : std::string(" until the frames ended");
  if (result.looked_at() == 0)
    return "no frame came" + when + "; check the camera, or the program that sends the frames";
  if (!result.best) return (result.faceless > 0 ? "no face was found" : "no frame could be read") + when;
  const WatchRow& best = result.best->row;
  const std::string advice = advice_of(best);
  return "no frame reached " + std::to_string(*until) + when + "; the best is " +
         std::to_string(whole_quality(best.quality)) + ", frame " + std::to_string(best.frame) +
         (advice.empty() ? "" : " (" + advice + ")");
}

/// Prints how it ended, writes the file of --save, and returns the exit code.
int WatchCommand::report(const WatchResult& result, const FrameFormat& frames) const {
  print_note(format_text("frames in %.1f s: %zu scored, %zu without a face, %zu broken, %zu dropped",
                         result.seconds, result.scored, result.faceless, result.broken, result.dropped));
  const Status saved = save_best(result, frames);
  if (!saved) print_error(saved);
  if (!result.status) print_error(result.status);
  const std::string problem = result.status.ok() ? failure(result) : "";
  if (!problem.empty()) std::fprintf(stderr, "tinyfiqa: %s\n", problem.c_str());
  if (result.end == WatchEnd::stopped) return 128 + stop_signal;
  if (!saved || !result.status) return exit_some_failed;
  if (problem.empty()) return exit_done;
  return result.end == WatchEnd::time_is_up ? exit_time_is_up : exit_some_failed;
}

int WatchCommand::run() {
  if (const Status s = check_source(); !s) return report_failure(s);
  if (const Status s = check_save(); !s) return report_result(s);
  auto options = watch_options();
  if (!options) return report_failure(options.status());
  const auto quality = open_quality();
  if (!quality) return report_failure(quality.status());
  auto judges = photo_judges(*quality, faces, model.isa, threads, 1, true);
  if (!judges) return report_failure(judges.status());
  const auto frames = open_frames();
  if (!frames) return report_failure(frames.status());
  options->late = no_drop || frames->is_file ? WhenLate::wait : WhenLate::drop;
  catch_stop_signals();  // the best frame so far is saved then
  WatchRun watch(*quality, judges->front(), frames->format, *options);
  const auto result = watch.run(frames->reader);
  return result ? report(*result, frames->format) : report_failure(result.status(), exit_some_failed);
}

void add_source_options(const Command& sub, WatchCommand& command) {
  sub.add_option("source", command.source,
                 "Watch this camera (/dev/video0), or - for JPEGs one after the other on standard input")
      .type_name("FILE");
  command.video.add_to(sub, "Watch");
  sub.add_option("--camera-size", command.camera_size,
                 "Ask the camera for frames of this size in pixels, width first (default: 640x480)")
      .type_name("WxH");
  sub.add_option("--fps", command.fps,
                 "Ask the camera for this many frames per second (default: its own rate)")
      .range(1, 1000);
  sub.add_flag("--no-drop", command.no_drop,
               "Score every frame, even if the source has to wait; the default if standard input is a file");
}

void add_end_options(const Command& sub, WatchCommand& command) {
  sub.add_option("--until", command.until, "Stop at the first frame of at least this quality").range(0, 100);
  sub.add_option("--timeout", command.timeout, "Stop after this time, such as 10s, 500ms or 2min")
      .type_name("TIME");
  sub.add_option("--save", command.save,
                 "Write the best frame to this JPEG at the end; a JPEG of the source stays as it is")
      .type_name("FILE");
}

}  // namespace

void add_watch(const Command& app, int& exit_code) {
  auto command = std::make_shared<WatchCommand>();
  const Command sub =
      app.add_command("watch", "Score the frames of a camera as they come, until one is good enough");
  add_source_options(sub, *command);
  add_end_options(sub, *command);
  command->model.add_to(sub, model_choices());
  command->model.add_precision_to(sub);
  command->views.add_to(sub);
  command->faces.add_largest_to(sub);
  sub.add_option("--threads", command->threads,
                 "Share each frame among this many threads; one is enough for most cameras")
      .range(1, 1024)
      .show_default();
  add_format_option(sub, command->format, "csv and jsonl have a row for every frame");
  sub.footer(
      "On a terminal, a bar shows the quality of the newest frame, the best so far, and what to do about the "
      "worst\n"
      "component. Elsewhere, text has a row for each frame that is better than all before. At most one frame "
      "waits: if\nframes come faster than they are scored, older ones are dropped and counted.\n"
      "Exit status: 0 a frame reached --until (without --until: a face was scored), 1 the frames ended "
      "before, or a\nfile or the camera failed, 2 wrong usage, 3 the time of --timeout was up before, 128 "
      "and "
      "the number of the\nsignal after a stop.\n\n"
      "Example:\n"
      "  tinyfiqa watch - --until 20 --save /tmp/best.jpg < examples/photos/astronaut.jpg\n"
      "  if tinyfiqa watch /dev/video0 --until 60 --timeout 10s --save best.jpg; then echo taken; fi\n"
      "  ffmpeg -loglevel error -i video.mp4 -q:v 2 -c:v mjpeg -f image2pipe - | tinyfiqa watch - --no-drop");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
