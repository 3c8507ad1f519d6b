// Scores frames as they come, for `tinyfiqa watch`.
#pragma once

#include "jobs/frame_source.hpp"
#include "jobs/scoring/score_run.hpp"
#include "jobs/watch/frame_queue.hpp"
#include "jobs/watch/live_bar.hpp"
#include "reports/watch_table.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

struct WatchOptions {
  std::optional<int> until;      ///< stop at the first frame of at least this quality
  std::optional<double> most_s;  ///< stop after this time
  bool keep_best = false;        ///< keep the bytes of the best frame, for --save
  WhenLate late = WhenLate::drop;
  TableFormat format = TableFormat::text;
};

/// Reads a source in a thread of its own: passes its frames until the descriptor `stop` becomes readable.
using FrameReader = std::function<tinyfiqa::Status(const CodedFrameSink& sink, int stop)>;

/// Why the watching ended.
enum class WatchEnd : unsigned char { reached, time_is_up, source_ended, stopped };

/// The best frame so far.
struct BestFrame {
  WatchRow row;
  std::vector<unsigned char> bytes;  ///< as they came; empty without WatchOptions::keep_best
};

struct WatchResult {
  WatchEnd end = WatchEnd::source_ended;
  tinyfiqa::Status status;  ///< the error that ended the source
  std::optional<BestFrame> best;
  std::size_t scored = 0, faceless = 0, broken = 0, dropped = 0;
  double seconds = 0;

  std::size_t looked_at() const { return scored + faceless + broken; }
};

/// Frames per second, over the last two seconds.
class FrameRate {
 public:
  void count(double now_s);
  double per_second(double now_s) const;

 private:
  std::deque<double> times_s_;
};

/// Scores one source. Rows go to standard output, the live bar and messages to standard error.
class WatchRun {
 public:
  WatchRun(const QualitySource& source, PhotoJudge& judge, const FrameFormat& format,
           const WatchOptions& options)
      : source_(source), judge_(judge), format_(format), options_(options), table_(options.format) {}

  /// Watches until one of the ends of WatchEnd. Errors: unreadable if the system starts no thread or gives no pipe; those of
  /// the source are in the result.
  tinyfiqa::Result<WatchResult> run(const FrameReader& reader);

 private:
  WatchEnd watch(FrameQueue& queue);
  void take(WaitingFrame frame);
  ScoreRow score(const WaitingFrame& frame) const;
  void print(const WatchRow& row, bool is_best);
  void show_live();

  const QualitySource& source_;
  PhotoJudge& judge_;
  const FrameFormat& format_;
  const WatchOptions& options_;
  WatchTable table_;
  LiveBar bar_;
  LiveView view_;
  SteadyText advice_{0.5};
  std::string newest_advice_;
  FrameRate rate_;
  double started_s_ = 0;
  WatchResult result_;
};
