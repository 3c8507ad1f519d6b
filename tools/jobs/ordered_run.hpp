// Works on many items on several threads and delivers the results in order.
#pragma once

#include <tinyfiqa/threads/start.hpp>

#include "options/messages.hpp"

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// Works on items that come one after the other. Each thread has its own worker.
///
/// An exception of the work ends the run: all threads stop, and start() throws it. If the system refuses to start all
/// threads, fewer do the work.
template <class Item, class Row>
class OrderedStream {
 public:
  /// Calls next(), which returns an optional item (none at the end), by one thread at a time; then
  /// work(worker, index, item), which returns a Row, on any thread; and sink(index, row) in the order of the items on the
  /// calling thread. A single worker works on the calling thread too.
  template <class Worker, class Next, class Work, class Sink>
  void start(std::vector<Worker>& workers, const Next& next, const Work& work, const Sink& sink) {
    std::vector<std::thread> threads =
        workers.size() == 1 ? std::vector<std::thread>() : started(workers, next, work);
    if (threads.empty()) {
      std::size_t index = 0;
      for (std::optional<Item> item = next(); item; item = next(), ++index)
        sink(index, work(workers[0], index, *item));
      return;
    }
    const JoinAll joined{*this, threads};
    std::size_t index = 0;
    for (auto row = take(index); !row.empty(); row = take(++index)) sink(index, std::move(row.mapped()));
  }

 private:
  // The largest distance between workers and output. It limits the rows that wait in memory for a slow one.
  static constexpr std::size_t window = 256;

  /// Ends the work and waits for the threads, also when the sink throws.
  struct JoinAll {
    OrderedStream& run;
    std::vector<std::thread>& threads;
    ~JoinAll() {
      run.end();
      for (std::thread& thread : threads) thread.join();
    }
  };

  template <class Worker, class Next, class Work>
  std::vector<std::thread> started(std::vector<Worker>& workers, const Next& next, const Work& work) {
    std::vector<std::thread> threads;
    threads.reserve(workers.size());
    for (Worker& worker : workers) {
      std::thread thread = tinyfiqa::try_thread([&, this] { run(worker, next, work); });
      if (!thread.joinable()) break;
      threads.push_back(std::move(thread));
    }
    if (threads.size() < workers.size())
      print_note(
          "the system starts no more threads: " + std::to_string(threads.empty() ? 1 : threads.size()) +
          " of " + std::to_string(workers.size()) + " work; raise its limit on processes");
    return threads;
  }

  template <class Worker, class Next, class Work>
  void run(Worker& worker, const Next& next, const Work& work) {
    try {
      std::size_t index = 0;
      while (std::optional<Item> item = fetch(next, index)) {
        Row row = work(worker, index, *item);
        const std::lock_guard<std::mutex> lock(mutex_);
        done_.emplace(index, std::move(row));
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!problem_) problem_ = std::current_exception();
      ended_ = true;
      changed_.notify_all();
    }
  }

  /// Waits while the output is far behind, then fetches the next item. None at the end. An item may take long to come (a
  /// list that another program writes): meanwhile rows can be taken.
  template <class Next>
  std::optional<Item> fetch(const Next& next, std::size_t& index) {
    const std::lock_guard<std::mutex> one_at_a_time(fetching_);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || fetched_ < taken_ + window; });
      if (ended_) return std::nullopt;
    }
    std::optional<Item> item = next();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (item) {
      index = fetched_++;
    } else {
      ended_ = true;
      changed_.notify_all();
    }
    return item;
  }

  /// Waits for this row. Empty if there are no more items.
  typename std::map<std::size_t, Row>::node_type take(std::size_t index) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return problem_ || done_.count(index) != 0 || (ended_ && index >= fetched_); });
    if (problem_) std::rethrow_exception(problem_);
    auto row = done_.extract(index);
    if (!row.empty()) taken_ = index + 1;
    changed_.notify_all();
    return row;
  }

  void end() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_, fetching_;
  std::condition_variable changed_;
  std::map<std::size_t, Row> done_;
  std::size_t fetched_ = 0, taken_ = 0;
  bool ended_ = false;
  std::exception_ptr problem_;
};

/// Works on items 0 .. count - 1.
template <class Row>
class OrderedRun {
 public:
  explicit OrderedRun(std::size_t count) : count_(count) {}

  /// Calls work(worker, index), which returns a Row, on any thread, and sink(index, row) in the order of the indices on
  /// the calling thread. See OrderedStream.
  template <class Worker, class Work, class Sink>
  void start(std::vector<Worker>& workers, const Work& work, const Sink& sink) {
    std::size_t given = 0;
    const auto next = [&] { return given < count_ ? std::optional<std::size_t>(given++) : std::nullopt; };
    const auto work_on = [&](Worker& worker, std::size_t index, std::size_t) { return work(worker, index); };
    OrderedStream<std::size_t, Row>().start(workers, next, work_on, sink);
  }

 private:
  std::size_t count_;
};
