// The result of `tinyfiqa size-study` as Markdown, CSV and charts.
#pragma once

#include <tinyfiqa/evaluation/bootstrap.hpp>

#include "jobs/speed.hpp"
#include "reports/verify_report.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// One trained network.
struct SizeStudyRow {
  std::string name, size;
  Speed speed;
  tinyfiqa::MetricIntervals metrics;
};

/// All networks of a study.
struct SizeStudyTables {
  std::vector<SizeStudyRow> rows;
  VerifyReport verified;  ///< with a curve for each row, in the same order
  bool verifies = false;  ///< true if `verified` is filled
  std::size_t held_out_images = 0;
  std::string held_out_name;  ///< the split that the metrics are from

  std::string markdown() const;
  std::string csv() const;
  std::string svg() const;
  /// Writes table.md, table.csv and table.svg to the folder. Errors: cannot_write.
  tinyfiqa::Status write(const std::string& folder) const;
};
