#include "charts/canvas.hpp"

#include "reports/text.hpp"
#include "reports/xml_text.hpp"

#include <algorithm>

namespace {

constexpr int left_margin = 66, right_margin = 22, bottom_margin = 52, legend_row = 20;
constexpr std::size_t colours = 6;

/// About the width of text of the usual size.
double text_width(const std::string& text) { return 6.6 * static_cast<double>(text.size()); }

}  // namespace

std::string series_class(std::size_t i) { return "s" + std::to_string(i % colours); }

std::string style_sheet() {
  const char* const light[colours] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  const char* const dark[colours] = {"#4ba3dd", "#ff8548", "#2fc294", "#e39ac4", "#ffb733", "#8ad1f5"};
  const auto sheet = [](const char* ground, const char* ink, const char* muted, const char* grid,
                        const char* const(&series)[colours]) {
    std::string css = format_text(
        ".ground{fill:%s}text,.ink{fill:%s}.muted{fill:%s}.grid{stroke:%s}.axis{stroke:%s}.inked{stroke:%s}",
        ground, ink, muted, grid, muted, ink);
    for (std::size_t i = 0; i < colours; ++i)
      css += format_text(".s%zu{fill:%s}.l%zu{stroke:%s;fill:none}", i, series[i], i, series[i]);
    return css;
  };
  return sheet("#ffffff", "#202020", "#606060", "#e4e4e4", light) + "\n@media(prefers-color-scheme:dark){" +
         sheet("#16191d", "#e8e8e8", "#b4b4b4", "#34393f", dark) + "}";
}

Canvas::Canvas(const ChartText& text, const Axis& x, const Axis& y, const std::vector<ChartSeries>& legend,
               int width, int height)
    : x_(x), y_(y), width_(width), height_(height) {
  top_ = (text.title.empty() ? 14 : 40) + (text.subtitle.empty() ? 0 : 18);
  place_legend(legend);
  draw_frame(text);
  draw_legend(legend);
}

double Canvas::x(double value) const {
  return left_margin + x_.place(value) * (width_ - left_margin - right_margin);
}
double Canvas::y(double value) const {
  return height_ - bottom_margin - y_.place(value) * (height_ - bottom_margin - top_);
}

void Canvas::line(double x1, double y1, double x2, double y2, const std::string& attributes) {
  add(format_text("<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' ", x1, y1, x2, y2) + attributes + "/>\n");
}

void Canvas::text(double at_x, double at_y, const std::string& attributes, const std::string& content) {
  if (content.empty()) return;
  add(format_text("<text x='%.1f' y='%.1f' ", at_x, at_y) + attributes + ">" + escape_xml(content) +
      "</text>\n");
}

/// In rows as wide as the chart, which grows by those after the first.
void Canvas::place_legend(const std::vector<ChartSeries>& series) {
  double at = left_margin;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double wide = 44 + text_width(series[i].name);
    if (i == 0 || at + wide > width_ - right_margin) {
      at = left_margin;
      top_ += legend_row;
      height_ += i == 0 ? 0 : legend_row;
    }
    legend_.push_back({i, at, static_cast<double>(top_) - legend_row + 4});
    at += wide;
  }
}

void Canvas::draw_frame(const ChartText& labels) {
  const double x0 = left_margin, x1 = width_ - right_margin, y0 = height_ - bottom_margin, y1 = top_;
  for (const double at : x_.ticks()) {
    line(x(at), y0, x(at), y1, "class='grid'");
    text(x(at), y0 + 18, "text-anchor='middle'", x_.label(at));
  }
  for (const double at : y_.ticks()) {
    line(x0, y(at), x1, y(at), "class='grid'");
    text(x0 - 8, y(at) + 4, "text-anchor='end'", y_.label(at));
  }
  line(x0, y0, x1, y0, "class='axis'");
  line(x0, y0, x0, y1, "class='axis'");
  text(left_margin, 24, "font-size='15' font-weight='bold'", labels.title);
  text(left_margin, 43, "class='muted'", labels.subtitle);
  text((x0 + x1) / 2, height_ - 12, "text-anchor='middle'", labels.x_label);
  const double middle = (y0 + y1) / 2;
  text(18, middle, format_text("text-anchor='middle' transform='rotate(-90 18 %.1f)'", middle),
       labels.y_label);
}

void Canvas::draw_legend(const std::vector<ChartSeries>& series) {
  for (const Entry& entry : legend_) {
    const ChartSeries& s = series[entry.series];
    const double middle = entry.y - 4;
    if (s.marks == Marks::points)
      add(format_text("<circle cx='%.1f' cy='%.1f' r='4' class='", entry.x + 9, middle) +
          series_class(s.colour) + "'/>\n");
    else
      line(entry.x, middle, entry.x + 18, middle, line_attributes(s));
    text(entry.x + 24, entry.y, "", s.name);
  }
}
