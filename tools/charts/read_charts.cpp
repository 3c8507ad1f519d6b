#include "charts/read_charts.hpp"

#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/file.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <iterator>
#include <utility>

using namespace tinyfiqa;

namespace {

double number_of(const std::string& cell) {
  double number = 0;
  std::string problem;
  return parse_number(cell, "", number, problem) ? number : std::nan("");
}

/// Reads one chart of a JSON file; remembers the first error.
class ChartReader {
 public:
  ChartReader(const std::string& path, std::size_t number)
      : where_(path + ": chart " + std::to_string(number + 1)) {}

  Result<Chart> read(const nlohmann::json& chart) {
    const ChartText text{string(chart, "title"), string(chart, "subtitle"), string(chart, "x_label"),
                         string(chart, "y_label")};
    ChartAxes axes{scale(chart, "x_scale"), scale(chart, "y_scale"), numbers(chart, "x_range"),
                   numbers(chart, "y_range")};
    std::vector<ChartSeries> series;
    const auto list = chart.find("series");
    if (list == chart.end() || !list->is_array())
      fail("has no list \"series\"");
    else
      for (const auto& s : *list) series.push_back(series_of(s));
    const std::string kind = string(chart, "kind");
    if (kind != "lines" && kind != "scatter" && kind != "histogram")
      fail("needs \"kind\": \"lines\", \"scatter\" or \"histogram\"");
    if (kind == "scatter" && series.size() != 1) fail("is a scatter plot and needs one series");
    if (!status_) return status_;
    if (kind == "lines") return line_chart(text, std::move(series), axes);
    if (kind == "scatter") return scatter_chart(text, series[0].x, series[0].y, ScatterLine::regression);
    return histogram_chart(text, series, 30);
  }

 private:
  void fail(const std::string& problem) {
    if (status_) status_ = Status::error(Errc::bad_format, where_, " ", problem);
  }

  std::string string(const nlohmann::json& object, const char* key) {
    const auto at = object.find(key);
    if (at == object.end()) return "";
    if (at->is_string()) return at->get<std::string>();
    fail(std::string("has \"") + key + "\" that is no text");
    return "";
  }
  std::vector<double> numbers(const nlohmann::json& object, const char* key) {
    std::vector<double> found;
    const auto at = object.find(key);
    if (at == object.end()) return found;
    if (!at->is_array()) fail(std::string("has \"") + key + "\" that is no list of numbers");
    for (const auto& value : *at)
      found.push_back(value.is_number() ? value.get<double>() : std::nan(""));  // null is a gap
    return found;
  }
  Scale scale(const nlohmann::json& object, const char* key) {
    const std::string name = string(object, key);
    if (!name.empty() && name != "log" && name != "linear")
      fail(std::string("has \"") + key + "\" other than log and linear");
    return name == "log" ? Scale::log : Scale::linear;
  }
  Marks marks(const nlohmann::json& object) {
    constexpr const char* names[] = {"line",      "dashed",           "points",
                                     "reference", "dashed_reference", "dotted_reference"};
    const std::string name = string(object, "marks");
    if (name.empty()) return Marks::line;
    for (std::size_t i = 0; i < std::size(names); ++i)
      if (name == names[i]) return static_cast<Marks>(i);
    fail("has marks \"" + name +
         "\"; they may be line, dashed, points, reference, dashed_reference or "
         "dotted_reference");
    return Marks::line;
  }
  ChartSeries series_of(const nlohmann::json& s) {
    if (!s.is_object()) return fail("has a series that is no object"), ChartSeries();
    ChartSeries series{string(s, "name"), numbers(s, "x"), numbers(s, "y"), marks(s)};
    series.low = numbers(s, "low");
    series.high = numbers(s, "high");
    const auto colour = s.find("colour");
    if (colour != s.end() && colour->is_number_unsigned()) series.colour = colour->get<std::size_t>() % 6;
    return series;
  }

  std::string where_;
  Status status_;
};

}  // namespace

Result<std::vector<ChartSeries>> read_series(const std::vector<std::string>& files, const std::string& x,
                                             const std::vector<std::string>& y) {
  std::vector<ChartSeries> series;
  for (const std::string& file : files) {
    const auto table = read_csv(file);
    if (!table) return table.status();
    const auto column = [&](const std::string& name, const char* option) -> Result<std::vector<double>> {
      const auto at = csv_column(*table, name, option);
      if (!at) return at.status();
      std::vector<double> numbers;
      for (const CsvRow& row : table->rows) numbers.push_back(number_of(row.fields[*at]));
      return numbers;
    };
    const auto xs = column(x, "--x");
    if (!xs) return xs.status();
    for (const std::string& name : y) {
      auto ys = column(name, "--y");
      if (!ys) return ys.status();
      series.push_back({files.size() == 1 ? name
                        : y.size() == 1   ? file
                                          : file + ": " + name,
                        *xs, std::move(*ys)});
    }
  }
  return series;
}

Result<std::string> draw_chart_file(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  const auto json = nlohmann::json::parse(file->bytes.begin(), file->bytes.end(), nullptr, false);
  if (!json.is_object() || !json.contains("charts") || !json["charts"].is_array())
    return Status::error(Errc::bad_format, path,
                         ": is no JSON object with a list \"charts\" (docs/plots.md)");
  std::vector<Chart> charts;
  for (const auto& one : json["charts"]) {
    auto chart = ChartReader(path, charts.size()).read(one);
    if (!chart) return chart.status();
    charts.push_back(std::move(*chart));
  }
  const auto columns = json.find("columns");
  const bool given = columns != json.end() && columns->is_number_unsigned();
  return svg_document(charts, given ? std::max<std::size_t>(1, columns->get<std::size_t>()) : 1);
}
