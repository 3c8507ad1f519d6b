// tinyfiqa detect: the faces of images, as rows, as annotated pictures and as aligned crops.
#include <tinyfiqa/image/align.hpp>

#include "commands/commands.hpp"
#include "jobs/faces/draw_faces.hpp"
#include "jobs/faces/face_finder.hpp"
#include "jobs/faces/face_pixels.hpp"
#include "jobs/frame_source.hpp"
#include "jobs/guarded.hpp"
#include "jobs/input_list.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"
#include "options/data_options.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "options/video_options.hpp"
#include "reports/face_table.hpp"
#include "reports/json_line.hpp"
#include "reports/score_table.hpp"
#include "reports/text.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include <cstdio>
#include <memory>

using namespace tinyfiqa;

namespace {

/// What was found in one image. `row`: its fields in the table of --data.
struct DetectRow {
  std::string path;
  Status status;
  std::vector<FoundFace> faces;
  Status written;  ///< of its pictures
};

struct DetectCommand {
  std::vector<std::string> paths;
  DataOptions data;
  FaceOptions faces;
  VideoOptions video;
  std::string draw, crop, format = "text", isa = "auto";
  int threads = 0;
  PictureNames names;

  int run();

 private:
  Status check_inputs() const;
  Status make_folders() const;
  int detect_files(std::vector<std::unique_ptr<FaceFinder>>& finders);
  int detect_table(std::vector<std::unique_ptr<FaceFinder>>& finders);
  int detect_video(FaceFinder& finder) const;
  DetectRow detect_file(FaceFinder& finder, const std::string& path) const;
  DetectRow detect(FaceFinder& finder, const std::string& path, const ImageView& image, double scale) const;
  Status write_pictures(const DetectRow& row, const ImageView& image) const;
  void print(const DetectRow& row) const;
  TableFormat table() const { return table_format(format); }
};

Status DetectCommand::check_inputs() const {
  if (int{!paths.empty()} + int{!data.csv.empty()} + int{video.given()} == 1) return {};
  return Status::error(Errc::bad_argument,
                       "give either images or folders, or one of --data, --stdin-mjpeg and --stdin-rgb");
}

Status DetectCommand::make_folders() const {
  for (const std::string& folder : {draw, crop})
    if (!folder.empty())
      if (const Status s = make_output_folder(folder, "face.jpg"); !s) return s;
  return {};
}

Status DetectCommand::write_pictures(const DetectRow& row, const ImageView& image) const {
  const std::string name = names.of(row.path);
  if (!draw.empty()) {
    std::vector<DrawnFace> drawn;
    for (const FoundFace& f : row.faces) drawn.push_back({f, format_text("%.2f", double{f.face.confidence})});
    if (const Status s = write_drawing(draw, name, row.path, draw_faces(image, drawn)); !s) return s;
  }
  for (const FoundFace& f : row.faces) {
    if (crop.empty()) break;
    const auto face = align_face(image, f.face.landmarks);
    if (!face) return face.status().prefixed(row.path, ": ");
    const std::string file = crop + "/" + name + "_face" + std::to_string(f.number) + ".jpg";
    if (const Status s = write_jpeg(file, *face, 95); !s) return s;
  }
  return {};
}

DetectRow DetectCommand::detect(FaceFinder& finder, const std::string& path, const ImageView& image,
                                double scale) const {
  DetectRow row{path, {}, {}, {}};
  auto found = finder.find(image, scale);
  if (!found)
    row.status = found.status().prefixed(path, ": ");
  else if (found->empty())
    row.status = Status::error(Errc::no_face, path, ": no face found");
  else
    row.faces = std::move(*found);
  if (found || row.status.code() == Errc::no_face) row.written = write_pictures(row, image);
  return row;
}

DetectRow DetectCommand::detect_file(FaceFinder& finder, const std::string& path) const {
  const auto search = [&]() -> DetectRow {
    const bool pictures = !draw.empty() || !crop.empty();  // at full size
    const auto file = read_image_file(path, pictures ? 0 : finder.decoded_side());
    if (!file.photo) return {path, file.photo.status(), {}, {}};
    DetectRow row = detect(finder, path, file.photo->image, file.photo->scale_y);
    for (FoundFace& f : row.faces) f.face = in_full_photo(*file.photo, f.face);
    return row;
  };
  return guarded(path, search, [&](const Status& problem) { return DetectRow{path, problem, {}, {}}; });
}

void DetectCommand::print(const DetectRow& row) const {
  const std::string message = row.status ? "" : short_message(row.status, row.path);
  if (table() == TableFormat::jsonl) {
    nlohmann::ordered_json json{{"path", row.path}, {"faces", nlohmann::ordered_json::array()}};
    for (const FoundFace& f : row.faces) {
      nlohmann::ordered_json face;
      add_face(face, f);
      json["faces"].push_back(face);
    }
    if (!row.status) json["error"] = message;
    std::printf("%s\n", json_line(json).c_str());
  } else if (table() == TableFormat::csv) {
    for (const FoundFace& f : row.faces)
      std::printf("%s,%s,\n", csv_field(row.path).c_str(), face_fields(&f).c_str());
    if (row.faces.empty())
      std::printf("%s,%s,%s\n", csv_field(row.path).c_str(), face_fields(nullptr).c_str(),
                  csv_field(message).c_str());
  } else {
    for (const FoundFace& f : row.faces) {
      const FaceBox& b = f.face.box;
      const std::string note = *framing_note(f) == '\0' ? "" : std::string("  (") + framing_note(f) + ")";
      std::printf("%s  face %zu  %.2f  at %.0f,%.0f,%.0f,%.0f%s\n", shown_text(row.path).c_str(), f.number,
                  double{f.face.confidence}, double{b.x}, double{b.y}, double{b.width}, double{b.height},
                  note.c_str());
    }
    if (row.faces.empty())
      std::printf("%s  %s\n", shown_text(row.path).c_str(),
                  row.status.code() == Errc::no_face ? "no face" : ("error: " + shown_text(message)).c_str());
  }
  std::fflush(stdout);
  if (!row.written) print_error(row.written);
}

int exit_code_of(std::size_t failed) { return failed > 0 ? exit_some_failed : exit_done; }
bool failed(const DetectRow& row) { return !row.status || !row.written; }

int DetectCommand::detect_files(std::vector<std::unique_ptr<FaceFinder>>& finders) {
  std::string left_out;
  const auto items = list_inputs(paths, &left_out);
  std::vector<std::string> all;
  for (const InputItem& item : items) all.push_back(item.path);
  names = PictureNames(all);
  if (table() == TableFormat::csv) std::printf("path,%s,error\n", face_columns().c_str());
  Progress progress(items.size(), "images");
  std::size_t bad = 0;
  const auto work = [&](const std::unique_ptr<FaceFinder>& finder, std::size_t i) {
    if (!items[i].status) return DetectRow{items[i].path, items[i].status, {}, {}};
    return detect_file(*finder, items[i].path);
  };
  OrderedRun<DetectRow>(items.size()).start(finders, work, [&](std::size_t i, const DetectRow& row) {
    bad += failed(row);
    progress.clear();
    print(row);
    progress.show(i + 1);
  });
  progress.clear();
  if (!left_out.empty()) print_note(left_out);
  return exit_code_of(bad);
}

/// Writes the table again, with the columns of the found faces. Columns of that name in the table are replaced.
int DetectCommand::detect_table(std::vector<std::unique_ptr<FaceFinder>>& finders) {
  data.dataset.need_score = false;
  data.whole_image = true;  // the faces that the table has are replaced, and need not be right
  const auto csv = read_csv(data.csv);
  if (!csv) return report_failure(csv.status());
  const auto rows = read_data(data, *csv);
  if (!rows) return report_failure(rows.status());
  std::vector<std::string> all;
  for (const Sample& sample : rows->samples) all.push_back(sample.file);
  names = PictureNames(all);
  const FaceTable faced(*csv);
  std::fputs(csv_line(faced.header()).c_str(), stdout);
  const auto lines = rows_by_line(*csv);
  Progress progress(rows->samples.size(), "images");
  std::size_t bad = 0;
  const auto work = [&](const std::unique_ptr<FaceFinder>& finder, std::size_t i) {
    return detect_file(*finder, rows->samples[i].file);
  };
  OrderedRun<DetectRow>(rows->samples.size()).start(finders, work, [&](std::size_t i, const DetectRow& row) {
    const CsvRow& given = *lines.at(rows->samples[i].line);
    const auto print_row = [&](const FoundFace* face) {
      std::fputs(csv_line(faced.row(given, face)).c_str(), stdout);
    };
    progress.clear();
    for (const FoundFace& f : row.faces) print_row(&f);
    if (row.faces.empty()) print_row(nullptr);
    if (!row.status) print_error(row.status);
    if (!row.written) print_error(row.written);
    bad += failed(row);
    progress.show(i + 1);
  });
  return exit_code_of(bad);
}

int DetectCommand::detect_video(FaceFinder& finder) const {
  const auto frames = video.frame_format("detect");
  if (!frames) return report_failure(frames.status());
  if (table() == TableFormat::csv) std::printf("path,%s,error\n", face_columns().c_str());
  std::size_t bad = 0;
  const Status ended = read_frames(0, *frames, [&](const VideoFrame& frame) {
    const std::string name = "frame_" + std::to_string(frame.number);
    DetectRow row{name, frame.status, {}, {}};
    if (frame.status) row = detect(finder, name, frame.image, 1);
    bad += (!row.status && row.status.code() != Errc::no_face) || !row.written;
    print(row);
  });
  if (!ended) return report_failure(ended);
  return exit_code_of(bad);
}

int DetectCommand::run() {
  if (const Status s = check_inputs(); !s) return report_failure(s);
  if (const Status s = make_folders(); !s) return report_failure(s);
  const auto backend = backend_option(isa);
  if (!backend) return report_failure(backend.status());
  const int count = video.given() ? 1 : thread_count(threads);
  auto finders = faces.finders(**backend, static_cast<std::size_t>(count), 1);
  if (!finders) return report_failure(finders.status());
  if (video.given()) return detect_video(*finders->front());
  return data.csv.empty() ? detect_files(*finders) : detect_table(*finders);
}

}  // namespace

void add_detect(const Command& app, int& exit_code) {
  auto command = std::make_shared<DetectCommand>();
  command->faces.face = "all";
  const Command sub = app.add_command("detect", "Find faces: boxes, five landmarks and confidence of each");
  sub.add_option(
      "paths", command->paths,
      "Search these images, folders (with all folders inside them) and patterns; - reads a list from "
      "standard input");
  command->data.add_unlabelled_to(sub);
  sub.option("--data").required(false).description(
      "Search the images of this CSV (column path) and write it again with columns for the faces, as other "
      "commands "
      "read them");
  command->video.add_to(sub, "Search the frames of");
  command->faces.add_to(sub, false);
  sub.add_option("--draw", command->draw,
                 "Write every image to this folder as a JPEG with boxes, landmarks and confidences")
      .type_name("DIR");
  sub.add_option("--crop", command->crop, "Write every face to this folder, aligned, 112x112 pixels")
      .type_name("DIR");
  add_threads_option(sub, command->threads);
  add_isa_option(sub, command->isa);
  add_format_option(sub, command->format, "csv has the columns that label, train, eval and others read");
  sub.footer(
      "The landmarks are left eye, right eye, nose, left and right corner of the mouth, as seen in the "
      "image, in\n"
      "pixels. Face 1 is the largest.\n"
      "Exit status: 0 a face in every image, 1 some images have none or could not be read, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa detect examples/photos/group.jpg --draw /tmp/drawn\n"
      "  tinyfiqa detect examples/photos/astronaut.jpg --format csv");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
