// A network that reads one grey channel and has two heads, with weights from arrays of floats.
#include <tinyfiqa/tinyfiqa.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace fq = tinyfiqa;

struct GreyNet {
  fq::ConvNorm<1, 8, 3, 2, 1, fq::Act::relu> stem;  // 3x3, stride 2, from one channel
  fq::Linear<8, 1, fq::Act::sigmoid> quality;
  fq::Linear<8, 3> blur;

  fq::Outputs operator()(fq::Graph& g) const {
    const auto features = g.mean_hw(stem(g, g.input<1>()));
    return fq::Outputs().add("quality", quality(g, features)).add("blur", blur(g, features));
  }
  template <class Walk>
  void visit(Walk& walk) {
    fq::visit_in(walk, "stem", stem, 0, 1);
    fq::visit_in(walk, "quality", quality);
    fq::visit_in(walk, "blur", blur);
  }
};

int main() {
  const auto spec = fq::ModelSpec::named("grey", "an example").with_input({32, 32, {}}).defined_by<GreyNet>();
  fq::Model model(spec);

  // Every parameter, in PyTorch's layout: [Cout][Cin][K][K] of a convolution, [out][in] of a linear layer.
  for (const fq::NamedParam& p : model.params()) {
    float* const values = model.block().data + p.param.offset;
    std::printf("%-24s %4d floats\n", p.name.c_str(), p.param.size());
    std::fill_n(values, p.param.size(), p.param.kind == fq::ParamKind::running_mean ? 0.0f : 0.5f);
  }
  model.pack();  // after every change: folds batch norm, and orders the weights for the kernels

  auto session = fq::Session::create(model, 1, 32, 32);
  if (!session) return std::fprintf(stderr, "%s\n", session.status().message()), 1;
  const std::vector<float> image(session->input_floats(), 0.25f);  // [1, 32, 32, 1]
  float quality[1], blur[3];
  float* const outputs[] = {quality, blur};  // in the order of add()
  session->run(image.data(), {outputs, 2});
  std::printf("quality %.4f, blur %.4f %.4f %.4f\n", static_cast<double>(quality[0]),
              static_cast<double>(blur[0]), static_cast<double>(blur[1]), static_cast<double>(blur[2]));
}
