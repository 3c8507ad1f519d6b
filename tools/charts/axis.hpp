// The axes of charts: which part of the numbers they show, and where their ticks are.
#pragma once

#include <string>
#include <vector>

/// How numbers become places on an axis.
enum class Scale {
  linear,
  log,  ///< by their logarithm; numbers of 0 and below have no place
};

/// The smallest and the largest number that an axis of this scale can show.
struct Range {
  double low, high;  ///< low > high: no numbers

  explicit Range(Scale scale = Scale::linear);
  void add(const std::vector<double>& values);

 private:
  Scale scale_;
};

/// An axis from low to high.
class Axis {
 public:
  /// With about `wanted_ticks` ticks. Without numbers, the axis goes from 0 to 1 (log: 1 to 10).
  Axis(const Range& range, Scale scale, int wanted_ticks);

  /// Adds this share of the axis at both ends.
  void widen(double share);
  /// Adds it at the upper end, and lets ticks be whole numbers.
  void for_counts(double share);

  bool shows(double value) const;
  /// 0 at the axis' beginning, 1 at its end.
  double place(double value) const;
  /// Linear: multiples of 1, 2 or 5 times a power of ten. Log: 1, 2 and 5 times powers of ten, or powers of ten alone if
  /// these are many; axes of less than a factor of three have the ticks of a linear one.
  std::vector<double> ticks() const;
  std::string label(double value) const;

  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double at(double value) const;  // value, or its logarithm
  std::vector<double> linear_ticks() const;

  Scale scale_;
  double low_ = 0, high_ = 1, step_ = 0.2;
  int wanted_ticks_;
};
