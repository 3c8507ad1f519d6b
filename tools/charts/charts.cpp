#include "charts/charts.hpp"

#include "charts/canvas.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace {

constexpr int chart_width = 640, chart_height = 360, scatter_width = 560, scatter_height = 520;
constexpr std::size_t most_dots = 40;  // lines of more points have no dots

std::vector<ChartSeries> legend_of(const std::vector<ChartSeries>& series) {
  return series.size() > 1 ? series : std::vector<ChartSeries>();
}

bool is_reference(const ChartSeries& s) {
  return s.marks == Marks::reference || s.marks == Marks::dashed_reference ||
         s.marks == Marks::dotted_reference;
}

/// Gives each series but references its own colour, unless the caller did.
void number_colours(std::vector<ChartSeries>& series) {
  const auto other = [](const ChartSeries& s) { return s.colour != 0; };
  if (std::any_of(series.begin(), series.end(), other)) return;
  std::size_t next = 0;
  for (ChartSeries& s : series)
    if (!is_reference(s)) s.colour = next++;
}

void draw_band(Canvas& canvas, const ChartSeries& s) {
  std::string there, back;
  for (std::size_t i = 0; i < std::min({s.x.size(), s.low.size(), s.high.size()}); ++i) {
    if (!canvas.shows(s.x[i], s.low[i]) || !canvas.shows(s.x[i], s.high[i])) continue;
    there += format_text("%.1f,%.1f ", canvas.x(s.x[i]), canvas.y(s.high[i]));
    back.insert(0, format_text("%.1f,%.1f ", canvas.x(s.x[i]), canvas.y(s.low[i])));
  }
  if (there.empty()) return;
  canvas.add("<polygon class='" + series_class(s.colour) + "' fill-opacity='0.22' points='" + there + back +
             "'/>\n");
}

void draw_series(Canvas& canvas, const ChartSeries& s) {
  draw_band(canvas, s);
  const bool points = s.marks == Marks::points;
  const std::size_t count = std::min(s.x.size(), s.y.size());
  std::string line, dots;
  for (std::size_t i = 0; i < count; ++i) {
    if (!canvas.shows(s.x[i], s.y[i])) continue;
    const double x = canvas.x(s.x[i]), y = canvas.y(s.y[i]);
    line += format_text("%.1f,%.1f ", x, y);
    if (points || (count <= most_dots && !is_reference(s)))
      dots += format_text("<circle cx='%.1f' cy='%.1f' r='%s' class='", x, y, points ? "3.5" : "2.5") +
              series_class(s.colour) + "'/>\n";
  }
  if (!points && !line.empty())
    canvas.add("<polyline " + line_attributes(s) + " stroke-linejoin='round' points='" + line + "'/>\n");
  canvas.add(dots);
}

/// Draws the least-squares line y = a x + b across the range of x.
void draw_regression(Canvas& canvas, const Range& range, const std::vector<double>& x,
                     const std::vector<double>& y) {
  double n = 0, mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
    const double dx = x[i] - mx, dy = y[i] - my;  // Welford 1962
    n += 1, mx += dx / n, my += dy / n;
    xx += dx * (x[i] - mx), xy += dx * (y[i] - my);
  }
  if (!(xx > 0)) return;
  const auto at = [&](double value) { return canvas.y(my + xy / xx * (value - mx)); };
  canvas.line(canvas.x(range.low), at(range.low), canvas.x(range.high), at(range.high),
              "class='l1' stroke-width='1.5'");
}

}  // namespace

std::string line_attributes(const ChartSeries& s) {
  std::string dashes;
  if (s.marks == Marks::dashed || s.marks == Marks::dashed_reference) dashes = " stroke-dasharray='6 4'";
  if (s.marks == Marks::dotted_reference) dashes = " stroke-dasharray='2 3'";
  if (is_reference(s)) return "class='inked' fill='none' stroke-width='1'" + dashes;
  return "class='l" + series_class(s.colour).substr(1) + "' stroke-width='2'" + dashes;
}

Chart scatter_chart(const ChartText& text, const std::vector<double>& x, const std::vector<double>& y,
                    ScatterLine line) {
  Range xs, ys;
  xs.add(x);
  ys.add(y);
  if (line == ScatterLine::identity) xs.add(y), ys.add(x);
  Axis x_axis(xs, Scale::linear, 6), y_axis(ys, Scale::linear, 6);
  x_axis.widen(0.03);
  y_axis.widen(0.03);
  Canvas canvas(text, x_axis, y_axis, {}, scatter_width, scatter_height);
  const double radius = x.size() > 3000 ? 1.4 : x.size() > 300 ? 2 : 3.5;
  const double opacity = x.size() > 3000 ? 0.25 : x.size() > 300 ? 0.5 : 0.75;
  canvas.add(format_text("<g class='s0' fill-opacity='%.2f'>\n", opacity));
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i]))
      canvas.add(
          format_text("<circle cx='%.1f' cy='%.1f' r='%.1f'/>\n", canvas.x(x[i]), canvas.y(y[i]), radius));
  canvas.add("</g>\n");
  if (line == ScatterLine::identity)
    canvas.line(canvas.x(x_axis.low()), canvas.y(x_axis.low()), canvas.x(x_axis.high()),
                canvas.y(x_axis.high()), "class='inked' stroke-dasharray='5 4'");
  if (line == ScatterLine::regression) draw_regression(canvas, xs, x, y);
  return canvas.chart();
}

Chart line_chart(const ChartText& text, std::vector<ChartSeries> series, const ChartAxes& axes) {
  number_colours(series);
  Range xs(axes.x), ys(axes.y);
  xs.add(axes.x_range);
  ys.add(axes.y_range);
  for (const ChartSeries& s : series) xs.add(s.x), ys.add(s.y), ys.add(s.low), ys.add(s.high);
  const Axis x_axis(xs, axes.x, 8);
  Axis y_axis(ys, axes.y, 6);
  y_axis.widen(0.04);
  Canvas canvas(text, x_axis, y_axis, legend_of(series), chart_width, chart_height);
  for (const ChartSeries& s : series) draw_series(canvas, s);
  return canvas.chart();
}

Chart histogram_chart(const ChartText& text, const std::vector<ChartSeries>& series, int bins) {
  std::vector<ChartSeries> numbered = series;
  number_colours(numbered);
  Range values;
  for (const ChartSeries& s : series) values.add(s.y);
  const Axis x_axis(values, Scale::linear, 8);
  const std::size_t last = static_cast<std::size_t>(std::max(1, bins)) - 1;
  const double width = (x_axis.high() - x_axis.low()) / static_cast<double>(last + 1);
  std::vector<std::vector<double>> counts(series.size(), std::vector<double>(last + 1, 0.0));
  Range heights;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (const double v : series[i].y)
      if (std::isfinite(v))
        counts[i][std::min(last, static_cast<std::size_t>((v - x_axis.low()) / width))] += 1;
    heights.add(counts[i]);
  }
  heights.add({0, 1});
  Axis y_axis(heights, Scale::linear, 6);
  y_axis.for_counts(0.04);
  Canvas canvas(text, x_axis, y_axis, legend_of(numbered), chart_width, chart_height);
  const double bar =
      (canvas.x(x_axis.low() + width) - canvas.x(x_axis.low())) / static_cast<double>(series.size());
  for (std::size_t i = 0; i < series.size(); ++i)
    for (std::size_t b = 0; b <= last; ++b) {
      if (counts[i][b] <= 0) continue;
      const double x = canvas.x(x_axis.low() + width * static_cast<double>(b)) + bar * static_cast<double>(i);
      const double y = canvas.y(counts[i][b]), gap = bar > 6 && i == 0 ? 1 : 0;
      canvas.add(format_text("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill-opacity='0.85' class='",
                             x + gap, y, bar - gap, canvas.y(0) - y) +
                 series_class(numbered[i].colour) + "'/>\n");
    }
  return canvas.chart();
}

std::string svg_document(const std::vector<Chart>& charts, std::size_t columns) {
  int width = 0, height = 0, left = 0, row_height = 0;
  std::string body;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    if (i % columns == 0) left = 0, height += std::exchange(row_height, 0);
    body += format_text("<g transform='translate(%d %d)'>\n", left, height) + charts[i].svg + "</g>\n";
    left += charts[i].width;
    width = std::max(width, left);
    row_height = std::max(row_height, charts[i].height);
  }
  height += row_height;
  return format_text(
             "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' "
             "font-family='Helvetica, Arial, DejaVu Sans, sans-serif' font-size='12'>\n<style>",
             width, height, width, height) +
         style_sheet() + "</style>\n<rect width='100%' height='100%' class='ground'/>\n" + body + "</svg>\n";
}
