#include "charts/axis.hpp"

#include "reports/text.hpp"

#include <algorithm>
#include <cmath>

Range::Range(Scale scale) : low(HUGE_VAL), high(-HUGE_VAL), scale_(scale) {}

void Range::add(const std::vector<double>& values) {
  for (const double v : values)
    if (std::isfinite(v) && (scale_ == Scale::linear || v > 0))
      low = std::min(low, v), high = std::max(high, v);
}

Axis::Axis(const Range& range, Scale scale, int wanted_ticks)
    : scale_(scale), low_(range.low), high_(range.high), wanted_ticks_(wanted_ticks) {
  const bool log = scale == Scale::log;
  if (!(low_ <= high_)) low_ = log ? 1 : 0, high_ = log ? 10 : 1;  // no numbers
  if (high_ - low_ <= 1e-9 * std::fabs(low_)) {                    // too close for ticks in double precision
    const double margin = low_ == 0 ? 1 : 0.1 * std::fabs(low_);
    low_ -= margin;
    high_ += margin;
  }
  const double rough = (high_ - low_) / wanted_ticks, power = std::pow(10.0, std::floor(std::log10(rough)));
  step_ = (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1) * power;
}

void Axis::widen(double share) {
  const double margin = share * (at(high_) - at(low_));
  if (scale_ == Scale::log) {
    low_ *= std::exp(-margin);
    high_ *= std::exp(margin);
  } else {
    low_ -= margin;
    high_ += margin;
  }
}

void Axis::for_counts(double share) {
  high_ *= 1 + share;
  step_ = std::max(1.0, step_);
}

double Axis::at(double value) const { return scale_ == Scale::log ? std::log(value) : value; }

bool Axis::shows(double value) const {
  return std::isfinite(value) && (scale_ == Scale::linear || value > 0);
}

double Axis::place(double value) const { return (at(value) - at(low_)) / (at(high_) - at(low_)); }

std::vector<double> Axis::linear_ticks() const {
  std::vector<double> found;
  for (double i = std::ceil(low_ / step_ - 1e-9); i <= high_ / step_ + 1e-9; ++i) found.push_back(i * step_);
  return found;
}

std::vector<double> Axis::ticks() const {
  if (scale_ == Scale::linear || high_ < 3 * low_) return linear_ticks();
  std::vector<double> found;
  const double decades = std::log10(high_ / low_);
  const int every = std::max(1, static_cast<int>(std::ceil(decades / wanted_ticks_)));
  const bool between = 3 * decades <= wanted_ticks_ + 2;
  for (int p = static_cast<int>(std::floor(std::log10(low_))); std::pow(10.0, p) <= high_; ++p) {
    if (p % every != 0) continue;
    for (const int factor : {1, 2, 5}) {
      const double tick = factor * std::pow(10.0, p);
      if ((factor == 1 || between) && tick >= low_ * (1 - 1e-9) && tick <= high_ * (1 + 1e-9))
        found.push_back(tick);
    }
  }
  return found;
}

std::string Axis::label(double value) const {
  if (scale_ == Scale::log && high_ >= 3 * low_) return format_text("%.6g", value);
  if (std::fabs(value) < step_ * 1e-6) value = 0;
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step_) + 1e-9)));
  const bool plain = decimals < 5 && std::max(std::fabs(low_), std::fabs(high_)) < 1e6;
  return plain ? format_text("%.*f", decimals, value) : format_text("%.5g", value);
}
