// A team of threads that share the work of one network (base/team.hpp). The parts of a step take
// microseconds, so a waiting thread spins at first. But threads that only spin make a program tens of times
// slower as soon as another program wants their core. Therefore:
//   - Helpers spin for 0.1 ms, then sleep until there is work.
//   - Each thread begins with its own share of the parts, whose data is in its cache since the step before,
//     and continues with the shares of others. The caller never waits for a helper that has not started: it
//     does the helper's parts.
//   - A caller that waits for a part which another thread has begun yields its core after a while.
//   - A helper that runs on the caller's processor moves to another one (threads/processor.hpp).
//
// The constructor starts threads and allocates; a call of the team does neither. Tasks must not throw.
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/base/team.hpp>
#include <tinyfiqa/threads/processor.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Threads are joined in the destructor, which must not run during a call of the team.
class ThreadTeam {
 public:
  /// `threads` includes the caller, so threads - 1 are started, or fewer if the system refuses. Less than 1 means 1.
  explicit ThreadTeam(int threads)
      : threads_(threads < 1 ? 1 : threads), shares_(new Share[static_cast<std::size_t>(threads_)]) {
    helpers_.reserve(static_cast<std::size_t>(threads_));
    for (int slot = 1; slot < threads_; ++slot) {
      std::thread helper = try_thread([this, slot] { help(slot); });
      if (!helper.joinable()) {
        threads_ = slot;
        break;
      }
      detail::move_away(helper);
      helpers_.push_back(std::move(helper));
    }
  }
  ~ThreadTeam() {
    stop_.store(true);
    epoch_.fetch_add(1);
    wake();
    for (std::thread& t : helpers_) t.join();
  }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// A handle for kernels. One thread at a time may call it. Valid as long as this object.
  Team team() {
    Team t;
    t.threads = threads_;
    t.run = run_team;
    t.self = this;
    return t;
  }

 private:
  /// The share of one thread: parts next .. end - 1 that nobody has begun. They are in one word with the
  /// number of the call (epoch, 32 bits; next, 16; end, 16), so that a late thread can't take a part of
  /// another call.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> word{0};
  };
  static constexpr int most_parts = 0xffff;
  static std::uint64_t pack(std::uint32_t epoch, int next, int end) {
    return std::uint64_t{epoch} << 32u | static_cast<std::uint64_t>(next) << 16u |
           static_cast<std::uint64_t>(end);
  }

  static void run_team(void* self, int parts, Team::Task task, const void* context) {
    static_cast<ThreadTeam*>(self)->run(parts, task, context);
  }

  void run(int parts, Team::Task task, const void* context) {
    if (threads_ == 1 || parts == 1 || parts > most_parts) {
      for (int part = 0; part < parts; ++part) task(context, part, 0);
      return;
    }
    task_.store(task, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    left_.store(parts, std::memory_order_relaxed);
    float_control_.store(detail::float_control(), std::memory_order_relaxed);
    caller_processor_.store(detail::current_processor(), std::memory_order_relaxed);
    const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
    for (int slot = 0; slot < threads_; ++slot)
      share(slot).store(pack(epoch, parts * slot / threads_, parts * (slot + 1) / threads_),
                        std::memory_order_release);
    epoch_.store(epoch);  // sequentially consistent with sleepers_, so that no helper misses it and sleeps
    if (sleepers_.load() > 0) wake();
    work(0);
    for (int spins = 0; left_.load(std::memory_order_acquire) > 0; ++spins)
      if (spins < 1000)
        pause();
      else
        std::this_thread::yield();
  }

  /// Does parts until all have been begun: the thread's own share first, then the others'.
  void work(int slot) {
    std::uint64_t control = detail::float_control();
    for (int i = 0; i < threads_; ++i) {
      std::atomic<std::uint64_t>& word = share((slot + i) % threads_);
      std::uint64_t seen = word.load(std::memory_order_acquire);
      for (;;) {
        const int next = static_cast<int>(seen >> 16u & 0xffffu), end = static_cast<int>(seen & 0xffffu);
        if (next >= end) break;
        const Team::Task task = task_.load(std::memory_order_relaxed);
        const void* const context = context_.load(std::memory_order_relaxed);
        const std::uint64_t wanted = float_control_.load(std::memory_order_relaxed);
        if (!word.compare_exchange_weak(seen, seen + (1u << 16u), std::memory_order_acq_rel,
                                        std::memory_order_acquire))
          continue;
        // Each thread computes with the caller's float control, so that results have the same bits. It may
        // differ from that of the last part, which may have been of an earlier call.
        if (wanted != control) detail::set_float_control(control = wanted);
        task(context, next, slot);
        left_.fetch_sub(1, std::memory_order_release);
        seen = word.load(std::memory_order_acquire);
      }
    }
  }

  void help(int slot) {
    std::uint32_t seen = 0;
    bool may_move = true;
    while (!stop_.load()) {
      if (!spin(seen)) sleep(seen);
      seen = epoch_.load();
      const int caller = caller_processor_.load(std::memory_order_relaxed);
      if (may_move && caller >= 0 && detail::current_processor() == caller)
        may_move = detail::leave_processor(caller);
      work(slot);
    }
  }

  /// Waits for a new call, at most 0.1 ms. True if there is one.
  bool spin(std::uint32_t seen) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
    do {
      for (int i = 0; i < 64; ++i) {
        if (epoch_.load(std::memory_order_relaxed) != seen) return true;
        pause();
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }
  void sleep(std::uint32_t seen) {
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    awake_.wait(lock, [&] { return epoch_.load() != seen; });
  }
  void wake() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      sleepers_.store(0);
    }
    awake_.notify_all();
  }

  static void pause() {
#if defined(TINYFIQA_X86) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(TINYFIQA_ARM64) && defined(__GNUC__)
    asm volatile("yield");
#endif
  }

  std::atomic<std::uint64_t>& share(int slot) { return shares_[static_cast<std::size_t>(slot)].word; }

  int threads_;
  std::unique_ptr<Share[]> shares_;
  std::atomic<Team::Task> task_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<int> caller_processor_{-1};
  std::atomic<std::uint64_t> float_control_{detail::float_control()};
  alignas(64) std::atomic<int> left_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable awake_;
  std::vector<std::thread> helpers_;
};

TINYFIQA_END
