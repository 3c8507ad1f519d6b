// Every allocation is made to fail in turn: loading, scoring, detection and one training step then give an error or
// std::bad_alloc, and what was there before still works.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/default_model.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include <tinyfiqa/training.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

namespace {

/// The number of allocations that still succeed; negative: all do.
std::atomic<long> left{-1};

void* allocate(std::size_t size) {
  long now = left.load(std::memory_order_relaxed);
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  return now == 0 ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* allocate_or_throw(std::size_t size) {
  void* const block = allocate(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// All of the program's C++ allocations come here.
void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }

using namespace tinyfiqa;

namespace {

struct Outcome {
  long failed = 0, thrown = 0, done = 0;
};

/// Calls work(), which returns true on success, with its allocation number 0, step, 2 * step, ... failing, until it
/// succeeds without reaching that number. Work that succeeds although an allocation failed counts as well.
template <class Work>
Outcome fail_each(long step, const Work& work) {
  Outcome outcome;
  for (long at = 0;; at += step) {
    left = at;
    bool good = false, threw = false;
    try {
      good = work();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    const bool reached = left.exchange(-1) == 0;
    outcome.thrown += threw;
    outcome.failed += !good && !threw;
    outcome.done += good;
    if (!reached && good) return outcome;
    REQUIRE_MESSAGE(at < 2000000, "the work never succeeds");
  }
}

const std::string face = TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg";

}  // namespace

TEST_CASE("loading weights, with every allocation failing in turn") {
  const std::string path = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";
  const Outcome outcome = fail_each(1, [&] { return load_model(path, "", native_backend(), Use::run).ok(); });
  CHECK(outcome.failed + outcome.thrown > 100);
}

TEST_CASE("making a scorer and scoring a file, with every allocation failing in turn") {
  auto loaded = default_model(native_backend());
  REQUIRE(loaded.ok());
  const auto model = std::make_shared<const Model>(std::move(*loaded));
  auto before = Scorer::create({model});
  REQUIRE(before.ok());
  const auto right = before->score(face);
  REQUIRE(right.ok());
  const Outcome made = fail_each(1, [&] { return Scorer::create({model}).ok(); });
  CHECK(made.failed + made.thrown > 3);
  const Outcome scored = fail_each(1, [&] {
    const auto score = before->score(face);
    if (score.ok()) CHECK(score->value == right->value);
    return score.ok();
  });
  CHECK(scored.failed + scored.thrown > 3);
  const auto after = before->score(face);
  REQUIRE(after.ok());
  CHECK(after->value == right->value);
}

TEST_CASE("finding and scoring the face of a photo, with every allocation failing in turn") {
  auto scorer = default_scorer();
  REQUIRE(scorer.ok());
  const auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/photos/astronaut.jpg");
  REQUIRE(photo.ok());
  const auto right = scorer->score(*photo);
  REQUIRE(right.ok());
  const Outcome outcome = fail_each(1, [&] {
    const auto score = scorer->score(*photo);
    if (score.ok()) CHECK(score->value == right->value);
    return score.ok();
  });
  CHECK(outcome.failed + outcome.thrown > 0);
  const auto after = scorer->score(*photo);
  REQUIRE(after.ok());
  CHECK(after->value == right->value);
}

TEST_CASE("one training step, with allocations failing all over it") {
  const auto data = read_dataset(TINYFIQA_SOURCE_DIR "/examples/faces/labels.csv");
  REQUIRE(data.ok());
  const auto train = [&]() -> bool {
    auto split = split_dataset(*data, {0.5, false, 1});
    if (!split) return false;
    TrainOptions options;
    options.epochs = 1;
    options.batch = 4;
    options.loss = LossKind::mse;
    options.threads = 2;
    auto trainer = Trainer::create(*find_model("tinyfqnet"), native_training_backend(), *data,
                                   std::move(*split), options);
    if (!trainer) return false;
    const auto more = [](std::size_t, std::size_t) { return true; };
    return trainer->run_epoch(more).ok();
  };
  const Outcome outcome = fail_each(7, train);
  CHECK(outcome.failed + outcome.thrown > 10);
  CHECK(outcome.done >= 1);
}
