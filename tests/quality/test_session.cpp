// Sessions: what they refuse, and the smallest networks.
#include <tinyfiqa/nn/layers.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// A network of one layer, from its input straight to its output.
struct OneLayerNet {
  ConvNorm<3, 5, 3, 1, 1, Act::relu> layer;

  Outputs operator()(Graph& g) const { return Outputs().add("map", layer(g, g.input<3>())); }
  template <class Walk>
  void visit(Walk& walk) {
    visit_in(walk, "layer", layer, 0, 1);
  }
};

constexpr ModelSpec one_layer_spec =
    ModelSpec::named("one_layer", "").with_input({9, 7, {}}).defined_by<OneLayerNet>();

std::string refusal(const Model& model, int h, int w) {
  const auto session = Session::create(model, 1, h, w);
  REQUIRE_FALSE(session.ok());
  CHECK(session.status().code() == Errc::bad_argument);
  return session.status().message();
}

}  // namespace

TEST_CASE("a network of one layer runs, without any memory for maps") {
  const Model model(one_layer_spec);
  auto session = Session::create(model, 2, 9, 7);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  const std::vector<float> x(session->input_floats(), 0.5f);
  std::vector<float> y(session->output_floats(), -1.0f);
  session->run(x.data(), y.data());
  CHECK(y.size() == 2 * 9 * 7 * 5);
  CHECK(*std::min_element(y.begin(), y.end()) >= 0);
  CHECK(*std::max_element(y.begin(), y.end()) > 0);
}

TEST_CASE("a model without packed weights is refused, never run") {
  static constexpr ModelSpec without_input = ModelSpec::named("no_input", "").defined_by<OneLayerNet>();
  CHECK(refusal(Model(without_input), 9, 7).find("no_input has no packed weights") == 0);
  static constexpr ModelSpec negative =
      ModelSpec::named("negative", "").with_input({-4, 7, {}}).defined_by<OneLayerNet>();
  CHECK(refusal(Model(negative), 9, 7).find("with_input()") != std::string::npos);
  const Model unfilled(one_layer_spec, native_backend(), Model::Unfilled{});
  CHECK(refusal(unfilled, 9, 7).find("none were loaded") != std::string::npos);
}
