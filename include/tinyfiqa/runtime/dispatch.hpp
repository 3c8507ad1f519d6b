// The inference backends of a program with several instruction sets, and the choice among them at run time.
#pragma once

#include <tinyfiqa/base/cpu.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/runtime/step.hpp>

TINYFIQA_BEGIN

/// Every compiled backend, fastest first; the last one is "scalar".
Span<const Backend* const> compiled_backends();

/// The backend named `isa`, or the fastest one for "auto"; null when it is not compiled in or the machine
/// can't run it.
const Backend* choose_backend(const char* isa);

/// The fastest one, in place of that of runtime/backend.hpp.
const Backend& native_backend();

TINYFIQA_END
