#include "reports/size_study_tables.hpp"

#include "charts/charts.hpp"
#include "jobs/text_file.hpp"
#include "reports/text.hpp"

#include <cmath>

using namespace tinyfiqa;

std::string SizeStudyTables::markdown() const {
  std::string head = "| network | input | parameters | MMAC | us an image | SRCC |",
              line = "|---|---|---|---|---|---|";
  for (const DiscardTable& t : verified.discard) {
    if (!t.supported) continue;
    head += " discard area, FMR " + rate_text(t.rate) + " |";
    line += "---|";
  }
  std::string text = head + "\n" + line + "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SizeStudyRow& r = rows[i];
    text += format_text("| %s | %s | %lld | %.2f | %.0f | %.4f (%.4f .. %.4f) |", r.name.c_str(),
                        r.size.c_str(), r.speed.params, static_cast<double>(r.speed.macs) * 1e-6,
                        r.speed.median_us, r.metrics.value.srcc, r.metrics.srcc.low, r.metrics.srcc.high);
    for (const DiscardTable& t : verified.discard)
      if (t.supported) text += " " + relative_area30(t.curves[i]) + " |";
    text += "\n";
  }
  text +=
      format_text("\nSRCC: %zu %s images. In brackets 95 %% bootstrap intervals. Time: one thread, median.\n",
                  held_out_images, held_out_name.c_str());
  if (verifies)
    text += format_text(
        "Discard area: %zu images, %zu genuine pairs, up to 30 %%, relative to a useless order.\n",
        verified.images, verified.genuine);
  return text;
}

std::string SizeStudyTables::csv() const {
  std::string text = "network,input,params,macs,median_us,srcc,srcc_low,srcc_high,plcc,rmse";
  for (const DiscardTable& t : verified.discard)
    if (t.supported)
      text += ",area30_" + rate_text(t.rate) + ",area30_low_" + rate_text(t.rate) + ",area30_high_" +
              rate_text(t.rate);
  text += "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SizeStudyRow& r = rows[i];
    const MetricIntervals& m = r.metrics;
    text += format_text("%s,%s,%lld,%lld,%.6g,%.9g,%.9g,%.9g,%.9g,%.9g", r.name.c_str(), r.size.c_str(),
                        r.speed.params, r.speed.macs, r.speed.median_us, m.value.srcc, m.srcc.low,
                        m.srcc.high, m.value.plcc, m.value.rmse);
    for (const DiscardTable& t : verified.discard) {
      if (!t.supported) continue;
      const DiscardCurve& c = t.curves[i];
      text += format_text(",%.9g,%.9g,%.9g", c.area30, c.area30_interval.low, c.area30_interval.high);
    }
    text += "\n";
  }
  return text;
}

std::string SizeStudyTables::svg() const {
  ChartSeries srcc{"SRCC", {}, {}};
  for (const SizeStudyRow& r : rows) {
    srcc.x.push_back(static_cast<double>(r.speed.macs));
    srcc.y.push_back(r.metrics.value.srcc);
  }
  const ChartAxes axes{Scale::log, Scale::linear};
  std::vector<Chart> charts = {
      line_chart({"Agreement with the labels", "", "multiply-adds", "SRCC"}, {srcc}, axes)};
  std::vector<ChartSeries> areas;
  for (const DiscardTable& t : verified.discard) {
    if (!t.supported) continue;
    areas.push_back({"FMR " + rate_text(t.rate), srcc.x, {}});
    for (const DiscardCurve& c : t.curves) areas.back().y.push_back(c.area30 / (0.3 * c.fnmr[0]));
  }
  if (!areas.empty())
    charts.push_back(line_chart({"Error versus discard", "area up to 30 %, relative to a useless order",
                                 "multiply-adds", "relative area"},
                                areas, axes));
  return svg_document(charts);
}

Status SizeStudyTables::write(const std::string& folder) const {
  if (const Status s = write_text(folder + "/table.md", markdown()); !s) return s;
  if (const Status s = write_text(folder + "/table.csv", csv()); !s) return s;
  return write_text(folder + "/table.svg", svg());
}
