// Turns exceptions of the standard library into errors, where files of strangers decide how much memory is asked for, and
// in threads, whose functions an exception must not leave.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <exception>
#include <new>
#include <string>

TINYFIQA_BEGIN
namespace detail {

/// Calls work(), which returns a Status or a Result. If it throws, the result is an error, whose message begins with
/// `name`: out_of_memory, or unreadable for exceptions that are not about memory.
template <class Work>
auto with_memory_errors([[maybe_unused]] const std::string& name, const Work& work) -> decltype(work()) {
#if defined(__cpp_exceptions)
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status::error(
        Errc::out_of_memory, name,
        "not enough memory; make the file smaller, use fewer threads, or close other programs");
  } catch (const std::exception& problem) {
    return Status::error(Errc::unreadable, name, "unexpected error: ", problem.what(), "; please report it");
  }
#else
  return work();
#endif
}

}  // namespace detail
TINYFIQA_END
