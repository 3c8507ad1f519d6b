// Small charts as SVG: scatter plots, lines and histograms, several below each other in one file.
#pragma once

#include <string>
#include <vector>

/// The texts around a chart. Any of them may be empty.
struct ChartText {
  std::string title;
  std::string subtitle;  ///< smaller, below the title: the numbers that the chart shows
  std::string x_label, y_label;
};

/// A chart of `width` x `height` pixels, for svg_document().
struct Chart {
  int width = 0, height = 0;
  std::string svg;
};

/// The points (x[i], y[i]). Points that are not finite are omitted.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
};

/// The line in a scatter plot.
enum class ScatterLine {
  none,
  identity,   ///< y = x, with the same range on both axes
  regression  ///< least squares
};

Chart scatter_chart(const ChartText& text, const std::vector<double>& x, const std::vector<double>& y,
                    ScatterLine line);
/// One line per series, each in its own colour, with a legend if there are several.
Chart line_chart(const ChartText& text, const std::vector<ChartSeries>& series);
/// Counts the y values of each series in `bins` equal parts of their common range. Ignores x.
Chart histogram_chart(const ChartText& text, const std::vector<ChartSeries>& series, int bins);

/// A whole SVG file.
std::string svg_document(const std::vector<Chart>& charts);
