#include "score_run.hpp"

#include "stopwatch.hpp"

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

ScoreRow score_file(FaceJudge& judge, const std::string& path, const Crop& crop, std::size_t number,
                    const Status& status) {
  ScoreRow row{path, status, {}};
  if (!row.status.ok()) return row;
  const double start = now_s();
  const auto file = read_file(path, FileAccess::copy);
  row.status = file.status();
  if (!file) return row;
  const auto image = decode_image(file->bytes);
  judge.decode_s += now_s() - start;
  row.status = image.status();
  if (image) {
    auto result = judge.judge({*image, crop, file->bytes, number});
    row.status = result.status();
    if (result) row.score = std::move(*result);
  }
  row.status = row.status.prefixed(path, ": ");
  return row;
}
