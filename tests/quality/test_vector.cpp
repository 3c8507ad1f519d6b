#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/test_vector.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace tinyfiqa;

TEST_CASE("the inputs of a test vector are a reproducible chequerboard") {
  const int height = 20, width = 33;
  const auto x = test_vector_input(9, height, width);
  REQUIRE(x.size() == std::size_t{test_vector_inputs} * height * width * 3);
  int wrong = 0;
  std::size_t at = 0;
  for (int n = 0; n < test_vector_inputs; ++n) {
    Rng rng(9, static_cast<std::uint64_t>(n));
    float cell[8][8][3];
    for (auto& row : cell)
      for (auto& colour : row)
        for (float& level : colour) level = rng.uniform(-1, 1);
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j)
        for (int c = 0; c < 3; ++c) wrong += x[at++] != cell[8 * i / height][8 * j / width][c];
  }
  CHECK(wrong == 0);
}

TEST_CASE("a model agrees with its own test vector, and a change of one weight shows") {
  // Trained weights, because with initial ones the output hardly depends on the input.
  auto trained = default_model();
  REQUIRE_MESSAGE(trained.ok(), trained.status().message());
  Model& model = *trained;
  const auto v = make_test_vector(model);
  REQUIRE(v.ok());
  CHECK(v->outputs.size() == test_vector_inputs);
  CHECK(v->height == model.input().height);
  auto error = test_vector_error(model, *v);
  REQUIRE(error.ok());
  CHECK(*error == 0);
  model.block()[0] += 0.5f;  // of the first convolution: all others lie behind it
  model.pack();
  error = test_vector_error(model, *v);
  REQUIRE(error.ok());
  CHECK(*error > test_vector_tolerance);
}

TEST_CASE("a network that gives no finite numbers has an infinite error") {
  Model model(*find_model("tinyfqnet"));
  const auto v = make_test_vector(model);
  REQUIRE(v.ok());
  for (float& weight : model.block()) weight = std::numeric_limits<float>::quiet_NaN();
  model.pack();
  const auto error = test_vector_error(model, *v);
  REQUIRE(error.ok());
  CHECK(*error == std::numeric_limits<float>::infinity());
  CHECK(make_test_vector(model).status().code() == Errc::not_finite);
}

TEST_CASE("the text of a test vector holds every bit of the outputs") {
  const TestVector v{12345678901234567890ull, 600, 416, {0.1f, -1e-30f, 3.4e38f, 1.0f / 3, 0}};
  const auto again = parse_test_vector(test_vector_text(v), "x");
  REQUIRE_MESSAGE(again.ok(), again.status().message());
  CHECK(again->seed == v.seed);
  CHECK(again->height == 600);
  CHECK(again->width == 416);
  CHECK(again->outputs == v.outputs);
}

TEST_CASE("a text that is no test vector is refused with the file's name") {
  for (const char* text :
       {"", "seed 1", "seed 1, size 64x64", "seed 1, size 64x64, outputs", "seed 1, size 64, outputs 0.5",
        "seed x, size 64x64, outputs 0.5", "seed -1, size 64x64, outputs 0.5",
        "seed 1, size 0x64, outputs 0.5", "seed 1, size 64x64, outputs nan",
        "seed 1, size 64x64, outputs 0.5 ", "seed 1, size 64x64, outputs 0.5,0.6",
        "seed 1, size 64x64, outputs inf", "seed 1, size 64x64, outputs 1e99"}) {
    const auto v = parse_test_vector(text, "some.safetensors");
    INFO(text);
    REQUIRE_FALSE(v.ok());
    CHECK(std::string(v.status().message()).find("some.safetensors") != std::string::npos);
  }
}

TEST_CASE("a test vector of another network has another number of outputs") {
  const Model model(*find_model("tinyfqnet"));
  CHECK(test_vector_error(model, {1, 64, 64, {0.5f}}).status().code() == Errc::mismatch);
}
