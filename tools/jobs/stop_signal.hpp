// Ctrl-C and the termination signal ask long work to stop at the next good place.
#pragma once

#include <signal.h>

inline volatile sig_atomic_t stop_signal = 0;

/// From now on, the first of these signals only sets stop_signal, and ends a read that waits (EINTR). The second one
/// ends the program.
inline void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { stop_signal = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}
