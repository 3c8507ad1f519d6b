// Runs a test on every backend that this machine can run.
#pragma once

#include <doctest/doctest.h>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <string>

/// For tests of levels: all of them.
template <class Body>
void for_each_backend_of_levels(const Body& body) {
  int count = 0;
  for (const tinyfiqa::Backend* backend : tinyfiqa::compiled_backends()) {
    if (!tinyfiqa::cpu_can_run(backend->isa)) continue;
    const std::string isa = backend->isa;
    INFO("isa " << isa);
    body(*backend);
    ++count;
  }
  CHECK(count >= 1);
}

/// For tests of floats: without those whose kernels for floats are another one's.
template <class Body>
void for_each_backend(const Body& body) {
  for_each_backend_of_levels([&](const tinyfiqa::Backend& backend) {
    if (backend.base == nullptr) body(backend);
  });
}
