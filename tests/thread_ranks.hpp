// A transport between threads of one program, for tests of training in several processes.
#pragma once

#include <tinyfiqa/base/communicator.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

/// What the ranks share: they meet, and look at each other's arrays.
class ThreadMeeting {
 public:
  explicit ThreadMeeting(int size) : arrays_(static_cast<std::size_t>(size)) {}

  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const long long round = round_;
    if (++waiting_ == static_cast<int>(arrays_.size())) {
      waiting_ = 0;
      ++round_;
      all_here_.notify_all();
    }
    all_here_.wait(lock, [&] { return round_ != round; });
  }
  std::vector<const void*>& arrays() { return arrays_; }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  int waiting_ = 0;
  long long round_ = 0;
  std::vector<const void*> arrays_;
};

class ThreadRank final : public tinyfiqa::Communicator {
 public:
  ThreadRank(ThreadMeeting& meeting, int rank) : meeting_(&meeting), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(meeting_->arrays().size()); }
  void sum(tinyfiqa::Span<float> values) override { sum_all(values); }
  void sum(tinyfiqa::Span<double> values) override { sum_all(values); }
  void broadcast(tinyfiqa::Span<unsigned char> bytes) override {
    share(bytes.data);
    if (rank_ > 0)
      std::copy_n(static_cast<const unsigned char*>(meeting_->arrays()[0]), bytes.size, bytes.begin());
    meeting_->wait();
  }
  void barrier() override { meeting_->wait(); }

  long long sums() const { return sums_; }

 private:
  void share(const void* array) {
    meeting_->arrays()[static_cast<std::size_t>(rank_)] = array;
    meeting_->wait();
  }
  template <class T>
  void sum_all(tinyfiqa::Span<T> values) {
    ++sums_;
    share(values.data);
    std::vector<T> sum(values.size);
    for (std::size_t i = 0; i < values.size; ++i) {
      sum[i] = static_cast<const T*>(meeting_->arrays()[0])[i];
      for (std::size_t r = 1; r < meeting_->arrays().size(); ++r)
        sum[i] += static_cast<const T*>(meeting_->arrays()[r])[i];
    }
    meeting_->wait();
    std::copy(sum.begin(), sum.end(), values.begin());
    meeting_->wait();
  }

  ThreadMeeting* meeting_;
  int rank_;
  long long sums_ = 0;
};

/// Calls body(ranks, background) in `size` threads, each of which is a rank. `body` must not throw.
template <class Body>
void run_ranks(int size, const Body& body) {
  ThreadMeeting meeting(size), background(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadRank front(meeting, rank), back(background, rank);
      body(front, back);
    });
  for (std::thread& t : threads) t.join();
}
