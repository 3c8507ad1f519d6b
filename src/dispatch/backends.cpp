#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

TINYFIQA_BEGIN

extern const TrainingBackend* const training_backend_avx512;
extern const TrainingBackend* const training_backend_avx2;
extern const TrainingBackend* const training_backend_sse42;
extern const TrainingBackend* const training_backend_neon;
extern const TrainingBackend* const training_backend_scalar;

namespace {

// Fastest first.
const TrainingBackend* const training_backends[] = {
#ifdef TINYFIQA_HAVE_avx512
    training_backend_avx512,
#endif
#ifdef TINYFIQA_HAVE_avx2
    training_backend_avx2,
#endif
#ifdef TINYFIQA_HAVE_sse42
    training_backend_sse42,
#endif
#ifdef TINYFIQA_HAVE_neon
    training_backend_neon,
#endif
    training_backend_scalar};
constexpr std::size_t backend_count = sizeof(training_backends) / sizeof(training_backends[0]);

}  // namespace

Span<const Backend* const> compiled_backends() {
  static const Backend* list[backend_count] = {};
  static const bool filled = [] {
    for (std::size_t i = 0; i < backend_count; ++i) list[i] = training_backends[i]->inference;
    return true;
  }();
  (void)filled;
  return {list, backend_count};
}

const TrainingBackend* choose_training_backend(const char* isa) {
  for (const TrainingBackend* b : training_backends) {
    const char* const name = b->inference->isa;
    const bool wanted = detail::same_text(isa, "auto") || detail::same_text(isa, name);
    if (wanted && cpu_can_run(name)) return b;
  }
  return nullptr;
}

const Backend* choose_backend(const char* isa) {
  const TrainingBackend* const b = choose_training_backend(isa);
  return b == nullptr ? nullptr : b->inference;
}

const Backend& native_backend() { return *choose_backend("auto"); }

TINYFIQA_END
