// Charts that files describe: numbers of CSV tables, or whole charts in JSON.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "charts/charts.hpp"

#include <string>
#include <vector>

/// Columns of CSV files as series: for each file, y column by y column against the column x. With several files, series are
/// named after file and column. Cells that are not numbers are omitted. Errors: those of read_csv() and csv_column().
tinyfiqa::Result<std::vector<ChartSeries>> read_series(const std::vector<std::string>& files,
                                                       const std::string& x,
                                                       const std::vector<std::string>& y);

/// Reads a JSON file of charts and draws them. docs/plots.md has its keys. Errors: those of reading it; bad_format, naming the
/// file, the chart and the key.
tinyfiqa::Result<std::string> draw_chart_file(const std::string& path);
