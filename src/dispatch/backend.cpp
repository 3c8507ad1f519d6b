// Compiled once for each instruction set, with its flags. Nothing but kernels may be compiled here: a test
// looks through the object for any other function.
#include <tinyfiqa/autograd/training_backend.hpp>

TINYFIQA_BEGIN
#define TINYFIQA_JOIN_(a, b) a##b
#define TINYFIQA_JOIN(a, b) TINYFIQA_JOIN_(a, b)
extern const TrainingBackend* const TINYFIQA_JOIN(training_backend_, TINYFIQA_ISA);
const TrainingBackend* const TINYFIQA_JOIN(training_backend_, TINYFIQA_ISA) = &kernels::training_backend;
TINYFIQA_END
