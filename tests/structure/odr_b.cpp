// The same headers again in a second translation unit. With the word "different" odr_a.cpp was compiled for another
// instruction set.
#include "everything.hpp"

#include <cstdio>
#include <cstring>

const char* isa_of_a();
float score_of_a();

int main(int argc, char** argv) {
  const bool different = argc == 2 && std::strcmp(argv[1], "different") == 0;
  const tinyfiqa::Model model(tinyfiqa::tinyfqnet_spec);
  auto session = tinyfiqa::Session::create(model, 1, 64, 64);
  const std::vector<float> x(session->input_floats(), 0.25f);
  float y = 0;
  session->run(x.data(), &y);
  const char* const isa = tinyfiqa::native_training_backend().inference->isa;
  std::printf("a: %s, b: %s\n", isa_of_a(), isa);
  if (different) {
    if (std::strcmp(isa_of_a(), isa) == 0 || std::strcmp(isa_of_a(), "avx2") != 0) return 1;
    if (!tinyfiqa::cpu_can_run("avx2")) return 0;
  } else if (std::strcmp(isa_of_a(), isa) != 0) {
    return 1;
  }
  const float difference = score_of_a() - y;
  return difference < 1e-5f && difference > -1e-5f ? 0 : 1;
}
