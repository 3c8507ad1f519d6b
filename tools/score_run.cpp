#include "score_run.hpp"

#include "stopwatch.hpp"
#include "words.hpp"

#include <utility>

using namespace tinyfiqa;

void ViewOptions::add_to(const Command& command) {
  add_size_option(command, size);
  command
      .add_option("--tta", tta,
                  "Views to average over: none, flips (identity, hflip, vflip), hflip-color, or a list of "
                  "identity, hflip, vflip, color; default: flips for ensemble, else none")
      .type_name("VIEWS");
}

namespace {

/// "identity,hflip,..." or one of the named sets.
Result<std::vector<View>> parse_views(const std::string& text) {
  if (text == "none") return std::vector<View>{View::identity};
  if (text == "flips") return std::vector<View>{View::identity, View::hflip, View::vflip};
  if (text == "hflip-color") return std::vector<View>{View::identity, View::hflip, View::color};
  std::vector<View> views;
  for (const std::string& name : separated(text, ',')) {
    bool known = false;
    for (const View view : {View::identity, View::hflip, View::vflip, View::color}) {
      if (name != view_name(view)) continue;
      views.push_back(view);
      known = true;
    }
    if (!known)
      return Status::error(
          Errc::bad_argument, "--tta ", text, ": '", name,
          "' is not known; use none, flips, hflip-color, or a list of identity, hflip, vflip, color");
  }
  return views;
}

}  // namespace

Result<ScoreOptions> score_options(const ViewOptions& options, const std::string& model) {
  const auto views = parse_views(!options.tta.empty() ? options.tta : model == "ensemble" ? "flips" : "none");
  if (!views) return views.status();
  ScoreOptions result;
  result.views = *views;
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
