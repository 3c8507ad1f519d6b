// Starts threads on systems that may refuse to: a limit on processes or memory must not end a program.
#pragma once

#include <tinyfiqa/base/config.hpp>

#ifdef TINYFIQA_NO_THREADS
#error \
    "tinyfiqa: no threads here (TINYFIQA_NO_THREADS); tinyfiqa.hpp and detection/ do without, this header can't"
#endif

#include <exception>
#include <thread>
#include <utility>

TINYFIQA_BEGIN

/// Runs work() in a new thread. If the system starts no more threads, the result is not joinable and work() was not
/// called. (Without exceptions, such a refusal ends the program.)
template <class Work>
std::thread try_thread(Work work) {
#if defined(__cpp_exceptions)
  try {
    return std::thread(std::move(work));
  } catch (const std::exception&) {  // a limit on threads, or no memory for one
    return std::thread();
  }
#else
  return std::thread(std::move(work));
#endif
}

TINYFIQA_END
