// Seconds of a monotonic clock.
#pragma once

#include <chrono>

inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
