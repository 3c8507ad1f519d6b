// The 8-bit weights that come with the library, and who takes them.
#include <tinyfiqa/quality/default_model.hpp>
#include <tinyfiqa/quality/default_model_i8.hpp>
#include <tinyfiqa/quality/precision.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace tinyfiqa;

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

TEST_CASE("auto takes 8 bits where there are 8-bit dot products and the network gains by them") {
  for (const Backend* backend : compiled_backends()) {
    CAPTURE(backend->isa);
    const bool dot_products = ends_with(backend->isa, "vnni") || ends_with(backend->isa, "dotprod");
    for (const char* model :
         {"tinyfqnet_m", "tinyfqnet_l", "mobilenet_v3_small", "shufflenet_v2_x0_5", "ensemble"})
      CHECK(*takes_eight_bits("auto", "", model, *backend) == dot_products);
    for (const char* model : {"tinyfqnet", "blur"})
      CHECK_FALSE(*takes_eight_bits("auto", "", model, *backend));
    CHECK_FALSE(*takes_eight_bits("f32", "", "tinyfqnet_m", *backend));
    CHECK(*takes_eight_bits("i8", "", "tinyfqnet", *backend));
  }
}

TEST_CASE("a precision is refused if it is none, and beside own weights") {
  const Backend& backend = native_backend();
  CHECK_FALSE(*takes_eight_bits("f32", "own.safetensors", "", backend));
  for (const char* precision : {"i8", "auto"}) {
    const auto taken = takes_eight_bits(precision, "own.safetensors", "", backend);
    REQUIRE_FALSE(taken.ok());
    CHECK(taken.status().code() == Errc::bad_argument);
    CHECK(std::string(taken.status().message()).find("own.safetensors has its own") != std::string::npos);
  }
  for (const char* precision : {"", "int8", "I8", "f32 "})
    CHECK(takes_eight_bits(precision, "", "tinyfqnet_m", backend).status().code() == Errc::bad_argument);
}

TEST_CASE("the built-in network in 8 bits is the built-in network, with its calibration and views") {
  const auto floats = default_model(native_backend()), whole = default_model_i8();
  REQUIRE_MESSAGE(whole.ok(), whole.status().message());
  CHECK(whole->has_levels());
  CHECK_FALSE(floats->has_levels());
  CHECK(std::string(whole->spec().name) == floats->spec().name);
  CHECK(whole->views() == floats->views());
  CHECK(whole->calibration().has_value());
  CHECK(whole->packed().size < floats->packed().size);
}
