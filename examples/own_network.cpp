// A network of your own: a struct of layers. The library plans it, runs it and describes it.
#include <tinyfiqa/runtime/describe.hpp>
#include <tinyfiqa/tinyfiqa.hpp>

#include <cstdio>

namespace fq = tinyfiqa;

struct SmallNet {
  fq::ConvNorm<3, 16, 3, 2, 1, fq::Act::hswish> stem;       // 3x3, stride 2
  fq::ConvNorm<16, 16, 3, 1, 16, fq::Act::relu> depthwise;  // 3x3 depthwise
  fq::ConvNorm<16, 16, 1> project;
  fq::Linear<16, 1, fq::Act::sigmoid> head;

  fq::Outputs operator()(fq::Graph& g) const {
    auto x = stem(g, g.input<3>());
    x = g.add<16>({project(g, depthwise(g, x)), x});  // channels are types: 16 and 24 do not compile
    const auto pooled = g.mean_hw(x);
    return fq::Outputs().add("score", head(g, pooled));
  }
  template <class Walk>
  void visit(Walk& walk) {  // the names its parameters have in a weight file
    fq::visit_in(walk, "stem", stem, 0, 1);
    fq::visit_in(walk, "depthwise", depthwise, 0, 1);
    fq::visit_in(walk, "project", project, 0, 1);
    fq::visit_in(walk, "head", head);
  }
};

int main() {
  const auto spec = fq::ModelSpec::named("small_net", "an example")
                        .with_input(fq::tinyfqnet_input(32, 32))
                        .defined_by<SmallNet>()
                        .with_head("head.")
                        .giving_scores();
  const fq::Model model(spec);  // seeded initial weights; model.load(file) takes trained ones
  auto session = fq::Session::create(model, 1, 32, 32);
  if (!session) return std::fprintf(stderr, "%s\n", session.status().message()), 1;
  const std::vector<float> image(session->input_floats(), 0.5f);  // [1, 32, 32, 3]
  float score = 0;
  session->run(image.data(), &score);
  const auto info = fq::describe_plan(session->plan(), model.network().operations());
  std::printf("score %.4f, %lld parameters, %lld multiply-adds, arena %zu bytes\n",
              static_cast<double>(score), info.params, info.macs, session->plan().arena_bytes);
}
