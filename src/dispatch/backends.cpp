#include <tinyfiqa/runtime/dispatch.hpp>

TINYFIQA_BEGIN

extern const Backend inference_backend_avx512;
extern const Backend inference_backend_avx2;
extern const Backend inference_backend_sse42;
extern const Backend inference_backend_neon;
extern const Backend inference_backend_vector4;
extern const Backend inference_backend_scalar;
extern const DotProductKernels dot_product_kernels_avx512vnni;
extern const DotProductKernels dot_product_kernels_avxvnni;
extern const DotProductKernels dot_product_kernels_neondotprod;

namespace {

/// The backend of an instruction set that adds 8-bit dot products to another one.
[[maybe_unused]] Backend with_dot_products(const DotProductKernels& kernels) {
  Backend b = *kernels.base;
  b.isa = kernels.isa;
  b.conv = kernels.conv;
  b.all = kernels.all;
  b.base = kernels.base;
  return b;
}

}  // namespace

// Fastest first. Not constants of the file: another file's may be made earlier, and ask for a backend.
Span<const Backend* const> compiled_backends() {
#ifdef TINYFIQA_HAVE_avx512vnni
  static const Backend avx512vnni = with_dot_products(dot_product_kernels_avx512vnni);
#endif
#ifdef TINYFIQA_HAVE_avxvnni
  static const Backend avxvnni = with_dot_products(dot_product_kernels_avxvnni);
#endif
#ifdef TINYFIQA_HAVE_neondotprod
  static const Backend neondotprod = with_dot_products(dot_product_kernels_neondotprod);
#endif
  static const Backend* const backends[] = {
#ifdef TINYFIQA_HAVE_avx512vnni
      &avx512vnni,
#endif
#ifdef TINYFIQA_HAVE_avx512
      &inference_backend_avx512,
#endif
#ifdef TINYFIQA_HAVE_avxvnni
      &avxvnni,
#endif
#ifdef TINYFIQA_HAVE_avx2
      &inference_backend_avx2,
#endif
#ifdef TINYFIQA_HAVE_sse42
      &inference_backend_sse42,
#endif
#ifdef TINYFIQA_HAVE_neondotprod
      &neondotprod,
#endif
#ifdef TINYFIQA_HAVE_neon
      &inference_backend_neon,
#endif
#ifdef TINYFIQA_HAVE_vector4
      &inference_backend_vector4,
#endif
      &inference_backend_scalar};
  return {backends, sizeof(backends) / sizeof(backends[0])};
}

const Backend* choose_backend(const char* isa) {
  for (const Backend* b : compiled_backends()) {
    const bool wanted = detail::same_text(isa, "auto") || detail::same_text(isa, b->isa);
    if (wanted && cpu_can_run(b->isa)) return b;
  }
  return nullptr;
}

// Chosen once: asking the processor takes microseconds in a virtual machine.
const Backend& native_backend() {
  static const Backend& best = *choose_backend("auto");
  return best;
}

TINYFIQA_END
