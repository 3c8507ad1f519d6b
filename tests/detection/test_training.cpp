// Training a detector by another: the loss, composed images, repeatability.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/training/checkpoint.hpp>

#include <doctest/doctest.h>

#include "detection/detector_fixtures.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

/// A photo of stripes and blobs, different for each seed.
TrainingPhoto synthetic_photo(std::uint64_t seed, bool faceless = false) {
  Image image(90 + static_cast<int>(seed % 40), 80);
  Rng rng(seed);
  const float fx = rng.uniform(0.05f, 0.3f), fy = rng.uniform(0.05f, 0.3f);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixel(x, y)[c] = static_cast<unsigned char>(
            127 + 100 * std::sin(fx * static_cast<float>(x + 7 * c)) * std::cos(fy * static_cast<float>(y)));
  return {std::move(image), faceless};
}
std::vector<TrainingPhoto> synthetic_photos(std::uint64_t first, int count) {
  std::vector<TrainingPhoto> photos;
  for (int i = 0; i < count; ++i)
    photos.push_back(synthetic_photo(first + static_cast<std::uint64_t>(i), i == 0));
  return photos;
}

DetectorTrainer make_trainer(std::uint64_t seed = 3) {
  Model teacher(*find_model("yunet_n"));
  fill_detector(teacher);
  DetectorTrainOptions o;
  o.epochs = 3;
  o.images = 8;
  o.batch = 4;
  o.side = 64;
  o.seed = seed;
  o.warm_up = 0;
  auto trainer = DetectorTrainer::create(*find_model("yunet_s"), *choose_training_backend("auto"),
                                         std::make_shared<const Model>(std::move(teacher)),
                                         synthetic_photos(1, 6), synthetic_photos(50, 2), o);
  REQUIRE_MESSAGE(trainer.ok(), trainer.status().message());
  return std::move(*trainer);
}

std::vector<float> weights_of(DetectorTrainer& t) { return {t.block().begin(), t.block().end()}; }

}  // namespace

TEST_CASE("the gradient of a cell's loss is its central difference, in double") {
  Rng rng(5);
  const DetectorLossOptions options;
  for (int round = 0; round < 40; ++round) {
    double student[YuNetChannels::count], teacher[YuNetChannels::count], d[YuNetChannels::count], unused[16];
    for (double& x : student) x = static_cast<double>(rng.uniform(-2, 2));
    for (double& x : teacher) x = static_cast<double>(rng.uniform(-2, 2));
    const bool faceless = round % 5 == 0;
    DetectorLossSums sums;
    detector_cell_loss(options, student, teacher, faceless, sums, d);
    for (int c = 0; c < YuNetChannels::count; ++c) {
      const auto loss = [&](double step) {
        double moved[YuNetChannels::count];
        std::copy(student, student + YuNetChannels::count, moved);
        moved[c] += step;
        DetectorLossSums s;
        detector_cell_loss(options, moved, teacher, faceless, s, unused);
        return s.total();
      };
      CHECK((loss(1e-6) - loss(-1e-6)) / 2e-6 == doctest::Approx(d[c]).epsilon(1e-4));
    }
  }
}

TEST_CASE("a student that says what the teacher says has no loss and no gradient") {
  double cell[YuNetChannels::count], d[YuNetChannels::count];
  for (int c = 0; c < YuNetChannels::count; ++c) cell[c] = 0.3 * c - 2;
  DetectorLossSums sums;
  detector_cell_loss(DetectorLossOptions(), cell, cell, false, sums, d);
  CHECK(sums.total() == doctest::Approx(0).epsilon(1e-12));
  for (const double x : d) CHECK(x == doctest::Approx(0).epsilon(1e-12));
}

TEST_CASE("where the teacher is known to be wrong, its faces count as background") {
  double teacher[YuNetChannels::count] = {5, 5}, student[YuNetChannels::count] = {5, 5},
         d[YuNetChannels::count];
  DetectorLossSums sums;
  detector_cell_loss(DetectorLossOptions(), student, teacher, true, sums, d);
  CHECK(sums.object > 4);
  CHECK(d[YuNetChannels::object] > 0.9);
  CHECK(sums.foreground == 0);
}

TEST_CASE("a composed image depends on its number alone, and every part of it is used") {
  const auto photos = synthetic_photos(1, 6);
  const PhotoMixer a(photos, MixerOptions(), 7), b(photos, MixerOptions(), 7),
      other(photos, MixerOptions(), 8);
  int faceless = 0, mosaics = 0;
  for (std::uint64_t number = 0; number < 60; ++number) {
    const auto x = a.compose(number, 96), y = b.compose(number, 96), z = other.compose(number, 96);
    REQUIRE((x.ok() && y.ok() && z.ok()));
    CHECK(x->image.rgb == y->image.rgb);
    CHECK(x->image.rgb != z->image.rgb);
    CHECK(x->image.width == 96);
    for (const Box& box : x->faceless) {
      CHECK((box.x >= 0 && box.y >= 0 && box.x + box.width <= 96 && box.y + box.height <= 96));
      faceless += 1;
      mosaics += box.width < 96 ? 1 : 0;
    }
  }
  CHECK(faceless > 0);
  CHECK(mosaics > 0);
}

TEST_CASE("training lowers the loss, and two runs give the same bits") {
  DetectorTrainer a = make_trainer(), b = make_trainer();
  for (int epoch = 0; epoch < 2; ++epoch)
    for (DetectorTrainer* t : {&a, &b})
      REQUIRE(t->run_epoch([](std::size_t, std::size_t) { return true; }).ok());
  CHECK(a.state().log[1].loss < a.state().log[0].loss);
  CHECK(weights_of(a) == weights_of(b));
  DetectorTrainer c = make_trainer(4);
  REQUIRE(c.run_epoch([](std::size_t, std::size_t) { return true; }).ok());
  CHECK(weights_of(c) != weights_of(a));
}

TEST_CASE("a training that was stopped in an epoch continues to the same bits") {
  const std::string path =
      "detector_state_" + std::to_string(reinterpret_cast<std::uintptr_t>(&make_trainer)) + ".safetensors";
  DetectorTrainer whole = make_trainer();
  for (int epoch = 0; epoch < 2; ++epoch)
    REQUIRE(whole.run_epoch([](std::size_t, std::size_t) { return true; }).ok());
  DetectorTrainer first = make_trainer();
  REQUIRE(first.run_epoch([](std::size_t, std::size_t) { return true; }).ok());
  const auto stopped = first.run_epoch([](std::size_t, std::size_t) { return false; });  // after one step
  REQUIRE(stopped.ok());
  CHECK(!*stopped);
  REQUIRE(save_checkpoint(path, first, "options").ok());
  DetectorTrainer second = make_trainer();
  CHECK(load_checkpoint(path, second, "other options").code() == Errc::mismatch);
  REQUIRE(load_checkpoint(path, second, "options").ok());
  REQUIRE(second.run_epoch([](std::size_t, std::size_t) { return true; }).ok());
  CHECK(weights_of(second) == weights_of(whole));
  CHECK(second.state().log.size() == 2);
  CHECK(second.state().log[1].loss == doctest::Approx(whole.state().log[1].loss));
  std::remove(path.c_str());
}
