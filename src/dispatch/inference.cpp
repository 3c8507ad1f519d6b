// Compiled once for each instruction set, with its flags: the kernels that inference uses. Nothing but kernels may be
// compiled here: a test looks through the object for any other function.
#include <tinyfiqa/runtime/backend_table.hpp>

TINYFIQA_BEGIN
#define TINYFIQA_JOIN_(a, b) a##b
#define TINYFIQA_JOIN(a, b) TINYFIQA_JOIN_(a, b)
extern const Backend TINYFIQA_JOIN(inference_backend_, TINYFIQA_ISA);
constexpr Backend TINYFIQA_JOIN(inference_backend_, TINYFIQA_ISA) = kernels::backend;
TINYFIQA_END
