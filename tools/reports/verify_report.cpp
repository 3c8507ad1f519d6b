#include "reports/verify_report.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "charts/charts.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tinyfiqa;

namespace {

std::string relative(double area, const Interval& interval, double start, double share) {
  const double unit = start * share;
  if (!(unit > 0)) return "no errors";
  return format_text("%.2f (%.2f to %.2f)", area / unit, interval.low / unit, interval.high / unit);
}

std::string table_head(const std::string& first, const std::vector<std::string>& columns) {
  std::string head = "| " + first + " |", line = "|---|";
  for (const std::string& column : columns) head += " " + column + " |", line += "---|";
  return head + "\n" + line + "\n";
}

std::string needed(double rate) {
  return format_text("needs %.0f impostor pairs", least_expected_errors / rate);
}

std::string discard_markdown(const VerifyReport& r) {
  std::string text = format_text(
      "## Error versus discard\n\n%zu images, %zu genuine and %zu impostor pairs. Area under the false "
      "non-match rate while the worst images are discarded, relative to a useless order: 1 is useless, lower "
      "is better. 95 %% intervals over people.\n\n",
      r.images, r.genuine, r.impostors);
  std::vector<std::string> columns;
  for (const DiscardTable& t : r.discard) {
    const std::string at = "FMR " + rate_text(t.rate);
    if (!t.supported) {
      text += at + " can't be measured: it " + needed(t.rate) + ".\n\n";
      continue;
    }
    text += at + ": FNMR " + format_text("%.3f %%", 100 * t.curves[0].fnmr[0]) + " without discarding.\n\n";
    for (const char* share : {"20 %", "30 %"}) columns.push_back(at + ", to " + share);
  }
  if (columns.empty()) return text;
  text += table_head("method", columns);
  for (std::size_t m = 0; m < r.methods.size(); ++m) {
    text += "| " + r.methods[m] + " |";
    for (const DiscardTable& t : r.discard) {
      if (!t.supported) continue;
      const DiscardCurve& c = t.curves[m];
      text += " " + relative(c.area20, c.area20_interval, c.fnmr[0], 0.2) + " | " +
              relative(c.area30, c.area30_interval, c.fnmr[0], 0.3) + " |";
    }
    text += "\n";
  }
  return text + "\n";
}

std::string template_markdown(const VerifyReport& r) {
  if (r.templates == 0) return "";
  std::string text = format_text(
      "## Templates\n\nThe best image of each of %zu templates; %zu genuine and %zu impostor pairs. True "
      "positive rate in %% at a false positive rate.\n\n",
      r.templates, r.template_genuine, r.template_impostors);
  std::vector<std::string> columns;
  for (const double rate : r.template_rates) columns.push_back("FPR " + rate_text(rate));
  text += table_head("method", columns);
  for (std::size_t m = 0; m < r.methods.size(); ++m) {
    text += "| " + r.methods[m] + " |";
    for (std::size_t i = 0; i < r.template_rates.size(); ++i) {
      const RateEstimate& e = r.template_results[m][i];
      text += std::isnan(e.value) ? " " + needed(r.template_rates[i]) + " |"
                                  : format_text(" %.2f (%.2f to %.2f) |", 100 * e.value, 100 * e.interval.low,
                                                100 * e.interval.high);
    }
    text += "\n";
  }
  return text + "\n";
}

std::string csv_row(const char* protocol, const std::string& method, const std::string& rate,
                    const char* measure, double value, const Interval& interval) {
  return std::string(protocol) + "," + csv_field(method) + "," + rate + "," + measure +
         format_text(",%.9g,%.9g,%.9g\n", value, interval.low, interval.high);
}

Chart discard_chart(const VerifyReport& r, const DiscardTable& t) {
  std::vector<ChartSeries> series;
  for (std::size_t m = 0; m < r.methods.size(); ++m) {
    ChartSeries s{r.methods[m], {}, {}};
    for (std::size_t i = 0; i < t.curves[m].fnmr.size(); ++i) {
      s.x.push_back(100 * t.curves[m].discard[i]);
      s.y.push_back(100 * t.curves[m].fnmr[i]);
    }
    series.push_back(std::move(s));
  }
  return line_chart({"Error versus discard at a false match rate of " + rate_text(t.rate),
                     format_text("%zu images, %zu genuine pairs", r.images, r.genuine),
                     "worst images discarded, %", "false non-match rate, %"},
                    series);
}

Chart template_chart(const VerifyReport& r) {
  std::vector<ChartSeries> series;
  for (std::size_t m = 0; m < r.template_results.size(); ++m) {
    ChartSeries s{r.methods[m], {}, {}};
    for (std::size_t i = 0; i < r.template_rates.size(); ++i) {
      s.x.push_back(r.template_rates[i]);
      s.y.push_back(100 * r.template_results[m][i].value);
    }
    series.push_back(std::move(s));
  }
  return line_chart({"ROC: best image of each template", format_text("%zu templates", r.templates),
                     "false positive rate", "true positive rate, %"},
                    std::move(series), {Scale::log, Scale::linear});
}

/// At most this many points of a curve are drawn.
constexpr std::size_t most_points = 1000;

Chart roc_chart(const VerifyReport& r) {
  ChartSeries curve{"pairs", {}, {}};
  const std::size_t all = r.roc.false_positive.size(), drawn = std::min(all, most_points);
  for (std::size_t i = 0; i < drawn; ++i) {
    const std::size_t at = i * (all - 1) / (drawn - 1);
    if (!(r.roc.false_positive[at] > 0)) continue;  // has no place on a logarithmic axis
    curve.x.push_back(r.roc.false_positive[at]);
    curve.y.push_back(100 * r.roc.true_positive[at]);
  }
  return line_chart(
      {"ROC: pairs", format_text("%zu pairs", r.pairs), "false positive rate", "true positive rate, %"},
      {std::move(curve)}, {Scale::log, Scale::linear});
}

}  // namespace

std::string VerifyReport::markdown() const {
  std::string text;
  if (accuracy) {
    text += format_text(
        "## Verification\n\n%zu pairs in %zu folds: accuracy %.2f +- %.2f %%, mean threshold %.3f\n\n", pairs,
        accuracy->folds.size(), 100 * accuracy->mean, 100 * accuracy->std, accuracy->threshold);
  }
  return text + discard_markdown(*this) + template_markdown(*this);
}

std::string VerifyReport::csv() const {
  std::string text = "protocol,method,rate,measure,value,low,high\n";
  if (accuracy) {
    const auto row = [&](const char* measure, double value) {
      text += std::string("folds,,,") + measure + format_text(",%.9g,,\n", value);
    };
    row("accuracy", accuracy->mean);
    row("accuracy_std", accuracy->std);
    row("threshold", accuracy->threshold);
  }
  for (const DiscardTable& t : discard) {
    for (std::size_t m = 0; t.supported && m < methods.size(); ++m) {
      const DiscardCurve& c = t.curves[m];
      text += csv_row("discard", methods[m], rate_text(t.rate), "area20", c.area20, c.area20_interval);
      text += csv_row("discard", methods[m], rate_text(t.rate), "area30", c.area30, c.area30_interval);
      for (std::size_t i = 0; i < c.fnmr.size(); ++i)
        text += "discard," + csv_field(methods[m]) + "," + rate_text(t.rate) +
                format_text(",fnmr_%.2f,%.9g,,\n", c.discard[i], c.fnmr[i]);
    }
  }
  for (std::size_t m = 0; m < template_results.size(); ++m)
    for (std::size_t i = 0; i < template_rates.size(); ++i) {
      const RateEstimate& e = template_results[m][i];
      if (!std::isnan(e.value))
        text += csv_row("templates", methods[m], rate_text(template_rates[i]), "tpr", e.value, e.interval);
    }
  return text;
}

std::string VerifyReport::svg() const {
  std::vector<Chart> charts;
  for (const DiscardTable& t : discard)
    if (t.supported) charts.push_back(discard_chart(*this, t));
  if (!template_results.empty()) charts.push_back(template_chart(*this));
  if (!roc.false_positive.empty()) charts.push_back(roc_chart(*this));
  return svg_document(charts);
}

std::string relative_area30(const DiscardCurve& curve) {
  return relative(curve.area30, curve.area30_interval, curve.fnmr[0], 0.3);
}

std::string rate_text(double rate) {
  return format_text("1e%d", static_cast<int>(std::lround(std::log10(rate))));
}
