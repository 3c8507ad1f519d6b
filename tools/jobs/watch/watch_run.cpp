#include "jobs/watch/watch_run.hpp"

#include <tinyfiqa/threads/start.hpp>

#include "jobs/guarded.hpp"
#include "jobs/stop_signal.hpp"
#include "jobs/stopwatch.hpp"
#include "options/messages.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr double rate_window_s = 2;
/// How long the loop waits for a frame before it looks at the clock, at signals and at the bar.
constexpr double longest_wait_s = 0.05;
/// Messages about frames that can't be read; more are only counted.
constexpr std::size_t told_broken = 3;

/// The thread that reads the source. The destructor ends it.
class ReaderThread {
 public:
  explicit ReaderThread(FrameQueue& queue) : queue_(queue) {}
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;
  ~ReaderThread() {
    queue_.close();
    if (ends_[1] >= 0) ::close(ends_[1]);  // its other end becomes readable
    if (thread_.joinable()) thread_.join();
    if (ends_[0] >= 0) ::close(ends_[0]);
  }

  /// Errors: unreadable.
  Status start(const FrameReader& reader) {
    if (::pipe(ends_) != 0)
      return Status::error(Errc::unreadable, "the system gives no pipe: ", std::strerror(errno));
    for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    thread_ = try_thread([this, &reader] {
      const auto read = [&] {
        return reader([this](const CodedFrame& frame) { queue_.put(frame, now_s()); }, ends_[0]);
      };
      queue_.end(guarded("the source", read, [](const Status& problem) { return problem; }));
    });
    return thread_.joinable()
               ? Status()
               : Status::error(Errc::unreadable,
                               "the system starts no more threads; raise its limit on processes");
  }

 private:
  FrameQueue& queue_;
  int ends_[2] = {-1, -1};  // of a pipe: to read, to write
  std::thread thread_;
};

}  // namespace

void FrameRate::count(double now_s) {
  times_s_.push_back(now_s);
  while (now_s - times_s_.front() > rate_window_s) times_s_.pop_front();
}

double FrameRate::per_second(double now_s) const {
  const auto old = [&](double time_s) { return now_s - time_s > rate_window_s; };
  const auto first = std::find_if_not(times_s_.begin(), times_s_.end(), old);
  const auto frames = static_cast<double>(times_s_.end() - first);
  return frames < 2 ? 0 : (frames - 1) / std::max(times_s_.back() - *first, 1e-6);
}

ScoreRow WatchRun::score(const WaitingFrame& frame) const {
  const std::string name = "frame " + std::to_string(frame.number);
  if (!frame.status.ok()) return {name, frame.status, {}, {}};
  const auto work = [&] {
    const Bytes bytes(frame.bytes), file = format_.coding == FrameCoding::mjpeg ? bytes : Bytes();
    auto photo = decode_frame(bytes, format_, judge_.decoded_side());
    if (!photo) photo = photo.status().prefixed(name, ": ");
    const ImageFile image{FileBytes::from_memory(file, name), std::move(photo), 0};
    return std::move(score_photo(judge_, name, image, Crop(), frame.number).front());
  };
  return guarded(name, work, [&](const Status& problem) { return ScoreRow{name, problem, {}, {}}; });
}

/// Scores a frame, prints its row, and keeps it if it is the best so far.
void WatchRun::take(WaitingFrame frame) {
  WatchRow row{frame.number, frame.dropped, frame.arrived_s - started_s_, 0, 0, score(frame)};
  const Status& status = row.score.status;
  if (status.ok())
    row.quality = source_.calibrated() ? row.score.score.quality
                                       : static_cast<float>(source_.percent(double{row.score.score.value}));
  ++(status.ok() ? result_.scored : status.code() == Errc::no_face ? result_.faceless : result_.broken);
  result_.dropped = frame.dropped;
  row.delay_s = now_s() - frame.arrived_s;
  rate_.count(now_s());
  const bool is_best = status.ok() && (!result_.best || row.quality > result_.best->row.quality);
  print(row, is_best);
  view_.quality = status.ok() ? std::optional<int>(whole_quality(row.quality)) : std::nullopt;
  view_.band = status.ok() ? row.score.score.band : std::nullopt;
  view_.note = status.ok() ? "" : status.code() == Errc::no_face ? "no face" : "broken";
  view_.frame = row.frame;
  view_.dropped = row.dropped;
  newest_advice_ = advice_of(row);
  if (!is_best) return;
  view_.best = view_.quality;
  if (!options_.keep_best) frame.bytes.clear();
  result_.best = BestFrame{std::move(row), std::move(frame.bytes)};
}

/// Text has a row for each frame that is better than all before, unless the bar shows them on the same terminal. Other
/// formats have a row for every frame.
void WatchRun::print(const WatchRow& row, bool is_best) {
  const bool text = options_.format == TableFormat::text;
  if (text && result_.broken <= told_broken && !row.score.status.ok() &&
      row.score.status.code() != Errc::no_face) {
    bar_.clear();
    print_error(row.score.status);
  }
  if (text && (!is_best || (bar_.wanted() && ::isatty(STDOUT_FILENO) == 1))) return;
  if (::isatty(STDOUT_FILENO) == 1) bar_.clear();
  std::printf("%s\n", table_.row(row).c_str());
  std::fflush(stdout);
}

void WatchRun::show_live() {
  const double now = now_s();
  view_.seconds = now - started_s_;
  view_.rate = rate_.per_second(now);
  view_.advice = advice_.update(newest_advice_, now);
  if (view_.frame == 0) view_.note = "no frame";
  bar_.show(view_);
}

WatchEnd WatchRun::watch(FrameQueue& queue) {
  for (;;) {
    const double passed_s = now_s() - started_s_;
    if (stop_signal != 0) return WatchEnd::stopped;
    if (options_.most_s && passed_s >= *options_.most_s) return WatchEnd::time_is_up;
    const double left_s = options_.most_s ? *options_.most_s - passed_s : longest_wait_s;
    auto frame = queue.take(std::min(left_s, longest_wait_s));
    if (frame) take(std::move(*frame));
    show_live();
    if (frame && options_.until && view_.quality && *view_.quality >= *options_.until)
      return WatchEnd::reached;
    if (!frame && stop_signal == 0 && queue.ended()) return WatchEnd::source_ended;
  }
}

Result<WatchResult> WatchRun::run(const FrameReader& reader) {
  FrameQueue queue(options_.late);
  if (const std::string header = table_.header(); !header.empty()) std::printf("%s\n", header.c_str());
  std::fflush(stdout);
  {
    ReaderThread thread(queue);
    started_s_ = now_s();
    if (const Status s = thread.start(reader); !s) return s;
    result_.end = watch(queue);
  }
  bar_.clear();
  result_.seconds = now_s() - started_s_;
  if (result_.end == WatchEnd::source_ended) result_.status = queue.why();
  if (options_.format == TableFormat::text && bar_.wanted() && ::isatty(STDOUT_FILENO) == 1 && result_.best)
    std::printf("%s\n", table_.row(result_.best->row).c_str());
  return std::move(result_);
}
