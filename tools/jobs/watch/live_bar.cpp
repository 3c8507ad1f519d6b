#include "jobs/watch/live_bar.hpp"

#include "jobs/progress.hpp"
#include "jobs/stopwatch.hpp"
#include "reports/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace tinyfiqa;

namespace {

constexpr int bar_width = 30;

/// The number of characters in a line of the terminal.
int columns_of_terminal() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool is_dumb(const char* term) { return term == nullptr || *term == '\0' || std::strcmp(term, "dumb") == 0; }

const char* colour_of(Band band) {
  switch (band) {
    case Band::reject:
      return "\033[31m";  // red
    case Band::poor:
      return "\033[33m";  // yellow
    case Band::fair:
      return "\033[36m";  // cyan
    case Band::good:
      break;
  }
  return "\033[32m";  // green
}

std::string cut(const std::string& line, int columns) {
  return line.substr(0, static_cast<std::size_t>(std::max(columns, 0)));
}

}  // namespace

bool wants_colours(const char* no_color, const char* term) {
  return (no_color == nullptr || *no_color == '\0') && !is_dumb(term);
}

std::string live_lines(const LiveView& view, int columns, bool colours) {
  std::string line = bar_text(view.quality.value_or(0) / 100.0, bar_width);
  if (view.quality)
    line += format_text(" %3d %-6s", *view.quality, view.band ? band_name(*view.band) : "");
  else
    line += format_text(" %-10s", view.note.c_str());
  line += "  best " + (view.best ? format_text("%3d", *view.best) : std::string("  -"));
  line += format_text("  frame %zu  %.1f s  %.1f/s  %zu dropped", view.frame, view.seconds, view.rate,
                      view.dropped);
  line = cut(line, columns);
  if (colours && view.band && line.size() > bar_width + 2)
    line = colour_of(*view.band) + line.substr(0, bar_width + 2) + "\033[0m" + line.substr(bar_width + 2);
  return line + "\n" + cut(view.advice, columns);
}

LiveBar::LiveBar()
    : wanted_(Progress::on_terminal() && !is_dumb(std::getenv("TERM"))),
      colours_(wants_colours(std::getenv("NO_COLOR"), std::getenv("TERM"))) {}

void LiveBar::show(const LiveView& view) {
  if (!wanted_ || now_s() - drawn_s_ < 0.1) return;
  drawn_s_ = now_s();
  visible_ = true;
  // Remove both lines, write them, and go back up: the cursor rests at the beginning of the first one. The last column
  // stays empty, because some terminals begin a new line after it.
  std::fprintf(stderr, "\r\033[J%s\033[1A\r", live_lines(view, columns_of_terminal() - 1, colours_).c_str());
  std::fflush(stderr);
}

void LiveBar::clear() {
  if (!visible_) return;
  std::fprintf(stderr, "\r\033[J");
  std::fflush(stderr);
  visible_ = false;
  drawn_s_ = 0;
}
