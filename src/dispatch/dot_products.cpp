// Compiled for each instruction set that adds 8-bit dot products to another one (TINYFIQA_BASE_ISA), with its flags:
// convolutions of levels. Nothing but kernels may be compiled here: a test looks through the object for any other function.
#include <tinyfiqa/runtime/quantised_kernels.hpp>

#define TINYFIQA_JOIN_(a, b) a##b
#define TINYFIQA_JOIN(a, b) TINYFIQA_JOIN_(a, b)

TINYFIQA_BEGIN
extern const Backend TINYFIQA_JOIN(inference_backend_, TINYFIQA_BASE_ISA);
extern const DotProductKernels TINYFIQA_JOIN(dot_product_kernels_, TINYFIQA_ISA);
TINYFIQA_END

TINYFIQA_ISA_BEGIN(kernels)
inline constexpr const Kernel* dot_product_kernels[] = {
    &gemm_i8_kernel<DType::u8>,         &gemm_i8_kernel<DType::f32>,
    &conv_i8_kernel<DType::u8>,         &conv_i8_kernel<DType::f32>,
    &depthwise_i8_kernel<1, DType::u8>, &depthwise_i8_kernel<3, DType::u8>,
    &depthwise_i8_kernel<5, DType::u8>, &depthwise_i8_kernel<7, DType::u8>};

inline const Kernel* choose_conv_or_base(const ConvShape& c) {
  return c.in == DType::u8 ? choose_level_conv<KernelSet::all>(c)
                           : TINYFIQA_JOIN(inference_backend_, TINYFIQA_BASE_ISA).conv(c);
}
TINYFIQA_ISA_END

TINYFIQA_BEGIN
constexpr DotProductKernels TINYFIQA_JOIN(dot_product_kernels_, TINYFIQA_ISA) = {
    TINYFIQA_ISA_NAME,
    &TINYFIQA_JOIN(inference_backend_, TINYFIQA_BASE_ISA),
    kernels::choose_conv_or_base,
    {kernels::dot_product_kernels,
     sizeof(kernels::dot_product_kernels) / sizeof(kernels::dot_product_kernels[0])}};
TINYFIQA_END
