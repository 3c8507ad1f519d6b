// Where a thread runs. Some kernels put a new or woken thread on the processor of the one that it is there to
// help, where it waits for that one to stop, while the rest is idle.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <future>
#include <thread>
#include <utility>

#if defined(__linux__) && !defined(__ANDROID__)
#include <pthread.h>
#include <sched.h>
#endif

TINYFIQA_BEGIN

namespace detail {
#if defined(__linux__) && !defined(__ANDROID__)
/// The processor that this thread runs on.
inline int current_processor() { return sched_getcpu(); }

/// Moves a thread, if it is on that processor, to another of those that this thread may use, and leaves it
/// free to go anywhere again. False when there is none.
inline bool move_from_processor(pthread_t thread, int processor) {
  cpu_set_t allowed, others;
  if (processor < 0 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
  others = allowed;
  CPU_CLR(static_cast<std::size_t>(processor), &others);
  if (CPU_COUNT(&others) == 0 || pthread_setaffinity_np(thread, sizeof(others), &others) != 0) return false;
  return pthread_setaffinity_np(thread, sizeof(allowed), &allowed) == 0;
}
inline bool leave_processor(int processor) { return move_from_processor(pthread_self(), processor); }
/// A thread that waits for its caller's processor can't move itself.
inline void move_away(std::thread& thread) {
  move_from_processor(thread.native_handle(), current_processor());
}
#else
inline int current_processor() { return -1; }
inline bool leave_processor(int) { return false; }
inline void move_away(std::thread&) {}
#endif
}  // namespace detail

/// What a thread of its own works out meanwhile.
template <class T>
class Aside {
 public:
  Aside() = default;  // nothing
  template <class Work>
  explicit Aside(Work work) {
    std::packaged_task<T()> task(std::move(work));
    result_ = task.get_future();
    thread_ = std::thread(std::move(task));
    detail::move_away(thread_);
  }
  Aside(Aside&&) = default;
  Aside& operator=(Aside&&) = delete;
  ~Aside() {
    if (thread_.joinable()) thread_.join();
  }

  /// Whether there is a result to get.
  bool valid() const { return result_.valid(); }
  /// Waits. Once. Throws what the work threw.
  T get() { return result_.get(); }

 private:
  std::future<T> result_;
  std::thread thread_;
};

TINYFIQA_END
