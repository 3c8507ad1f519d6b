#include "jobs/scoring/report_run.hpp"

#include "jobs/guarded.hpp"
#include "jobs/input_list.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/heat_run.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

namespace {

Result<QualitySource> open_source(const ReportScoring& options, const ScoreOptions& views) {
  auto source =
      QualitySource::open(options.model, views, options.threads, options.heat_maps ? Use::change : Use::run);
  if (source && source->needs_landmarks() && options.faces.choice() == FaceChoice::whole)
    return Status::error(Errc::bad_argument, "--model ", options.model.model,
                         " needs landmarks; remove --face whole");
  return source;
}

HeatRow failed_row(const std::string& path, const Status& problem) {
  return {{path, problem, {}, {}}, {}, {}};
}

/// A face for the report. Maps are kept as cells: those of large networks would take much memory.
ReportFace face_of(const HeatRow& row, const std::string& path, ShownScore shown) {
  constexpr int most_cells = 32;
  ReportFace face = report_face(row.row, path, shown);
  if (row.map.values.empty()) return face;
  const HeatMap map = shown_map(row.map);
  face.map = cell_sums(map, std::min(most_cells, map.height), std::min(most_cells, map.width));
  return face;
}

/// Scores all photos and appends their faces to the report, in the order of the photos.
void score_items(const std::vector<InputItem>& items, std::vector<HeatJudge>& judges, Report& report) {
  Progress progress(items.size(), "images");
  const auto score = [&](const HeatJudge& judge, std::size_t i) {
    const std::string& path = items[i].path;
    const auto failed = [&](const Status& problem) {
      return std::vector<HeatRow>{failed_row(path, problem)};
    };
    if (!items[i].status) return failed(items[i].status);
    return guarded(
        path,
        [&] {
          return heat_photo(judge, path, read_image_file(path, judge.score.decoded_side()), Crop(), i, 0);
        },
        failed);
  };
  OrderedRun<std::vector<HeatRow>>(items.size())
      .start(judges, score, [&](std::size_t i, const std::vector<HeatRow>& rows) {
        for (const HeatRow& row : rows) report.faces.push_back(face_of(row, items[i].path, report.shown));
        progress.show(i + 1);
      });
}

/// The judges of a report, with mappers if heat maps are wanted and networks score.
Result<std::vector<HeatJudge>> report_judges(const QualitySource& source, const ReportScoring& options,
                                             std::size_t images) {
  auto scorers = photo_judges(source, options.faces, options.model.isa, options.threads, images, true);
  if (!scorers) return scorers.status();
  const auto networks = source.networks();
  if (options.heat_maps && !networks.empty())
    return heat_judges(source, std::move(*scorers), HeatMapOptions(), options.threads);
  std::vector<HeatJudge> judges;
  for (PhotoJudge& scorer : *scorers) judges.push_back({std::move(scorer)});
  return judges;
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
  auto judges = report_judges(*source, options, items.size());
  if (!judges) return judges.status();
  Report report;
  report.shown = shown_score(*source, options.raw);
  report.scored_by = join_text(source->models(), " + ");
  report.explained = true;
  if (const auto networks = source->networks(); !networks.empty()) report.crop = networks[0]->input().crop;
  score_items(items, *judges, report);
  if (!left_out.empty()) print_note(left_out);
  return report;
}
