// Small charts as SVG: scatter plots, lines and histograms, several below each other in one picture.
#pragma once

#include <string>
#include <vector>

/// What is written around a chart; any of it may be empty.
struct ChartText {
  std::string title;
  std::string subtitle;  ///< smaller, below the title: the numbers that the chart shows
  std::string x_label, y_label;
};

/// A chart of `width` x `height` pixels, to be put into a document.
struct Chart {
  int width = 0, height = 0;
  std::string svg;
};

/// The points (x[i], y[i]); points that are not finite are left out.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
};

enum class ScatterLine {
  none,
  identity,   ///< y = x, and the same scale on both axes
  regression  ///< least squares
};

Chart scatter_chart(const ChartText& text, const std::vector<double>& x, const std::vector<double>& y,
                    ScatterLine line);
/// One line for each series, in a colour of its own; a legend if there are several.
Chart line_chart(const ChartText& text, const std::vector<ChartSeries>& series);
/// How many of each series' y lie in each of `bins` equal parts of their common range.
Chart histogram_chart(const ChartText& text, const std::vector<ChartSeries>& series, int bins);

/// A whole SVG file.
std::string svg_document(const std::vector<Chart>& charts);
