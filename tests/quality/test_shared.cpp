// What several threads may share: one model, never one scorer at the same time.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/default_model.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr int thread_count = 8, rounds = 40;
constexpr const char* names[] = {"astronaut", "astronaut_blur", "astronaut_dark", "astronaut_jpeg"};

struct Faces {
  std::shared_ptr<const Model> model;
  std::vector<Image> images;
  std::vector<float> scores;

  Faces() {
    auto loaded = default_model(native_backend());
    REQUIRE_MESSAGE(loaded.ok(), loaded.status().message());
    model = std::make_shared<const Model>(std::move(*loaded));
    Scorer scorer = own_scorer();
    for (const char* name : names) {
      auto image = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/" + std::string(name) + ".jpg");
      REQUIRE_MESSAGE(image.ok(), image.status().message());
      const auto score = scorer.score(*image);
      REQUIRE_MESSAGE(score.ok(), score.status().message());
      images.push_back(std::move(*image));
      scores.push_back(score->value);
    }
  }
  Scorer own_scorer() const {
    auto scorer = Scorer::create({model});
    REQUIRE_MESSAGE(scorer.ok(), scorer.status().message());
    return std::move(*scorer);
  }
};

/// What 8 threads got: score_of(thread, image) for all images, many times.
struct Counts {
  std::atomic<int> right{0}, wrong{0}, refused{0}, other{0};
};

template <class ScoreOf>
void score_in_threads(const Faces& faces, Counts& counts, const ScoreOf& score_of) {
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < rounds * faces.images.size(); ++i) {
        const std::size_t at = (i + static_cast<std::size_t>(t)) % faces.images.size();
        const auto score = score_of(t, faces.images[at]);
        if (!score.ok())
          ++(score.status().code() == Errc::in_use ? counts.refused : counts.other);
        else
          ++(std::memcmp(&score->value, &faces.scores[at], sizeof(float)) == 0 ? counts.right : counts.wrong);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("threads with scorers of their own on one model get the scores of one thread") {
  const Faces faces;
  std::vector<Scorer> scorers;
  for (int t = 0; t < thread_count; ++t) scorers.push_back(faces.own_scorer());
  Counts counts;
  score_in_threads(faces, counts, [&](int t, const Image& image) {
    return scorers[static_cast<std::size_t>(t)].score(image);
  });
  CHECK(counts.right == thread_count * rounds * static_cast<int>(faces.images.size()));
}

TEST_CASE("threads that share a scorer get right scores or the error in_use, never a wrong score") {
  const Faces faces;
  Scorer shared = faces.own_scorer();
  Counts counts;
  score_in_threads(faces, counts, [&](int, const Image& image) { return shared.score(image); });
  CHECK(counts.wrong == 0);
  CHECK(counts.other == 0);
  CHECK(counts.right > 0);
  CHECK(std::string(InUse::error("this Scorer").message()).find("make one for each thread") !=
        std::string::npos);
  // After the others are gone, it works again.
  const auto again = shared.score(faces.images[0]);
  REQUIRE_MESSAGE(again.ok(), again.status().message());
  CHECK(again->value == faces.scores[0]);
}

TEST_CASE("threads that share a scorer of photos get right scores or the error in_use") {
  auto scorer = default_scorer();
  REQUIRE_MESSAGE(scorer.ok(), scorer.status().message());
  const auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/photos/astronaut.jpg");
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  const auto alone = scorer->score(*photo);
  REQUIRE_MESSAGE(alone.ok(), alone.status().message());
  std::atomic<int> right{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        const auto score = scorer->score(*photo);
        if (score.ok())
          ++(score->value == alone->value ? right : wrong);
        else
          wrong += score.status().code() != Errc::in_use;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right > 0);
  CHECK(wrong == 0);
}

TEST_CASE("one guard at a time is inside an object, and an object that was moved is free") {
  InUse flag;
  const InUse::Guard first(flag);
  CHECK(first);
  const InUse::Guard second(flag);
  CHECK_FALSE(second);
  InUse moved(std::move(flag));
  const InUse::Guard third(moved);
  CHECK(third);
}
