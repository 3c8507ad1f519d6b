#include <tinyfiqa/runtime/dispatch.hpp>

TINYFIQA_BEGIN

extern const Backend inference_backend_avx512;
extern const Backend inference_backend_avx2;
extern const Backend inference_backend_sse42;
extern const Backend inference_backend_neon;
extern const Backend inference_backend_vector4;
extern const Backend inference_backend_scalar;

namespace {

// Fastest first.
constexpr const Backend* backends[] = {
#ifdef TINYFIQA_HAVE_avx512
    &inference_backend_avx512,
#endif
#ifdef TINYFIQA_HAVE_avx2
    &inference_backend_avx2,
#endif
#ifdef TINYFIQA_HAVE_sse42
    &inference_backend_sse42,
#endif
#ifdef TINYFIQA_HAVE_neon
    &inference_backend_neon,
#endif
#ifdef TINYFIQA_HAVE_vector4
    &inference_backend_vector4,
#endif
    &inference_backend_scalar};

}  // namespace

Span<const Backend* const> compiled_backends() { return {backends, sizeof(backends) / sizeof(backends[0])}; }

const Backend* choose_backend(const char* isa) {
  for (const Backend* b : backends) {
    const bool wanted = detail::same_text(isa, "auto") || detail::same_text(isa, b->isa);
    if (wanted && cpu_can_run(b->isa)) return b;
  }
  return nullptr;
}

const Backend& native_backend() { return *choose_backend("auto"); }

TINYFIQA_END
