// Scores photos for a report.
#pragma once

#include "jobs/scoring/score_run.hpp"
#include "reports/report_page.hpp"

#include <string>
#include <vector>

/// The options of a run that scores.
struct ReportScoring {
  std::vector<std::string> paths;  ///< files, folders, patterns, lists
  ModelOptions model;
  ViewOptions views;
  FaceOptions faces;
  int threads = 0;
  bool raw = false;
  bool heat_maps = true;  ///< make heat maps, if networks score
};

/// Scores and explains the faces of all photos. A photo that can't be scored gives a face with an error. Notes and
/// progress go to stderr. Errors: those of reading weights and of options that do not go together.
tinyfiqa::Result<Report> score_for_report(ReportScoring options);
