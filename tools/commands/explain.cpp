// tinyfiqa explain: pictures of what raises and lowers the score of a face.
#include "commands/commands.hpp"

#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/write_png.hpp>

#include "jobs/faces/draw_faces.hpp"
#include "jobs/guarded.hpp"
#include "jobs/input_list.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/heat_run.hpp"
#include "options/crop_options.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "reports/heat_picture.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

using namespace tinyfiqa;

namespace {

struct ExplainCommand {
  std::vector<std::string> paths;
  ModelOptions model;
  FaceOptions faces;
  CropOptions place;
  HeatMapOptions map;
  std::string out, method = "gradient";
  int threads = 0;

  int run();

 private:
  Status check_options();
  bool one_file() const { return small_extension(out) == ".png"; }
  Result<std::vector<HeatJudge>> judges(std::size_t images, bool& calibrated);
  std::vector<HeatRow> work(const HeatJudge& judge, std::size_t index, const InputItem& item) const;
  std::string file_of(const InputItem& item, const ScoreRow& row) const;
  Status write(const InputItem& item, const HeatRow& row, bool calibrated) const;
  std::vector<std::string> lines_of(const HeatRow& row, bool calibrated) const;
  int print(std::vector<HeatJudge>& judges, const std::vector<InputItem>& items, bool calibrated);

  Crop crop_;
  PictureNames names_;
};

Status ExplainCommand::check_options() {
  for (std::string& path : model.take_stray_inputs()) paths.push_back(std::move(path));
  if (paths.empty())
    return Status::error(Errc::bad_argument,
                         "nothing to explain; give images or folders (see tinyfiqa explain --help)");
  const auto crop = place.crop();
  if (!crop) return crop.status();
  crop_ = *crop;
  if (crop_.box || crop_.landmarks) faces.face = "whole";  // the face is given
  map.method = method == "occlusion" ? HeatMethod::occlusion : HeatMethod::gradient;
  map.gradient.seed = map.seed;
  map.occlusion.stride = map.occlusion.side / 4;
  if (!one_file() && std::filesystem::path(out).has_extension() && !std::filesystem::is_directory(out))
    return Status::error(Errc::bad_argument, "--out ", out,
                         ": is written as a PNG; end its name in .png, or name a folder without a dot");
  if (!one_file()) return make_output_folder(out, "face.png");
  if (faces.choice() == FaceChoice::all)
    return Status::error(Errc::bad_argument, "--face all gives several pictures; give --out a folder, not ",
                         out);
  return check_output_file(out);
}

/// What each thread works with. Several photos share the threads; a single one has them all.
Result<std::vector<HeatJudge>> ExplainCommand::judges(std::size_t images, bool& calibrated) {
  const bool occlusion = map.method == HeatMethod::occlusion;
  const auto source = QualitySource::open(model, ScoreOptions(), threads, occlusion ? Use::run : Use::change);
  if (!source) return source.status();
  calibrated = source->calibrated();
  auto scorers = photo_judges(*source, faces, model.isa, threads, images);
  if (!scorers) return scorers.status();
  return heat_judges(*source, std::move(*scorers), map, threads);
}

/// On any thread.
std::vector<HeatRow> ExplainCommand::work(const HeatJudge& judge, std::size_t index,
                                          const InputItem& item) const {
  const auto failed = [&](const Status& problem) {
    return std::vector<HeatRow>{{{item.path, problem, {}, {}}, {}, {}}};
  };
  if (!item.status) return failed(item.status);
  return guarded(
      item.path,
      [&] {
        // Faces are shown in more pixels than they are searched in.
        const bool given = crop_.box || crop_.landmarks;
        const ImageFile file = read_image_file(item.path, given ? 0 : judge.score.decoded_side());
        return heat_photo(judge, item.path, file, crop_, index, heat_panel_side);
      },
      failed);
}

std::string ExplainCommand::file_of(const InputItem& item, const ScoreRow& row) const {
  if (one_file()) return out;
  const std::size_t number = row.face ? row.face->number : 1;
  return out + "/" + names_.of(item.path) + (number > 1 ? "_" + std::to_string(number) : "") + ".png";
}

std::string quality_text(const Score& score, bool calibrated) {
  if (!calibrated) return "raw score " + format_text("%.4f", double{score.value});
  return "quality " + std::to_string(whole_quality(score.quality)) + " (" + band_name(*score.band) + ")";
}

std::vector<std::string> ExplainCommand::lines_of(const HeatRow& row, bool calibrated) const {
  std::string networks;
  for (const NetworkScore& n : row.row.score.networks) networks += (networks.empty() ? "" : " + ") + n.model;
  std::string how;
  if (map.method == HeatMethod::gradient)
    how = "gradients of " + std::to_string(map.gradient.copies) + " noisy copies";
  else
    how = "covering squares changes the raw score by up to " + format_text("%.3f", double{row.map.largest()});
  return {std::filesystem::path(row.row.path).filename().string() + ": " +
              quality_text(row.row.score, calibrated),
          networks + ": " + how};
}

Status ExplainCommand::write(const InputItem& item, const HeatRow& row, bool calibrated) const {
  const HeatMap shown = map.method == HeatMethod::gradient ? shown_map(row.map) : row.map;
  const auto png = encode_png(heat_picture(row.face, shown, lines_of(row, calibrated)));
  if (!png) return png.status();
  const std::string to = file_of(item, row.row);
  std::error_code ignored;  // of a file that is not there
  if (std::filesystem::equivalent(to, item.path, ignored))
    return Status::error(Errc::bad_argument, to, ": is the photo itself; give --out another name");
  const Bytes content(*png);
  if (const Status written = write_file(to, {&content, 1}); !written) return written;
  std::printf("%s: %s, %s\n", to.c_str(), item.path.c_str(), quality_text(row.row.score, calibrated).c_str());
  std::fflush(stdout);
  return Status();
}

int ExplainCommand::print(std::vector<HeatJudge>& judges, const std::vector<InputItem>& items,
                          bool calibrated) {
  Progress progress(items.size(), "images");
  std::size_t given = 0, failed = 0;
  const auto next = [&]() -> std::optional<std::size_t> {
    return given < items.size() ? std::optional<std::size_t>(given++) : std::nullopt;
  };
  const auto map_one = [&](const HeatJudge& judge, std::size_t, std::size_t i) {
    return work(judge, i, items[i]);
  };
  OrderedStream<std::size_t, std::vector<HeatRow>>().start(
      judges, next, map_one, [&](std::size_t i, const std::vector<HeatRow>& rows) {
        progress.clear();
        bool bad = false;
        for (const HeatRow& row : rows) {
          const Status s = row.row.status ? write(items[i], row, calibrated) : row.row.status;
          if (!s) print_error(s);
          bad |= !s;
        }
        failed += bad;
        progress.show(i + 1);
      });
  progress.clear();
  if (failed > 0 && items.size() > 1)
    std::fprintf(stderr, "tinyfiqa: %zu of %zu images could not be explained\n", failed, items.size());
  return failed > 0 ? exit_some_failed : exit_done;
}

int ExplainCommand::run() {
  if (const Status s = check_options(); !s) return report_failure(s);
  const std::vector<InputItem> items = list_inputs(paths);
  if (one_file() && items.size() > 1)
    return report_failure(Status::error(Errc::bad_argument, std::to_string(items.size()),
                                        " images give several pictures; give --out a folder, not ", out));
  std::vector<std::string> names;
  for (const InputItem& item : items) names.push_back(item.path);
  names_ = PictureNames(names);
  bool calibrated = false;
  auto all = judges(items.size(), calibrated);
  if (!all) return report_failure(all.status());
  return print(*all, items, calibrated);
}

}  // namespace

void add_explain(const Command& app, int& exit_code) {
  auto command = std::make_shared<ExplainCommand>();
  const Command sub =
      app.add_command("explain", "Draw heat maps: which parts of a face raise its score, and which lower it");
  sub.add_option("paths", command->paths,
                 "Explain the faces of these images, folders (with all folders inside them) and patterns; "
                 "- reads a list from standard input");
  sub.add_option("--out", command->out, "Write the map to this .png file, or one file a face to this folder")
      .type_name("PATH")
      .required();
  sub.add_option(
         "--method", command->method,
         "gradient: derivatives of the score by the pixels, on the way from a blurred face to the face; "
         "occlusion: what the score loses when a square is covered, which is slow")
      .one_of({"gradient", "occlusion"})
      .show_default();
  sub.add_option("--copies", command->map.gradient.copies,
                 "Average the gradients of this many noisy copies, from the blurred face to the face")
      .range(1, 10000)
      .show_default();
  sub.add_option("--noise", command->map.gradient.noise,
                 "Standard deviation of that noise, as a share of the range of levels")
      .range(0.0, 1.0)
      .show_default();
  sub.add_option("--square", command->map.occlusion.side,
                 "Side of the covered square, as a share of the shorter side of what the network sees")
      .range(0.05, 1.0)
      .show_default();
  sub.add_option("--seed", command->map.seed, "Seed of the noise").show_default();
  command->model.add_to(sub,
                        "Explain this network: tinyfqnet_m, tinyfqnet, tinyfqnet_l, mobilenet_v3_small, "
                        "shufflenet_v2_x0_5, shufflenet_v2_x1_0, or ensemble (all --weights) (default: "
                        "what the weight file says, otherwise tinyfqnet_m)");
  command->faces.add_to(sub);
  command->place.add_to(sub);
  add_threads_option(sub, command->threads);
  sub.footer(
      "The image shows the face, and beside it the same in grey with colours: orange where the details of "
      "the\n"
      "face raise the score, blue where they lower it, compared with the same face out of focus (gradient) "
      "or with\n"
      "a grey square in that place (occlusion). The strongest colour is the map's largest value, so colours "
      "of\n"
      "different maps can't be compared. docs/explanation.md says what such maps can and can't tell.\n"
      "Exit status: 0 all explained, 1 some images could not be explained or show no face, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa explain examples/photos/astronaut.jpg --out /tmp/map.png\n"
      "  tinyfiqa explain examples/photos/group.jpg --face all --out /tmp/maps");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
