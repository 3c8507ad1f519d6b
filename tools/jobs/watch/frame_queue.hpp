// Hands frames from the thread that reads them to the thread that scores them. At most one frame waits, so that the delay is
// bounded however slow the scoring is.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "jobs/frame_source.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

/// A frame that waits, with bytes of its own.
struct WaitingFrame {
  std::size_t number = 0;  ///< in the source, from 1
  tinyfiqa::Status status;
  std::vector<unsigned char> bytes;
  double arrived_s = 0;     ///< of now_s(): when the frame was complete
  std::size_t dropped = 0;  ///< frames of the source that nobody looked at, up to this one
};

/// What happens to a frame that waits when the next one comes.
enum class WhenLate : unsigned char {
  drop,  ///< the next one takes its place: for cameras
  wait,  ///< the next one waits with the source: for files
};

class FrameQueue {
 public:
  explicit FrameQueue(WhenLate late) : late_(late) {}

  /// Called by the reader. A broken frame never takes the place of a good one. Returns false after close(): nobody wants
  /// frames any more.
  bool put(const CodedFrame& frame, double arrived_s) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (late_ == WhenLate::wait) changed_.wait(lock, [this] { return !waiting_ || closed_; });
    if (closed_) return false;
    if (frame.number > newest_ + 1) dropped_ += frame.number - newest_ - 1;  // the source lost them
    newest_ = frame.number;
    if (waiting_) {
      ++dropped_;
      if (!frame.status.ok() && waiting_->status.ok()) return true;
    }
    if (!waiting_) waiting_.emplace();
    waiting_->number = frame.number;
    waiting_->status = frame.status;
    waiting_->bytes.assign(frame.bytes.begin(), frame.bytes.end());
    waiting_->arrived_s = arrived_s;
    changed_.notify_all();
    return true;
  }

  /// Called by the reader when the source ends. `why` is its error, if it has one.
  void end(tinyfiqa::Status why) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    why_ = std::move(why);
    changed_.notify_all();
  }

  /// Called by the scorer: the frame that waits. None if no frame came in this time, or if the source ended.
  std::optional<WaitingFrame> take(double most_s) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(most_s), [this] { return waiting_ || ended_; });
    std::optional<WaitingFrame> frame = std::move(waiting_);
    waiting_.reset();
    if (frame) frame->dropped = dropped_;
    changed_.notify_all();
    return frame;
  }

  /// True if the source ended and all frames are taken.
  bool ended() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ended_ && !waiting_;
  }
  /// Why the source ended.
  tinyfiqa::Status why() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return why_;
  }
  std::size_t dropped() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return dropped_;
  }

  /// Called by the scorer: wants no more frames. A put() that waits returns.
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const WhenLate late_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<WaitingFrame> waiting_;
  std::size_t dropped_ = 0, newest_ = 0;
  bool ended_ = false, closed_ = false;
  tinyfiqa::Status why_;
};
