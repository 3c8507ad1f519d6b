// Turns exceptions of the standard library into errors, so that one picture can't end a run.
#pragma once

#include <tinyfiqa/threads/start.hpp>

#include <optional>
#include <utility>

/// Returns work(). If that throws, returns fail(Status) instead.
template <class Work, class Fail>
auto guarded(const Work& work, const Fail& fail) -> decltype(work()) {
  std::optional<decltype(work())> result;
  const tinyfiqa::Status status = tinyfiqa::caught([&] {
    result.emplace(work());
    return tinyfiqa::Status();
  });
  return status.ok() ? std::move(*result) : fail(status);
}
