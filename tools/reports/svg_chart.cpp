#include "reports/svg_chart.hpp"

#include "reports/text.hpp"
#include "reports/xml_text.hpp"

#include <algorithm>
#include <cmath>

namespace {

// Okabe and Ito's colours: distinguishable for colour-blind people too.
constexpr const char* colors[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                  "#E69F00", "#56B4E9", "#000000"};
const char* color(std::size_t i) { return colors[i % (sizeof(colors) / sizeof(colors[0]))]; }

/// An axis from `low` to `high` in data units, with ticks at multiples of 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1, step = 0.2;

  Axis(double first, double last, int wanted_ticks) : low(first), high(last) {
    if (!(low <= high)) low = 0, high = 1;      // no data
    if (high - low <= 1e-9 * std::fabs(low)) {  // too close for ticks in double precision
      const double margin = low == 0 ? 1 : 0.1 * std::fabs(low);
      low -= margin;
      high += margin;
    }
    const double rough = (high - low) / wanted_ticks, power = std::pow(10.0, std::floor(std::log10(rough)));
    step = (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1) * power;
  }
  void widen(double share) {
    const double margin = share * (high - low);
    low -= margin;
    high += margin;
  }
  std::vector<double> ticks() const {
    std::vector<double> found;
    for (double i = std::ceil(low / step - 1e-9); i <= high / step + 1e-9; ++i) found.push_back(i * step);
    return found;
  }
  std::string label(double value) const {
    if (std::fabs(value) < step * 1e-6) value = 0;
    const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
    const bool plain = decimals < 5 && std::max(std::fabs(low), std::fabs(high)) < 1e6;
    return plain ? format_text("%.*f", decimals, value) : format_text("%.5g", value);
  }
};

/// The smallest and the largest finite value.
struct Range {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void add(const std::vector<double>& values) {
    for (const double v : values)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  }
};

/// The plotting area of a chart, and the SVG drawn so far.
class Canvas {
 public:
  Canvas(const ChartText& text, const Axis& x, const Axis& y, const std::vector<std::string>& legend,
         int width, int height)
      : x_(x), y_(y), width_(width), height_(height) {
    top_ = 38 + (text.subtitle.empty() ? 0 : 18) + (legend.empty() ? 0 : 20);
    draw_frame(text);
    draw_legend(legend, text.subtitle.empty() ? 42 : 60);
  }

  double x(double value) const {
    return left + (value - x_.low) / (x_.high - x_.low) * (width_ - left - right);
  }
  double y(double value) const {
    return height_ - bottom - (value - y_.low) / (y_.high - y_.low) * (height_ - bottom - top_);
  }
  void add(const std::string& svg) { svg_ += svg; }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    add(format_text("<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' %s/>\n", x1, y1, x2, y2, style));
  }
  void text(double at_x, double at_y, const std::string& style, const std::string& content) {
    add(format_text("<text x='%.1f' y='%.1f' ", at_x, at_y) + style + ">" + escape_xml(content) +
        "</text>\n");
  }
  Chart chart() const { return {width_, height_, svg_}; }

 private:
  static constexpr int left = 66, right = 22, bottom = 52;

  void draw_frame(const ChartText& labels) {
    const double x0 = left, x1 = width_ - right, y0 = height_ - bottom, y1 = top_;
    for (const double at : x_.ticks()) {
      line(x(at), y0, x(at), y1, "stroke='#e4e4e4'");
      text(x(at), y0 + 18, "text-anchor='middle'", x_.label(at));
    }
    for (const double at : y_.ticks()) {
      line(x0, y(at), x1, y(at), "stroke='#e4e4e4'");
      text(x0 - 8, y(at) + 4, "text-anchor='end'", y_.label(at));
    }
    line(x0, y0, x1, y0, "stroke='#808080'");
    line(x0, y0, x0, y1, "stroke='#808080'");
    text(left, 24, "font-size='15' font-weight='bold'", labels.title);
    if (!labels.subtitle.empty()) text(left, 42, "fill='#606060'", labels.subtitle);
    text((x0 + x1) / 2, height_ - 12, "text-anchor='middle'", labels.x_label);
    const double middle = (y0 + y1) / 2;
    text(18, middle, format_text("text-anchor='middle' transform='rotate(-90 18 %.1f)'", middle),
         labels.y_label);
  }
  void draw_legend(const std::vector<std::string>& names, double at_y) {
    double at_x = left;
    for (std::size_t i = 0; i < names.size(); ++i) {
      add(format_text("<rect x='%.1f' y='%.1f' width='18' height='4' rx='2' fill='%s'/>\n", at_x, at_y - 6,
                      color(i)));
      text(at_x + 24, at_y, "", names[i]);
      at_x += 44 + 7 * static_cast<double>(names[i].size());
    }
  }

  Axis x_, y_;
  int width_, height_, top_ = 0;
  std::string svg_;
};

std::vector<std::string> legend_of(const std::vector<ChartSeries>& series) {
  std::vector<std::string> names;
  for (const ChartSeries& s : series) names.push_back(s.name);
  return names.size() > 1 ? names : std::vector<std::string>();
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
              "stroke='#D55E00' stroke-width='1.5'");
}

}  // namespace

Chart scatter_chart(const ChartText& text, const std::vector<double>& x, const std::vector<double>& y,
                    ScatterLine line) {
  Range xs, ys;
  xs.add(x);
  ys.add(y);
  if (line == ScatterLine::identity) xs.add(y), ys.add(x);
  Axis x_axis(xs.low, xs.high, 6), y_axis(ys.low, ys.high, 6);
  x_axis.widen(0.03);
  y_axis.widen(0.03);
  Canvas canvas(text, x_axis, y_axis, {}, 560, 520);
  const double radius = x.size() > 3000 ? 1.4 : x.size() > 300 ? 2 : 3.5;
  canvas.add(format_text("<g fill='%s' fill-opacity='%.2f'>\n", color(0),
                         x.size() > 3000  ? 0.25
                         : x.size() > 300 ? 0.5
                                          : 0.75));
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i]))
      canvas.add(
          format_text("<circle cx='%.1f' cy='%.1f' r='%.1f'/>\n", canvas.x(x[i]), canvas.y(y[i]), radius));
  canvas.add("</g>\n");
  if (line == ScatterLine::identity)
    canvas.line(canvas.x(x_axis.low), canvas.y(x_axis.low), canvas.x(x_axis.high), canvas.y(x_axis.high),
                "stroke='#202020' stroke-dasharray='5 4'");
  if (line == ScatterLine::regression) draw_regression(canvas, xs, x, y);
  return canvas.chart();
}

Chart line_chart(const ChartText& text, const std::vector<ChartSeries>& series) {
  Range xs, ys;
  for (const ChartSeries& s : series) xs.add(s.x), ys.add(s.y);
  Axis y_axis(ys.low, ys.high, 6);
  y_axis.widen(0.04);
  Canvas canvas(text, Axis(xs.low, xs.high, 8), y_axis, legend_of(series), 640, 360);
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::string points, dots;
    const std::size_t count = std::min(series[i].x.size(), series[i].y.size());
    for (std::size_t k = 0; k < count; ++k) {
      if (!std::isfinite(series[i].x[k]) || !std::isfinite(series[i].y[k])) continue;
      const double x = canvas.x(series[i].x[k]), y = canvas.y(series[i].y[k]);
      points += format_text("%.1f,%.1f ", x, y);
      if (count <= 40)
        dots += format_text("<circle cx='%.1f' cy='%.1f' r='2.5' fill='%s'/>\n", x, y, color(i));
    }
    canvas.add(
        format_text("<polyline fill='none' stroke='%s' stroke-width='2' stroke-linejoin='round' points='",
                    color(i)) +
        points + "'/>\n" + dots);
  }
  return canvas.chart();
}

Chart histogram_chart(const ChartText& text, const std::vector<ChartSeries>& series, int bins) {
  Range values;
  for (const ChartSeries& s : series) values.add(s.y);
  const Axis x_axis(values.low, values.high, 8);
  const std::size_t last = static_cast<std::size_t>(std::max(1, bins)) - 1;
  const double width = (x_axis.high - x_axis.low) / static_cast<double>(last + 1);
  std::vector<std::vector<double>> counts(series.size(), std::vector<double>(last + 1, 0.0));
  Range heights;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (const double v : series[i].y)
      if (std::isfinite(v))
        counts[i][std::min(last, static_cast<std::size_t>((v - x_axis.low) / width))] += 1;
    heights.add(counts[i]);
  }
  Axis y_axis(0, std::max(1.0, heights.high), 6);
  y_axis.high *= 1.04;
  y_axis.step = std::max(1.0, y_axis.step);
  Canvas canvas(text, x_axis, y_axis, legend_of(series), 640, 360);
  const double bar =
      (canvas.x(x_axis.low + width) - canvas.x(x_axis.low)) / static_cast<double>(series.size());
  for (std::size_t i = 0; i < series.size(); ++i)
    for (std::size_t b = 0; b <= last; ++b) {
      if (counts[i][b] <= 0) continue;
      const double x = canvas.x(x_axis.low + width * static_cast<double>(b)) + bar * static_cast<double>(i);
      const double y = canvas.y(counts[i][b]), gap = bar > 6 && i == 0 ? 1 : 0;
      canvas.add(
          format_text("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s' fill-opacity='0.85'/>\n",
                      x + gap, y, bar - gap, canvas.y(0) - y, color(i)));
    }
  return canvas.chart();
}

std::string svg_document(const std::vector<Chart>& charts) {
  int width = 0, height = 0;
  std::string body;
  for (const Chart& chart : charts) {
    body += format_text("<g transform='translate(0 %d)'>\n", height) + chart.svg + "</g>\n";
    width = std::max(width, chart.width);
    height += chart.height;
  }
  return format_text(
             "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' "
             "font-family='Helvetica, Arial, DejaVu Sans, sans-serif' font-size='12' fill='#202020'>\n"
             "<rect width='100%%' height='100%%' fill='white'/>\n",
             width, height, width, height) +
         body + "</svg>\n";
}
