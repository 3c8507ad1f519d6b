// The drawing area of a chart: frame, ticks, texts and legend. All charts get their look here.
#pragma once

#include "charts/axis.hpp"
#include "charts/charts.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// The class of series number i: a colour of Okabe and Ito, which colour-blind people can tell apart. Dark pages get
/// lighter ones (style_sheet()).
std::string series_class(std::size_t i);
/// The style sheet of an SVG file: the colours of all classes, on white and on dark pages.
std::string style_sheet();

/// The SVG of a chart while it is drawn.
class Canvas {
 public:
  /// `legend`: the series to name.
  Canvas(const ChartText& text, const Axis& x, const Axis& y, const std::vector<ChartSeries>& legend,
         int width, int height);

  double x(double value) const;
  double y(double value) const;
  bool shows(double x, double y) const { return x_.shows(x) && y_.shows(y); }

  void add(const std::string& svg) { svg_ += svg; }
  /// `attributes` of SVG, such as "class='grid'".
  void line(double x1, double y1, double x2, double y2, const std::string& attributes);
  void text(double at_x, double at_y, const std::string& attributes, const std::string& content);
  Chart chart() const { return {width_, height_, svg_}; }

 private:
  /// A name of the legend and its place.
  struct Entry {
    std::size_t series;
    double x, y;
  };

  void place_legend(const std::vector<ChartSeries>& series);
  void draw_frame(const ChartText& labels);
  void draw_legend(const std::vector<ChartSeries>& series);

  Axis x_, y_;
  int width_, height_, top_ = 0;
  std::vector<Entry> legend_;
  std::string svg_;
};
