// tinyfiqa plot: charts of tables, and of JSON files that describe charts.
#include "commands/commands.hpp"

#include "charts/charts.hpp"
#include "charts/read_charts.hpp"
#include "jobs/output_path.hpp"
#include "jobs/text_file.hpp"
#include "options/messages.hpp"

#include <filesystem>
#include <memory>

using namespace tinyfiqa;

namespace {

struct PlotCommand {
  std::vector<std::string> files, y;
  std::string x, out, title, x_label, y_label;
  bool log_x = false, log_y = false, points = false;

  Status run() const;

 private:
  Result<std::string> draw() const;
};

Result<std::string> PlotCommand::draw() const {
  const bool described = std::filesystem::path(files[0]).extension() == ".json";
  if (described && files.size() == 1 && x.empty() && y.empty()) return draw_chart_file(files[0]);
  if (described)
    return Status::error(Errc::bad_argument, files[0],
                         ": describes whole charts; give it alone, without --x and --y");
  if (x.empty() || y.empty())
    return Status::error(Errc::bad_argument, "name the columns of ", files[0],
                         " to draw: --x COLUMN --y COLUMN");
  auto series = read_series(files, x, y);
  if (!series) return series.status();
  if (points)
    for (ChartSeries& s : *series) s.marks = Marks::points;
  const std::string label = !y_label.empty() || y.size() > 1 ? y_label : y[0];
  ChartAxes axes;
  axes.x = log_x ? Scale::log : Scale::linear;
  axes.y = log_y ? Scale::log : Scale::linear;
  return svg_document(
      {line_chart({title, "", x_label.empty() ? x : x_label, label}, std::move(*series), axes)});
}

Status PlotCommand::run() const {
  if (const Status s = check_output_file(out); !s) return s;
  const auto svg = draw();
  return svg ? write_text(out, *svg) : svg.status();
}

}  // namespace

void add_plot(const Command& app, int& exit_code) {
  auto command = std::make_shared<PlotCommand>();
  const Command sub =
      app.add_command("plot", "Draw columns of CSV tables, such as training logs, as an SVG chart");
  sub.add_option("files", command->files,
                 "Draw these CSV files, or the charts of one JSON file (docs/plots.md)")
      .required();
  sub.add_option("--x", command->x, "Column of the horizontal axis").type_name("COLUMN");
  sub.add_option("--y", command->y, "Columns of the vertical axis; each is a line of its own")
      .type_name("COLUMN");
  sub.add_option("--out", command->out, "Write the chart to this .svg file").type_name("FILE").required();
  sub.add_option("--title", command->title, "Title above the chart");
  sub.add_option("--x-label", command->x_label, "Label of the horizontal axis (default: its column)");
  sub.add_option("--y-label", command->y_label, "Label of the vertical axis (default: its only column)");
  sub.add_flag("--log-x", command->log_x, "Use a logarithmic horizontal axis");
  sub.add_flag("--log-y", command->log_y, "Use a logarithmic vertical axis");
  sub.add_flag("--points", command->points, "Draw points instead of lines");
  sub.footer(
      "Cells that are not numbers are omitted; so are numbers of 0 and below on a logarithmic axis. Colours "
      "suit\n"
      "white and dark pages, and colour-blind readers.\n"
      "Exit status: 0 written, 1 the file can't be written, 2 wrong usage or an unusable table.\n\n"
      "Example:\n"
      "  tinyfiqa plot runs/a/log.csv runs/b/log.csv --x epoch --y srcc --out srcc.svg");
  sub.on_run([command, &exit_code] { exit_code = report_result(command->run()); });
}
