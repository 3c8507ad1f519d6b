// Charts as SVG, all with one look: lines, scatter plots and histograms, several in one file. Text stays text. Colours suit
// white pages and, by a media query, dark ones.
#pragma once

#include "charts/axis.hpp"

#include <cstddef>
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

/// How a series is drawn.
enum class Marks {
  line,       ///< a line, with dots if there are few points
  dashed,     ///< a dashed line, with dots
  points,     ///< dots alone
  reference,  ///< a thin line in the colour of text, such as a limit
  dashed_reference,
  dotted_reference,
};

/// The points (x[i], y[i]). Points that are not finite are omitted; so are those of 0 and below on a logarithmic axis.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
  Marks marks = Marks::line;
  std::size_t colour = 0;                   ///< 0 .. 5; line_chart() numbers the series if all have the same
  std::vector<double> low = {}, high = {};  ///< a band around the line, such as an interval; empty for none
};

/// The SVG attributes of the series' line.
std::string line_attributes(const ChartSeries& series);

/// The axes of a line chart.
struct ChartAxes {
  Scale x = Scale::linear, y = Scale::linear;
  std::vector<double> x_range = {}, y_range = {};  ///< numbers that the axes show besides those of the series
};

/// The line in a scatter plot.
enum class ScatterLine {
  none,
  identity,   ///< y = x, with the same range on both axes
  regression  ///< least squares
};

Chart scatter_chart(const ChartText& text, const std::vector<double>& x, const std::vector<double>& y,
                    ScatterLine line);
/// Series in one frame, with a legend if there are several.
Chart line_chart(const ChartText& text, std::vector<ChartSeries> series, const ChartAxes& axes = {});
/// Counts the y values of each series in `bins` equal parts of their common range. Ignores x.
Chart histogram_chart(const ChartText& text, const std::vector<ChartSeries>& series, int bins);

/// A whole SVG file: the charts in rows of `columns`.
std::string svg_document(const std::vector<Chart>& charts, std::size_t columns = 1);
