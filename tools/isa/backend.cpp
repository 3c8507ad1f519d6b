// Compiled once for each instruction set, with its flags; see cmake/IsaBackends.cmake. Nothing but kernels
// may be compiled here: a test looks through the object for any other function.
#include <tinyfiqa/graph/training_backend.hpp>

TINYFIQA_BEGIN
#define TINYFIQA_JOIN_(a, b) a##b
#define TINYFIQA_JOIN(a, b) TINYFIQA_JOIN_(a, b)
extern const Backend* const TINYFIQA_JOIN(backend_, TINYFIQA_ISA);
const Backend* const TINYFIQA_JOIN(backend_, TINYFIQA_ISA) = &kernels::training_backend;
TINYFIQA_END
