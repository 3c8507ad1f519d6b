// The training backend that a program uses if it names none.
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/base/config.hpp>

#ifndef TINYFIQA_COMPILED_ELSEWHERE
#include <tinyfiqa/autograd/training_table.hpp>
#endif

TINYFIQA_BEGIN
/// The backend that trains, for the instruction set of this translation unit's compiler flags. Its
/// `inference` is native_backend(). As there, TINYFIQA_COMPILED_ELSEWHERE only declares it.
#ifdef TINYFIQA_COMPILED_ELSEWHERE
const TrainingBackend& native_training_backend();
#else
inline const TrainingBackend& native_training_backend() { return kernels::training_backend; }
#endif
TINYFIQA_END
