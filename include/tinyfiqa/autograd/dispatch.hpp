// The training backends of a program with several instruction sets (see runtime/dispatch.hpp).
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>

TINYFIQA_BEGIN

/// The training backend named `isa`, or the fastest one for "auto"; null when it is not compiled in or this
/// machine can't run it. Training is in floats: "avx512vnni" is "avx512", "avxvnni" is "avx2".
const TrainingBackend* choose_training_backend(const char* isa);

/// The fastest one, in place of that of autograd/training_backend.hpp.
const TrainingBackend& native_training_backend();

TINYFIQA_END
