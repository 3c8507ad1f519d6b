// Moves threads between processors. Some operating system kernels start or wake a thread on the processor of
// the thread that started it. It waits there until that one stops, while other processors are idle. On
// systems other than Linux these functions do nothing.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <future>
#include <memory>
#include <thread>
#include <utility>

#if defined(__linux__) && !defined(__ANDROID__)
#include <pthread.h>
#include <sched.h>
#endif

TINYFIQA_BEGIN

namespace detail {
#if defined(__linux__) && !defined(__ANDROID__)
/// The number of the processor that this thread runs on; negative if it is unknown.
inline int current_processor() { return sched_getcpu(); }

/// Moves a thread off `processor`, to another one that the calling thread may use. Afterwards the thread may
/// run on any of these again. False if there is no other, or the system refuses.
inline bool move_from_processor(pthread_t thread, int processor) {
  cpu_set_t allowed, others;
  if (processor < 0 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
  others = allowed;
  CPU_CLR(static_cast<std::size_t>(processor), &others);
  if (CPU_COUNT(&others) == 0 || pthread_setaffinity_np(thread, sizeof(others), &others) != 0) return false;
  return pthread_setaffinity_np(thread, sizeof(allowed), &allowed) == 0;
}
/// The same for the calling thread.
inline bool leave_processor(int processor) { return move_from_processor(pthread_self(), processor); }
/// Moves a new thread off the calling thread's processor. It could not do that itself: it may not run yet.
inline void move_away(std::thread& thread) {
  move_from_processor(thread.native_handle(), current_processor());
}
#else
inline int current_processor() { return -1; }
inline bool leave_processor(int) { return false; }
inline void move_away(std::thread&) {}
#endif
}  // namespace detail

/// Computes one value in a thread of its own, as std::async does, but on another processor than its caller.
template <class T>
class Aside {
 public:
  Aside() = default;  ///< no work, no result
  /// Starts work(), which returns T. Does it at once if no thread can be started. Allocates.
  template <class Work>
  explicit Aside(Work work) {
    const auto task = std::make_shared<std::packaged_task<T()>>(std::move(work));
    result_ = task->get_future();
    thread_ = try_thread([task] { (*task)(); });
    if (thread_.joinable())
      detail::move_away(thread_);
    else
      (*task)();
  }
  Aside(Aside&&) = default;
  Aside& operator=(Aside&&) = delete;
  /// Waits for the work to end.
  ~Aside() {
    if (thread_.joinable()) thread_.join();
  }

  /// True if get() may be called.
  bool valid() const { return result_.valid(); }
  /// Waits for the result and returns it. To be called once. Throws what the work threw.
  T get() { return result_.get(); }

 private:
  std::future<T> result_;
  std::thread thread_;
};

TINYFIQA_END
