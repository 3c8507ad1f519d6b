// Threads on systems that may refuse to start them, and work in them that may run out of memory: neither must end a
// program.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <exception>
#include <new>
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

/// Calls work(), which returns a Status, and turns an exception of the standard library into an error: an exception that
/// leaves a thread's function ends the program. Errors: out_of_memory; unreadable for others; those of work().
template <class Work>
Status caught(const Work& work) {
#if defined(__cpp_exceptions)
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status::error(Errc::out_of_memory, "out of memory; close other programs, or use fewer threads");
  } catch (const std::exception& problem) {
    return Status::error(Errc::unreadable, "unexpected error: ", problem.what());
  }
#else
  return work();
#endif
}

TINYFIQA_END
