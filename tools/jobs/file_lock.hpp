// Locks that keep two runs from writing the same output.
#pragma once

#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

/// Locks an open file or folder until it is closed. False if another program keeps it locked for a second: one that was
/// just killed needs a moment to end. Some network file systems have no locks: there, this is true.
inline bool lock_file(int descriptor) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}
