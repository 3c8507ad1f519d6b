#include "score_run.hpp"

#include <algorithm>
#include <thread>

using namespace tinyfiqa;

void ViewOptions::add_to(CLI::App& command) {
  add_size_option(command, size);
  command
      .add_option("--tta", tta,
                  "Views to average over: none, flips (identity, hflip, vflip), hflip-color, or a list of "
                  "identity, hflip, vflip, color; default: flips for ensemble, else none")
      ->type_name("VIEWS");
}

namespace {

/// "identity,hflip,..." or one of the named sets.
Result<std::vector<View>> parse_views(const std::string& text) {
  if (text == "none") return std::vector<View>{View::identity};
  if (text == "flips") return std::vector<View>{View::identity, View::hflip, View::vflip};
  if (text == "hflip-color") return std::vector<View>{View::identity, View::hflip, View::color};
  std::vector<View> views;
  for (const std::string& name : CLI::detail::split(text, ',')) {
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

Result<std::vector<Scorer>> make_scorers(const std::vector<std::shared_ptr<const Model>>& models,
                                         ScoreOptions options, int threads, std::size_t images) {
  if (threads < 1) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::size_t count = std::min(static_cast<std::size_t>(threads), std::max<std::size_t>(1, images));
  options.threads = count == 1 ? threads : 1;
  std::vector<Scorer> scorers;
  for (std::size_t i = 0; i < count; ++i) {
    auto scorer = Scorer::create(models, options);
    if (!scorer) return scorer.status();
    scorers.push_back(std::move(*scorer));
  }
  return scorers;
}

ScoreRow score_file(Scorer& scorer, const std::string& path, const Crop& crop, const Status& status) {
  ScoreRow row{path, status, {}};
  if (!row.status.ok()) return row;
  auto result = scorer.score(path, crop);
  if (result)
    row.score = std::move(*result);
  else
    row.status = result.status();
  return row;
}
