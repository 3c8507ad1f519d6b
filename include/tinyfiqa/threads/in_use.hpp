// Finds objects that two threads use at the same time, although they are for one at a time.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#ifndef TINYFIQA_NO_THREADS
#include <atomic>
#endif

TINYFIQA_BEGIN

/// A member of an object that only one thread at a time may use.
///   const InUse::Guard guard(in_use_);
///   if (!guard) return InUse::error("this Scorer");
/// An object that is moved or copied is not in use.
class InUse {
 public:
  InUse() = default;
  InUse(const InUse&) noexcept {}
  InUse& operator=(const InUse&) noexcept { return *this; }

  /// True if no other thread was inside; then none can enter while the guard lives.
  class Guard {
   public:
    explicit Guard(InUse& object) : object_(object.enter() ? &object : nullptr) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      if (object_ != nullptr) object_->leave();
    }
    explicit operator bool() const { return object_ != nullptr; }

   private:
    InUse* object_;
  };

  /// `what`: such as "this Scorer".
  static Status error(const char* what) {
    return Status::error(Errc::in_use, what,
                         " is in use by another thread; make one for each thread (they can "
                         "share the model)");
  }

 private:
#ifdef TINYFIQA_NO_THREADS
  bool enter() {
    const bool before = used_;
    used_ = true;
    return !before;
  }
  void leave() { used_ = false; }
  bool used_ = false;
#else
  bool enter() { return used_.exchange(1, std::memory_order_acquire) == 0; }
  void leave() { used_.store(0, std::memory_order_release); }
  std::atomic<int> used_{0};  // RISC-V exchanges words; for bytes it needs a library
#endif
};

TINYFIQA_END
