// A progress line on stderr, shown only on a terminal and only if the work takes longer than half a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

/// One progress line; the destructor removes it.
class Progress {
 public:
  /// Whether stderr is a terminal, so that a line is shown at all.
  static bool on_terminal();

  /// `unit` names what is counted, such as "images". A total of 0 is not known.
  Progress(std::size_t total, std::string unit);
  ~Progress() { clear(); }

  /// Shows `done` of the total, the rate and the time left. Redraws at most ten times a second.
  void show(std::size_t done);
  /// Removes the line, so that other output can be written.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::size_t total_;
  std::string unit_;
  bool terminal_, visible_ = false;
  Clock::time_point start_, drawn_;
};
