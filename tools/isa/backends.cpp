#include "backends.hpp"

TINYFIQA_BEGIN

extern const Backend* const backend_avx512;
extern const Backend* const backend_avx2;
extern const Backend* const backend_sse42;
extern const Backend* const backend_neon;
extern const Backend* const backend_scalar;

Span<const Backend* const> compiled_backends() {
  static const Backend* const list[] = {
#ifdef TINYFIQA_HAVE_avx512
      backend_avx512,
#endif
#ifdef TINYFIQA_HAVE_avx2
      backend_avx2,
#endif
#ifdef TINYFIQA_HAVE_sse42
      backend_sse42,
#endif
#ifdef TINYFIQA_HAVE_neon
      backend_neon,
#endif
      backend_scalar};
  return {list, sizeof(list) / sizeof(list[0])};
}

const Backend* choose_backend(const char* isa) {
  for (const Backend* b : compiled_backends()) {
    const bool wanted = detail::same_text(isa, "auto") || detail::same_text(isa, b->isa);
    if (wanted && cpu_can_run(b->isa)) return b;
  }
  return nullptr;
}

const Backend& native_backend() { return *choose_backend("auto"); }

TINYFIQA_END
