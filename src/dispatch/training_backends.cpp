#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

TINYFIQA_BEGIN

extern const TrainingBackend training_backend_avx512;
extern const TrainingBackend training_backend_avx2;
extern const TrainingBackend training_backend_sse42;
extern const TrainingBackend training_backend_neon;
extern const TrainingBackend training_backend_vector4;
extern const TrainingBackend training_backend_scalar;

namespace {

constexpr const TrainingBackend* backends[] = {
#ifdef TINYFIQA_HAVE_avx512
    &training_backend_avx512,
#endif
#ifdef TINYFIQA_HAVE_avx2
    &training_backend_avx2,
#endif
#ifdef TINYFIQA_HAVE_sse42
    &training_backend_sse42,
#endif
#ifdef TINYFIQA_HAVE_neon
    &training_backend_neon,
#endif
#ifdef TINYFIQA_HAVE_vector4
    &training_backend_vector4,
#endif
    &training_backend_scalar};

}  // namespace

const TrainingBackend* choose_training_backend(const char* isa) {
  const Backend* inference = choose_backend(isa);
  if (inference != nullptr && inference->base != nullptr)
    inference = inference->base;  // training is in floats
  for (const TrainingBackend* b : backends)
    if (b->inference == inference) return b;
  return nullptr;
}

const TrainingBackend& native_training_backend() { return *choose_training_backend("auto"); }

TINYFIQA_END
