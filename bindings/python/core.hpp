// What the parts of tinyfiqa._core share: errors of the library, and what they become in Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <utility>

#include "tinyfiqa.h"

namespace nb = nanobind;

/// An error of the library. Python's exception is chosen by the code.
struct Failure {
  tinyfiqa_code code;
  std::string message;
};

/// Calls call(error) without the interpreter's lock. Throws Failure.
template <class Call>
void checked(const Call& call) {
  tinyfiqa_error error;
  const nb::gil_scoped_release unlocked;
  if (call(&error) != TINYFIQA_OK) throw Failure{error.code, error.message};
}

void define_scoring(nb::module_& m);
