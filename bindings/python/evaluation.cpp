// How well predictions agree with labels, for Python.
#include <tinyfiqa/evaluation/bootstrap.hpp>

#include <nanobind/stl/vector.h>

#include <cstdint>
#include <vector>

#include "model.hpp"

using namespace tinyfiqa;

namespace {

nb::object interval(const Interval& i) { return nb::make_tuple(i.low, i.high); }

/// ((count, srcc, plcc, kendall, rmse, final_score), intervals of all but the count). Without resamples, the intervals are
/// None. Throws Failure.
nb::object evaluate(const std::vector<double>& predictions, const std::vector<double>& labels, int resamples,
                    double level, std::uint64_t seed, int threads) {
  const Span<const double> x(predictions.data(), predictions.size()), y(labels.data(), labels.size());
  MetricIntervals m;
  Status status;
  {
    const nb::gil_scoped_release unlocked;
    if (resamples == 0) {
      const auto metrics = compute_metrics(x, y);
      if (metrics) m.value = *metrics;
      status = metrics.status();
    } else {
      const auto all = bootstrap_metrics(x, y, {resamples, level, seed, threads});
      if (all) m = *all;
      status = all.status();
    }
  }
  check(status);
  const Metrics& v = m.value;
  const nb::object values = nb::make_tuple(v.count, v.srcc, v.plcc, v.kendall, v.rmse, v.final_score);
  if (resamples == 0) return nb::make_tuple(values, nb::none());
  return nb::make_tuple(values, nb::make_tuple(interval(m.srcc), interval(m.plcc), interval(m.kendall),
                                               interval(m.rmse), interval(m.final_score)));
}

}  // namespace

void define_evaluation(nb::module_& m) { m.def("evaluate", &evaluate); }
