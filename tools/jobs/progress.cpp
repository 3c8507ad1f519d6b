#include "jobs/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "reports/text.hpp"

bool Progress::on_terminal() { return isatty(STDERR_FILENO) == 1; }

Progress::Progress(std::size_t total, std::string unit)
    : total_(total), unit_(std::move(unit)), terminal_(on_terminal()), start_(Clock::now()), drawn_(start_) {}

void Progress::show(std::size_t done) {
  if (!terminal_ || total_ == 1) return;
  const auto now = Clock::now();
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  if (elapsed_s < 0.5 || std::chrono::duration<double>(now - drawn_).count() < 0.1) return;
  drawn_ = now;
  visible_ = true;
  const double rate = static_cast<double>(done) / elapsed_s;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\033[K%zu %s  %.1f/s", done, unit_.c_str(), rate);
    std::fflush(stderr);
    return;
  }
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  std::fprintf(stderr, "\r\033[K%s %zu/%zu %s  %.1f/s", bar_text(share, 30).c_str(), done, total_,
               unit_.c_str(), rate);
  if (done > 0) {
    const auto left_s = static_cast<long>(static_cast<double>(total_ - done) / rate + 0.5);
    std::fprintf(stderr, "  %ld:%02ld left", left_s / 60, left_s % 60);
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (!visible_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  visible_ = false;
  drawn_ = Clock::time_point();
}
