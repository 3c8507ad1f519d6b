#include "charts/charts.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

/// Checks that all elements are closed, no attribute is cut off, and no number is missing.
void check_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = svg.find('<', at)) != std::string::npos;) {
    const std::size_t end = svg.find('>', at);
    REQUIRE(end != std::string::npos);
    const std::string tag = svg.substr(at + 1, end - at - 1);
    CHECK(count(tag, "'") % 2 == 0);
    CHECK(tag.find('<') == std::string::npos);
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    if (tag[0] == '/') {
      REQUIRE_FALSE(open.empty());
      CHECK(open.back() == tag.substr(1));
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    at = end;
  }
  CHECK(open.empty());
  CHECK(count(svg, "'nan") + count(svg, "'inf") + count(svg, "'-inf") + count(svg, "'-nan") == 0);
}

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a scatter plot has one dot for each finite pair, and the line that was asked for") {
  const std::vector<double> x = {0, 0.5, 1, not_a_number, 2}, y = {0, 0.4, 1.1, 3, HUGE_VAL};
  for (const ScatterLine line : {ScatterLine::none, ScatterLine::identity, ScatterLine::regression}) {
    const std::string svg = svg_document({scatter_chart({"Title", "numbers", "label", "score"}, x, y, line)});
    check_well_formed(svg);
    CHECK(count(svg, "<circle") == 3);
    CHECK(count(svg, "stroke-dasharray") == (line == ScatterLine::identity ? 1 : 0));
    CHECK(count(svg, "class='l1'") == (line == ScatterLine::regression ? 1 : 0));
    for (const char* part : {">Title<", ">numbers<", ">label<", ">score<"}) CHECK(count(svg, part) == 1);
  }
}

TEST_CASE("ticks are at round numbers") {
  const std::string svg = line_chart({"", "", "", ""}, {{"", {0, 30}, {0.0, 0.5}}}).svg;
  for (const char* tick : {">0<", ">5<", ">25<", ">30<", ">0.0<", ">0.1<", ">0.5<"})
    CHECK_MESSAGE(count(svg, tick) == 1, tick);
}

TEST_CASE("lines and histograms have a legend and a colour for each series") {
  const std::string lines = svg_document({line_chart(
      {"t", "", "x", "y"}, {{"train", {1, 2, 3}, {3, not_a_number, 1}}, {"val", {1, 2, 3}, {4, 3, 2}}})});
  check_well_formed(lines);
  CHECK(count(lines, "<polyline") == 2);
  for (const char* part : {">train<", ">val<", "class='l0'", "class='l1'"}) CHECK(count(lines, part) >= 1);
  const std::string bars =
      histogram_chart({"t", "", "x", "y"}, {{"a", {}, {0, 0, 0.9, 1, not_a_number}}, {"b", {}, {0.5}}}, 2)
          .svg;
  check_well_formed(bars);
  CHECK(count(bars, "fill-opacity") == 3);
  CHECK(count(line_chart({"", "", "", ""}, {{"alone", {1}, {1}}}).svg, "alone") == 0);
}

TEST_CASE("no text breaks the SVG") {
  const std::string svg = svg_document({scatter_chart(
      {"<b> & \"q\" 'x'", "caf\xC3\xA9 \xFF \xE2\x82 \x01", "", ""}, {1, 2}, {1, 2}, ScatterLine::none)});
  check_well_formed(svg);
  CHECK(count(svg, "&lt;b&gt; &amp; &quot;q&quot; 'x'") == 1);
  CHECK(count(svg, "caf\xC3\xA9 ? ?? ") == 1);
}

TEST_CASE("no points, one point, equal, huge and neighbouring numbers give a chart in finite time") {
  const double next = std::nextafter(1.0, 2.0);
  for (const std::vector<double>& v : {std::vector<double>{},
                                       {5},
                                       {0, 0},
                                       {not_a_number},
                                       {1e15, 1e15 + 1},
                                       {1, next},
                                       {-1e9, 1e9},
                                       {1e-12, 2e-12}}) {
    check_well_formed(
        svg_document({scatter_chart({"a", "", "", ""}, v, v, ScatterLine::identity),
                      scatter_chart({"a", "", "", ""}, v, v, ScatterLine::regression),
                      line_chart({"b", "", "", ""}, {{"s", v, v}}), line_chart({"b", "", "", ""}, {}),
                      histogram_chart({"c", "", "", ""}, {{"s", {}, v}}, 10)}));
  }
}

TEST_CASE(
    "a logarithmic axis has ticks at powers of ten, or at 1, 2 and 5 times these, and omits 0 and below") {
  const auto chart_of = [](double high) {
    return line_chart({"", "", "", ""}, {{"s", {1, 0, -3, high}, {1, 2, 3, 4}}}, {Scale::log, Scale::linear})
        .svg;
  };
  const std::string wide = chart_of(1e6), narrow = chart_of(100);
  check_well_formed(wide);
  for (const char* tick : {">1<", ">10<", ">1000<", ">1e+06<"}) CHECK_MESSAGE(count(wide, tick) >= 1, tick);
  CHECK(count(wide, ">20<") == 0);
  for (const char* tick : {">20<", ">50<"}) CHECK_MESSAGE(count(narrow, tick) == 1, tick);
  CHECK(count(wide, "<circle") == 2);
}

TEST_CASE("equal factors are equal distances on a logarithmic axis") {
  Range range(Scale::log);
  range.add({1, 10000});
  const Axis axis(range, Scale::log, 8);
  CHECK(axis.place(1) == doctest::Approx(0));
  CHECK(axis.place(10) == doctest::Approx(0.25));
  CHECK(axis.place(100) == doctest::Approx(0.5));
  CHECK_FALSE(axis.shows(0));
}

TEST_CASE("references are drawn in the colour of text, bands behind their line, and a long legend in rows") {
  ChartSeries limit{"limit", {1, 2}, {5, 5}, Marks::dashed_reference};
  ChartSeries band{"mean", {1, 2, 3}, {1, 2, 3}};
  band.low = {0, 1, 2};
  band.high = {2, 3, 4};
  const std::string svg = line_chart({"", "", "", ""}, {band, limit}).svg;
  check_well_formed(svg);
  CHECK(count(svg, "class='inked'") == 2);  // its line, and in the legend
  CHECK(svg.find("<polygon") < svg.find("<polyline"));
  std::vector<ChartSeries> many(9, {"a name of some length", {1, 2}, {1, 2}});
  const std::string legend = line_chart({"", "", "", ""}, many).svg;
  CHECK(count(legend, ">a name of some length<") == 9);
  CHECK(count(legend, "x='90.0'") == 3);  // three rows begin at the left
}

TEST_CASE("an SVG file has its charts side by side, and colours for white and for dark pages") {
  const Chart chart = line_chart({"", "", "", ""}, {{"s", {1, 2}, {1, 2}}});
  const std::string svg = svg_document({chart, chart, chart}, 2);
  check_well_formed(svg);
  CHECK(count(svg, "width='1280' height='720'") == 1);
  CHECK(count(svg, "translate(640 0)") == 1);
  CHECK(count(svg, "translate(0 360)") == 1);
  CHECK(count(svg, "prefers-color-scheme:dark") == 1);
}
