// A progress line on stderr, shown only on a terminal and only when there is something to wait for.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

class Progress {
 public:
  /// `unit` is what is counted, "images".
  Progress(std::size_t total, std::string unit);
  ~Progress() { clear(); }

  /// Shows `done` of the total, with rate and time left; redraws ten times a second at most.
  void show(std::size_t done);
  /// Takes the line away, so that other output can be written.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::size_t total_;
  std::string unit_;
  bool terminal_, visible_ = false;
  Clock::time_point start_, drawn_;
};
