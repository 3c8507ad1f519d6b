#include "jobs/scoring/report_run.hpp"

#include "jobs/guarded.hpp"
#include "jobs/input_list.hpp"
#include "jobs/progress.hpp"
#include "reports/text.hpp"

#include <utility>

using namespace tinyfiqa;

namespace {

Result<QualitySource> open_source(const ReportScoring& options, const ScoreOptions& views) {
  auto source = QualitySource::open(options.model, views, options.threads);
  if (source && source->needs_landmarks() && options.faces.choice() == FaceChoice::whole)
    return Status::error(Errc::bad_argument, "--model ", options.model.model,
                         " needs landmarks; remove --face whole");
  return source;
}

ScoreRow failed_row(const std::string& path, const Status& problem) { return {path, problem, {}, {}}; }

/// Scores all photos and appends their faces to the report, in the order of the photos.
void score_items(const std::vector<InputItem>& items, std::vector<PhotoJudge>& judges, Report& report) {
  Progress progress(items.size(), "images");
  const auto score = [&](const PhotoJudge& judge, std::size_t i) {
    const std::string& path = items[i].path;
    if (!items[i].status) return std::vector<ScoreRow>{failed_row(path, items[i].status)};
    return guarded(
        path,
        [&] { return score_photo(judge, path, read_image_file(path, judge.decoded_side()), Crop(), i); },
        [&](const Status& problem) { return std::vector<ScoreRow>{failed_row(path, problem)}; });
  };
  OrderedRun<std::vector<ScoreRow>>(items.size())
      .start(judges, score, [&](std::size_t i, const std::vector<ScoreRow>& rows) {
        for (const ScoreRow& row : rows)
          report.faces.push_back(report_face(row, items[i].path, report.shown));
        progress.show(i + 1);
      });
}

}  // namespace

Result<Report> score_for_report(ReportScoring options) {
  const auto views = score_options(options.views);
  if (!views) return views.status();
  options.faces.search.check_finite = views->check_finite;
  const auto source = open_source(options, *views);
  if (!source) return source.status();
  std::string left_out;
  const auto items = list_inputs(options.paths, &left_out);
  if (items.empty()) return Status::error(Errc::not_found, "no photos to show: the list of files is empty");
  auto judges = photo_judges(*source, options.faces, options.model.isa, options.threads, items.size(), true);
  if (!judges) return judges.status();
  Report report;
  report.shown = shown_score(*source, options.raw);
  report.scored_by = join_text(source->models(), " + ");
  report.explained = true;
  score_items(items, *judges, report);
  if (!left_out.empty()) print_note(left_out);
  return report;
}
