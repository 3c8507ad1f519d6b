// Ctrl-C and the termination signal ask a training to stop after the running step.
#pragma once

#include <csignal>

inline volatile std::sig_atomic_t stop_signal = 0;

/// From now on, these signals only set stop_signal.
inline void catch_stop_signals() {
  const auto on_signal = [](int signal) { stop_signal = signal; };
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}
