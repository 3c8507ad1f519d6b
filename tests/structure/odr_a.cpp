#include "everything.hpp"

const char* isa_of_a() { return tinyfiqa::native_training_backend().inference->isa; }
float score_of_a() {
  const tinyfiqa::Model model(tinyfiqa::tinyfqnet_spec);
  auto session = tinyfiqa::Session::create(model, 1, 64, 64);
  const std::vector<float> x(session->input_floats(), 0.25f);
  float y = 0;
  session->run(x.data(), &y);
  return y;
}
