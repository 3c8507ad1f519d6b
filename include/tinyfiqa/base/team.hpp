// The interface through which kernels use threads. threads/thread_team.hpp implements it; a program with a
// thread pool of its own can implement it too.
#pragma once

#include <tinyfiqa/base/config.hpp>

TINYFIQA_BEGIN

/// A handle on a group of threads. The default is the calling thread alone.
struct Team {
  /// `slot` is in 0 .. threads - 1, and two calls that run at the same time never have the same one.
  using Task = void (*)(const void* context, int part, int slot);

#ifdef TINYFIQA_SMALL  // constants, so that compilers leave the code for several threads out
  static constexpr int threads = 1;
  static constexpr void (*run)(void* self, int parts, Task task, const void* context) = nullptr;
  static constexpr void* self = nullptr;
#else
  int threads = 1;
  /// Calls task(context, part, slot) once for each part 0 .. parts - 1, in any order, on at most `threads`
  /// threads including the caller, and returns when all are done. Null: the caller runs them itself.
  void (*run)(void* self, int parts, Task task, const void* context) = nullptr;
  void* self = nullptr;
#endif
};

TINYFIQA_END
