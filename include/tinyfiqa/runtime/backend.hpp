// The inference backend that a program uses if it names none.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/runtime/step.hpp>

#ifndef TINYFIQA_COMPILED_ELSEWHERE
#include <tinyfiqa/runtime/backend_table.hpp>
#endif

TINYFIQA_BEGIN
/// The inference backend for the instruction set of this translation unit's compiler flags. (The training backend,
/// which takes longer to compile, is in autograd/training_backend.hpp.) A program of many files can compile the
/// kernels once: it defines TINYFIQA_COMPILED_ELSEWHERE for all files and this function in one of them, which includes
/// runtime/backend_table.hpp. The other files then compile no kernels.
#ifdef TINYFIQA_COMPILED_ELSEWHERE
const Backend& native_backend();
#else
inline const Backend& native_backend() { return kernels::backend; }
#endif

/// The same with only the kernels that these networks need: a program that runs no others compiles faster and is smaller.
///   auto model = make_model(file, my_spec, native_backend_for<MyNet>());
/// Other networks can't be planned with it (PlanError::not_covered). A program whose kernels are compiled elsewhere has
/// all of them.
template <class... Nets>
const Backend& native_backend_for() {
#ifdef TINYFIQA_COMPILED_ELSEWHERE
  return native_backend();
#else
  return kernels::backend_with<kernels_of_networks<Nets...>()>;
#endif
}
TINYFIQA_END
