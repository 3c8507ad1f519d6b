// A custom operation: a learnable soft clipping, y = a * tanh(x / a), with one `a` a channel. It is written
// once and used by inference and by training, in float and in double.
#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/tinyfiqa.hpp>

#include <cmath>
#include <cstdio>

namespace fq = tinyfiqa;

struct SoftClip {
  static constexpr const char* name = "soft_clip";
  static fq::Extents size(const fq::Extents& x, const fq::Extents&) { return x; }

  /// y = a tanh(x / a)
  template <class T>
  static void forward(const fq::CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i) {
      const T a = call.params[i % call.out.c];
      call.y[i] = a * std::tanh(call.x[0][i] / a);
    }
  }
  /// t = tanh(x / a):   dx = dy (1 - t^2),   da = dy (t - (1 - t^2) x / a)
  template <class T>
  static void backward(const fq::CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i) {
      const long long c = i % call.out.c;
      const T a = call.params[c], t = std::tanh(call.x[0][i] / a), derivative = 1 - t * t;
      if (call.dx[0] != nullptr) call.dx[0][i] += call.dy[i] * derivative;
      call.dparams[c] += call.dy[i] * (t - derivative * call.x[0][i] / a);
    }
  }
};

struct ClippedNet {
  fq::ConvNorm<3, 8, 3, 2> stem;
  fq::Param limits = fq::vector_param(fq::ParamKind::slope, 8);
  fq::Linear<8, 1> head;

  fq::Outputs operator()(fq::Graph& g) const {
    const auto x = g.custom<8>(fq::custom_op<SoftClip>, stem(g, g.input<3>()), &limits);
    const auto pooled = g.mean_hw(x);
    return fq::Outputs().add("score", head(g, pooled));
  }
  template <class Walk>
  void visit(Walk& walk) {
    fq::visit_in(walk, "stem", stem, 0, 1);
    walk.param("limits", limits);
    fq::visit_in(walk, "head", head);
  }
};

int main() {
  const auto net = fq::define_network<ClippedNet>();
  std::vector<float> params(fq::block_size(net.params)), gradient(params.size());
  fq::init_params(net.params, params, 1);

  const int n = 8, side = 16;
  fq::Rng rng(2);
  std::vector<float> images(n * side * side * 3), labels(n), d(n);
  for (float& v : images) v = rng.normal();
  for (float& v : labels) v = rng.uniform();

  fq::Tape<float> tape({net.ops.data(), net.ops.size()}, net.outputs.main(), 1,
                       *fq::native_training_backend().tape);
  fq::Optimizer adam({}, fq::make_groups(net.params, {{"", 0.02, 0, false}}), params.size(),
                     fq::native_training_backend().adam);
  double first = 0, loss = 0;
  for (int step = 0; step < 200; ++step) {
    const auto status =
        tape.forward(params.data(), images.data(), {n, side, side, 3}, fq::TapeMode::train, rng);
    if (!status) return std::fprintf(stderr, "%s\n", status.message()), 1;
    loss = *fq::mse_loss<float>(tape.output(), labels, d);
    if (step == 0) first = loss;
    gradient.assign(gradient.size(), 0.0f);
    tape.backward(params.data(), d.data(), gradient.data());
    adam.step(params, gradient);
  }
  std::printf("loss %.4f -> %.6f\n", first, loss);
  return loss < first / 10 ? 0 : 1;
}
