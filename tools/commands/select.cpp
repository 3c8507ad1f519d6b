// tinyfiqa select: the best k images of each template, or of a video that comes through a pipe.
#include "commands/commands.hpp"
#include "jobs/frame_source.hpp"
#include "jobs/input_list.hpp"
#include "jobs/progress.hpp"
#include "jobs/score_run.hpp"
#include "options/crop_options.hpp"
#include "options/data_options.hpp"
#include "reports/select_table.hpp"

#include <tinyfiqa/quality/selection.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <unordered_map>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// An image of a template, to be scored.
struct Candidate {
  std::string group, path, file;
  Crop crop;
  Status status;
};

/// A frame that is kept because it may be chosen.
struct KeptFrame {
  std::size_t number = 0;
  double raw = 0;
  std::vector<unsigned char> head, bytes;  // of the file that --out will have
};

/// A template on its way: what it may still get, and what it has.
struct Group {
  std::size_t left = 0, scored = 0;
  BestFew<std::size_t> best;  // numbers of candidates
};

struct SelectCommand {
  std::vector<std::string> paths;
  DataOptions data;
  std::string template_column = "template", stdin_rgb, out, format = "text";
  ModelOptions model;
  ViewOptions views;
  CropOptions face;
  bool stdin_mjpeg = false, live = false;
  std::size_t k = 1;
  int threads = 0;

  int run();

 private:
  Status open();
  Result<FrameFormat> frame_format() const;
  Result<std::vector<Candidate>> candidates() const;
  Result<std::vector<Candidate>> rows_of_table() const;
  Status select_files(const std::vector<Candidate>& all);
  Status select_frames(const FrameFormat& frames);
  void take_frame(FaceJudge& judge, const VideoFrame& frame, BestFew<KeptFrame>& best);
  Status write_frames(const BestFew<KeptFrame>& best);
  void decide(const LiveDecision& decision) const;
  void report(const Status& status);
  double shown(double raw) const { return source_->has_percent() ? source_->percent(raw) : raw; }
  SelectTable table() const { return {table_format(format), live}; }
  bool from_pipe() const { return stdin_mjpeg || !stdin_rgb.empty(); }

  std::shared_ptr<const QualitySource> source_;
  Crop crop_;
  SelectFolder folder_;
  std::size_t failed_ = 0;
};

void print_line(const std::string& line) {
  if (!line.empty()) std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// What could not be used is told as it comes; the run goes on.
void SelectCommand::report(const Status& status) {
  ++failed_;
  print_error(status);
}

void SelectCommand::decide(const LiveDecision& decision) const {
  if (live) print_line(table().row(decision));
}

Status SelectCommand::open() {
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (int{!paths.empty()} + int{!data.csv.empty()} + int{stdin_mjpeg} + int{!stdin_rgb.empty()} != 1)
    return Status::error(Errc::bad_argument,
                         "name folders or images, or give one of --data, --stdin-mjpeg and --stdin-rgb");
  const auto options = score_options(views);
  if (!options) return options.status();
  auto crop = face.crop();
  if (!crop) return crop.status();
  crop_ = *crop;
  if (!data.csv.empty() && (crop_.box || crop_.landmarks))
    return Status::error(Errc::bad_argument,
                         "--data has boxes and landmarks of its own: leave --box and --landmarks away");
  auto source = QualitySource::open(model, *options, threads);
  if (!source) return source.status();
  source_ = std::make_shared<const QualitySource>(std::move(*source));
  if (source_->needs_landmarks() && data.csv.empty() && !crop_.landmarks)
    return Status::error(Errc::bad_argument, "--model ", model.model,
                         " needs landmarks: a CSV that has them (--data), or --landmarks");
  if (!source_->has_percent())
    print_note("scores of this model have no known range: they are shown as they are, not on 0..100");
  return folder_.open(out);
}

/// Images by template: a folder each, or the CSV's column.
Result<std::vector<Candidate>> SelectCommand::candidates() const {
  if (!data.csv.empty()) return rows_of_table();
  std::vector<Candidate> all;
  for (InputItem& item : list_inputs(paths)) {
    const std::string group = fs::path(item.path).parent_path().string();
    all.push_back({group, item.path, item.path, crop_, item.status});
  }
  return all;
}

Result<std::vector<Candidate>> SelectCommand::rows_of_table() const {
  const auto table = read_csv(data.csv);
  if (!table) return table.status();
  const auto column = csv_column(*table, template_column, "template");
  if (!column) return column.status();
  std::unordered_map<std::size_t, std::string> group_of_line;
  for (const CsvRow& row : table->rows)
    if (*column < row.fields.size()) group_of_line[row.line] = row.fields[*column];
  const auto rows = read_data(data, *table);
  if (!rows) return rows.status();
  if (const Status s = source_->check_landmarks(data.csv, any_landmarks(*rows)); !s) return s;
  std::vector<Candidate> all;
  for (const Sample& s : rows->samples) {
    if (group_of_line[s.line].empty())
      return Status::error(Errc::bad_format, data.csv, ":", s.line, ": no template in column ",
                           template_column);
    all.push_back({group_of_line[s.line], s.path, s.file, s.crop, {}});
  }
  return all;
}

Status SelectCommand::select_files(const std::vector<Candidate>& all) {
  auto judges = source_->judges(threads, all.size());
  if (!judges) return judges.status();
  std::unordered_map<std::string, Group> groups;
  for (const Candidate& c : all)
    ++groups.try_emplace(c.group, Group{0, 0, BestFew<std::size_t>(k)}).first->second.left;
  Status written;
  const auto finish = [&](const std::string& name, const Group& group) {
    if (group.scored == 0) print_note("template " + name + ": no image of it could be scored");
    for (std::size_t i = 0; i < group.best.entries().size(); ++i) {
      const auto& [raw, number] = group.best.entries()[i];
      const Candidate& c = all[number];
      if (!live) print_line(table().row(ChosenImage{name, i + 1, c.path, shown(raw), raw}));
      if (!folder_.wanted() || !written.ok()) continue;
      const auto file = read_file(c.file, FileAccess::copy);
      written = file ? folder_.write(name, i + 1, fs::path(c.file).filename().string(), {}, file->bytes)
                     : file.status();
    }
  };
  const auto judge_one = [&](const std::unique_ptr<FaceJudge>& judge, std::size_t i) {
    return score_file(*judge, all[i].file, all[i].crop, i, all[i].status);
  };
  Progress progress(all.size(), "images");
  ScoreRun(all.size()).start(*judges, judge_one, [&](std::size_t i, const ScoreRow& row) {
    progress.clear();
    Group& group = groups.at(all[i].group);
    if (row.status.ok()) {
      const double raw = double{row.score.value};
      ++group.scored;
      LiveDecision decision{all[i].group, all[i].path, shown(raw), group.best.offer(raw, i), {}};
      for (const auto& entry : group.best.entries()) decision.best.push_back(all[entry.item].path);
      decide(decision);
    } else {
      report(row.status);
    }
    if (--group.left == 0) finish(all[i].group, group);
    progress.show(i + 1);
  });
  return written;
}

Result<FrameFormat> SelectCommand::frame_format() const {
  FrameFormat frames{stdin_mjpeg, 0, 0};
  if (isatty(0) != 0)
    return Status::error(Errc::bad_argument,
                         "standard input is a terminal; pipe a video into it: ffmpeg -i FILE -c:v mjpeg -f "
                         "image2pipe - | tinyfiqa select --stdin-mjpeg");
  char extra = 0;
  const bool size_given =
      std::sscanf(stdin_rgb.c_str(), "%dx%d%c", &frames.width, &frames.height, &extra) == 2;
  if (stdin_mjpeg || (size_given && std::min(frames.width, frames.height) >= 1 &&
                      std::max(frames.width, frames.height) <= max_image_side &&
                      static_cast<std::size_t>(frames.width) * static_cast<std::size_t>(frames.height) <=
                          default_max_pixels))
    return frames;
  return Status::error(Errc::bad_argument, "--stdin-rgb ", stdin_rgb,
                       ": not WIDTHxHEIGHT, such as 640x480, of at most 100 megapixels");
}

void SelectCommand::take_frame(FaceJudge& judge, const VideoFrame& frame, BestFew<KeptFrame>& best) {
  if (!frame.status.ok()) return report(frame.status.prefixed("skipped "));
  const auto score = judge.judge({frame.image, crop_, frame.file, frame.number});
  if (!score) return report(score.status().prefixed("frame ", frame.number, ": "));
  const double raw = double{score->value};
  LiveDecision decision{"", "frame " + std::to_string(frame.number), shown(raw), best.place(raw), {}};
  if (decision.rank > 0) {
    KeptFrame kept{frame.number, raw, {}, {}};
    if (folder_.wanted() && frame.file.empty()) {
      const std::string head =
          "P6\n" + std::to_string(frame.image.width) + " " + std::to_string(frame.image.height) + "\n255\n";
      kept.head.assign(head.begin(), head.end());
      kept.bytes = frame.image.rgb;
    } else if (folder_.wanted()) {
      kept.bytes.assign(frame.file.begin(), frame.file.end());
    }
    best.offer(raw, std::move(kept));
  }
  for (const auto& entry : best.entries())
    decision.best.push_back("frame " + std::to_string(entry.item.number));
  decide(decision);
}

Status SelectCommand::write_frames(const BestFew<KeptFrame>& best) {
  for (std::size_t i = 0; i < best.entries().size(); ++i) {
    const KeptFrame& kept = best.entries()[i].item;
    const std::string name = "frame " + std::to_string(kept.number);
    if (!live) print_line(table().row(ChosenImage{"", i + 1, name, shown(kept.raw), kept.raw}));
    if (!folder_.wanted()) continue;
    const std::string file = "frame_" + std::to_string(kept.number) + (kept.head.empty() ? ".jpg" : ".ppm");
    const Bytes head(kept.head), bytes(kept.bytes);
    if (const Status s = folder_.write("", i + 1, file, head, bytes); !s) return s;
  }
  return Status();
}

Status SelectCommand::select_frames(const FrameFormat& frames) {
  auto judges = source_->judges(1, 1);
  if (!judges) return judges.status();
  BestFew<KeptFrame> best(k);
  const Status ended =
      read_frames(0, frames, [&](const VideoFrame& frame) { take_frame(*judges->front(), frame, best); });
  if (!ended) report(ended);  // what came before still counts
  return write_frames(best);
}

int SelectCommand::run() {
  const auto fail = [](const Status& status) {
    print_error(status);
    return status.code() == Errc::cannot_write ? exit_some_failed : exit_usage;
  };
  if (const Status s = open(); !s) return fail(s);
  Status done;
  if (from_pipe()) {
    const auto frames = frame_format();
    if (!frames) return fail(frames.status());
    print_line(table().header());
    done = select_frames(*frames);
  } else {
    const auto all = candidates();
    if (!all) return fail(all.status());
    print_line(table().header());
    done = select_files(*all);
  }
  if (!done) return fail(done);
  if (failed_ > 0) std::fprintf(stderr, "tinyfiqa: %zu could not be scored\n", failed_);
  return failed_ > 0 ? exit_some_failed : exit_done;
}

void add_input_options(const Command& sub, SelectCommand& command) {
  sub.add_option("paths", command.paths,
                 "Folders: the images that lie in one folder are one template, folders in it are others");
  command.data.add_unlabelled_to(sub);
  sub.option("--data").required(false).description(
      "Images: a CSV with columns path and template, and maybe a box or five landmarks");
  sub.add_option("--template-column", command.template_column, "Its column of templates")
      .type_name("NAME")
      .show_default();
  sub.add_flag("--stdin-mjpeg", command.stdin_mjpeg,
               "A video through the pipe, as JPEGs one after the other: one template");
  sub.add_option(
         "--stdin-rgb", command.stdin_rgb,
         "A video through the pipe, as raw pixels (8 bits each of red, green, blue) of this size, width "
         "first")
      .type_name("WxH");
}

}  // namespace

void add_select(const Command& app, int& exit_code) {
  auto command = std::make_shared<SelectCommand>();
  const Command sub = app.add_command("select", "The best images of each folder, template or video");
  add_input_options(sub, *command);
  sub.add_option("-k,--best", command->k, "How many of each template, best first")
      .range(1, 100000)
      .show_default();
  sub.add_flag("--live", command->live,
               "A row after every image: its rank among those so far, and which are the best now; no rows at "
               "the end");
  sub.add_option("--out", command->out,
                 "Folder for the chosen images: TEMPLATE/RANK_NAME, of a video RANK_frame_NUMBER.jpg (raw "
                 "pixels: .ppm)")
      .type_name("DIR");
  command->model.add_to(sub, model_choices());
  command->views.add_to(sub);
  command->face.add_to(sub);
  sub.add_option("--threads", command->threads,
                 "Threads for folders and CSVs; default: one for each core (a video takes one)")
      .range(1, 1024);
  sub.add_option("--format", command->format, "text, csv or jsonl (which have the raw score too)")
      .one_of({"text", "csv", "jsonl"})
      .show_default();
  sub.footer(
      "Scores are on 0..100 where the model's range is known: tinyfqnet's expected cosine times 100, "
      "baselines'\n"
      "places among photos like LFW's. A video takes the memory of a few frames, however long it is; frames\n"
      "that are broken are told and skipped.\n"
      "Exit status: 0 done, 1 some could not be scored, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa select examples/faces -k 2\n"
      "  ffmpeg -loglevel error -i video.mp4 -q:v 2 -c:v mjpeg -f image2pipe - | tinyfiqa select "
      "--stdin-mjpeg "
      "-k 3 --out best\n"
      "  ffmpeg -loglevel error -i video.mp4 -pix_fmt rgb24 -f rawvideo - | tinyfiqa select --stdin-rgb "
      "640x480 "
      "--live");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
