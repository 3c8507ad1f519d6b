// Two lines on a terminal that show what a camera sees: a bar of the quality, and what to do.
#pragma once

#include <tinyfiqa/quality/calibration.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

/// Keeps a text for a while, so that it can be read although the frames differ.
class SteadyText {
 public:
  explicit SteadyText(double least_s) : least_s_(least_s) {}

  /// The text to show: the new one, if the shown one was there for long enough. Times are in seconds.
  const std::string& update(std::string text, double now_s) {
    if (text != shown_ && (now_s - since_s_ >= least_s_ || !any_)) {
      shown_ = std::move(text);
      since_s_ = now_s;
      any_ = true;
    }
    return shown_;
  }

 private:
  double least_s_, since_s_ = 0;
  bool any_ = false;
  std::string shown_;
};

/// What the two lines say.
struct LiveView {
  std::optional<int> quality;  ///< of the newest frame; none without a face, or before the first frame
  std::optional<tinyfiqa::Band> band;
  std::string note;  ///< in place of the quality, such as "no face"
  std::optional<int> best;
  std::size_t frame = 0, dropped = 0;
  double seconds = 0, rate = 0;
  std::string advice;
};

/// The two lines with a newline between them, each of at most `columns` characters. `colours`: the bar has the colour of
/// its band.
std::string live_lines(const LiveView& view, int columns, bool colours);

/// Whether a terminal wants colours: NO_COLOR is not set (no-color.org), and TERM is not "dumb". Null: not set.
bool wants_colours(const char* no_color, const char* term);

/// Draws the lines on standard error; the destructor removes them.
class LiveBar {
 public:
  LiveBar();
  LiveBar(const LiveBar&) = delete;
  LiveBar& operator=(const LiveBar&) = delete;
  ~LiveBar() { clear(); }

  /// Whether standard error is a terminal that can move its cursor. Otherwise nothing is drawn.
  bool wanted() const { return wanted_; }
  /// Draws at most ten times a second.
  void show(const LiveView& view);
  /// Removes the lines, so that other output can be written.
  void clear();

 private:
  bool wanted_, colours_, visible_ = false;
  double drawn_s_ = 0;
};
