// Compiled once for each instruction set, with its flags: the kernels that only training uses. Nothing but kernels may
// be compiled here: a test looks through the object for any other function.
#include <tinyfiqa/autograd/training_table.hpp>

TINYFIQA_BEGIN
#define TINYFIQA_JOIN_(a, b) a##b
#define TINYFIQA_JOIN(a, b) TINYFIQA_JOIN_(a, b)
extern const Backend TINYFIQA_JOIN(inference_backend_, TINYFIQA_ISA);
extern const TrainingBackend TINYFIQA_JOIN(training_backend_, TINYFIQA_ISA);
// Names inference.cpp's table instead of kernels::backend, so that the inference kernels are not compiled again.
constexpr TrainingBackend TINYFIQA_JOIN(training_backend_, TINYFIQA_ISA) = {
    &TINYFIQA_JOIN(inference_backend_, TINYFIQA_ISA), &kernels::training, kernels::adam};
TINYFIQA_END
