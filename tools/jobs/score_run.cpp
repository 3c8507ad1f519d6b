#include "jobs/score_run.hpp"

#include "jobs/stopwatch.hpp"

#include <utility>

using namespace tinyfiqa;

void ViewOptions::add_to(const Command& command) {
  add_size_option(command, size);
  command
      .add_option("--tta", tta,
                  "Views to average over: none, flips (identity, hflip, vflip), hflip-color, or a list of "
                  "identity, hflip, vflip, color; default: those that the weights were calibrated "
                  "with, else flips for ensemble and none for others")
      .type_name("VIEWS");
}

Result<ScoreOptions> score_options(const ViewOptions& options) {
  ScoreOptions result;
  if (!options.tta.empty()) {
    auto views = parse_views(options.tta);
    if (!views) return views.status().prefixed("--tta ");
    result.views = std::move(*views);
  }
  result.height = options.size.height;
  result.width = options.size.width;
  return result;
}

PictureFile read_picture(const std::string& path) {
  const double start = now_s();
  auto bytes = read_file(path, FileAccess::copy);
  if (!bytes) return {bytes.status(), bytes.status(), now_s() - start};
  auto image = decode_image(bytes->bytes);
  if (!image) image = image.status().prefixed(path, ": ");
  return {std::move(bytes), std::move(image), now_s() - start};
}

ScoreRow score_picture(FaceJudge& judge, const std::string& path, const PictureFile& picture,
                       const Crop& crop, std::size_t number) {
  ScoreRow row{path, picture.image.status(), {}};
  judge.decode_s += picture.seconds;
  if (!picture.image) return row;
  auto result = judge.judge({*picture.image, crop, picture.bytes->bytes, number});
  if (result)
    row.score = std::move(*result);
  else
    row.status = result.status().prefixed(path, ": ");
  return row;
}

ScoreRow score_file(FaceJudge& judge, const std::string& path, const Crop& crop, std::size_t number,
                    const Status& status) {
  if (!status.ok()) return {path, status, {}};
  return score_picture(judge, path, read_picture(path), crop, number);
}
