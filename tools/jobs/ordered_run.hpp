// Works on many items on several threads and delivers the results in order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

/// Works on items 0 .. count - 1. Each thread has its own worker.
template <class Row>
class OrderedRun {
 public:
  explicit OrderedRun(std::size_t count) : count_(count) {}

  /// Calls work(worker, index), which returns a Row, on any thread, and sink(index, row) in the order of the
  /// indices on the calling thread. A single worker works on the calling thread too.
  template <class Worker, class Work, class Sink>
  void start(std::vector<Worker>& workers, const Work& work, const Sink& sink) {
    if (workers.size() == 1) {
      for (std::size_t i = 0; i < count_; ++i) sink(i, work(workers[0], i));
      return;
    }
    std::vector<std::thread> threads;
    for (auto& worker : workers) threads.emplace_back([&] { run(worker, work); });
    for (std::size_t i = 0; i < count_; ++i) sink(i, take(i));
    for (auto& thread : threads) thread.join();
  }

 private:
  // The largest distance between workers and output. It limits the rows that wait in memory for a slow one.
  static constexpr std::size_t window = 256;

  template <class Worker, class Work>
  void run(Worker& worker, const Work& work) {
    for (;;) {
      std::size_t index = 0;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return next_ >= count_ || next_ < taken_ + window; });
        if (next_ >= count_) return;
        index = next_++;
      }
      Row row = work(worker, index);
      const std::lock_guard<std::mutex> lock(mutex_);
      done_.emplace(index, std::move(row));
      changed_.notify_all();
    }
  }

  Row take(std::size_t index) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return done_.count(index) != 0; });
    Row row = std::move(done_.at(index));
    done_.erase(index);
    taken_ = index + 1;
    changed_.notify_all();
    return row;
  }

  std::size_t count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, Row> done_;
  std::size_t next_ = 0, taken_ = 0;
};
