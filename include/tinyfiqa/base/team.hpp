// Threads as kernels see them: someone who calls a task for each of its parts. threads/thread_team.hpp has
// such a team; a program with a pool of its own hands in that.
#pragma once

#include <tinyfiqa/base/config.hpp>

TINYFIQA_BEGIN

/// A handle; the default is the caller alone.
struct Team {
  /// `slot` is 0 .. threads - 1, and no two calls that run at once have the same.
  using Task = void (*)(const void* context, int part, int slot);

  int threads = 1;
  /// Calls task(context, part, slot) once for each part 0 .. parts - 1, in any order, on at most `threads`
  /// threads, one of them the caller; returns when all are done. Null: the caller does them itself.
  void (*run)(void* self, int parts, Task task, const void* context) = nullptr;
  void* self = nullptr;
};

TINYFIQA_END
