// Turns exceptions of the standard library into rows with errors, so that one picture can't end a run.
#pragma once

#include <tinyfiqa/formats/memory_errors.hpp>

#include <optional>
#include <string>
#include <utility>

/// Returns work(). If that throws, returns fail(Status) instead, with a message that begins with the path.
template <class Work, class Fail>
auto guarded(const std::string& path, const Work& work, const Fail& fail) -> decltype(work()) {
  std::optional<decltype(work())> result;
  const tinyfiqa::Status status = tinyfiqa::detail::with_memory_errors(path + ": ", [&] {
    result.emplace(work());
    return tinyfiqa::Status();
  });
  return status.ok() ? std::move(*result) : fail(status);
}
