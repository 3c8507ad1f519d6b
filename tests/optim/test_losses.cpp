#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/optim/schedule.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include "each_backend.hpp"
#include "support.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

using Vector = std::vector<double>;

Vector random_vector(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  Vector v(n);
  for (double& x : v) x = static_cast<double>(rng.uniform(-1, 1));
  return v;
}

/// Compares the gradient of `loss(p, gradient)` with central differences.
template <class Loss>
void check_gradient(Vector p, const Loss& loss) {
  Vector gradient(p.size()), unused(p.size());
  loss(p, gradient);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double h = 1e-5, at = p[i];
    p[i] = at + h;
    const double up = loss(p, unused);
    p[i] = at - h;
    const double down = loss(p, unused);
    p[i] = at;
    CHECK(std::fabs((up - down) / (2 * h) - gradient[i]) <= 1e-8);
  }
}

template <class T>
Span<const T> view(const std::vector<T>& v) {
  return {v.data(), v.size()};
}

}  // namespace

TEST_CASE("losses have the gradient of central differences") {
  for (const std::size_t n : {2u, 3u, 17u}) {
    const Vector t = random_vector(n, 4);
    check_gradient(random_vector(n, 3),
                   [&](const Vector& p, Vector& g) { return *mse_loss<double>(p, t, g); });
    check_gradient(random_vector(n, 3),
                   [&](const Vector& p, Vector& g) { return *l2_norm_loss<double>(p, t, g); });
    check_gradient(random_vector(n, 3),
                   [&](const Vector& p, Vector& g) { return *smooth_l1_loss<double>(p, t, g, 0.6); });
    for (const double alpha : {0.0, 1.0, 2.5})
      check_gradient(random_vector(n, 3),
                     [&](const Vector& p, Vector& g) { return *msecorr_loss<double>(p, t, g, alpha); });
  }
  const std::vector<int> classes = {2, 0, 3, 3};
  check_gradient(random_vector(20, 6), [&](const Vector& z, Vector& g) {
    return *cross_entropy_loss<double>(z, view(classes), g);
  });
}

TEST_CASE("MSECorrLoss adds alpha for constant values, and is MSE alone for a single image") {
  const Vector same = {0.5, 0.5, 0.5}, other = {0.1, 0.2, 0.9};
  Vector g(3), mse(3);
  CHECK(*msecorr_loss<double>(same, other, g, 2.0) ==
        doctest::Approx(*mse_loss<double>(same, other, mse) + 2.0));
  CHECK(g == mse);
  CHECK(*msecorr_loss<double>(other, same, g) == doctest::Approx(*mse_loss<double>(other, same, mse) + 1.0));
  CHECK(g == mse);
  Vector one = {0.5}, label = {0.25}, d(1);
  CHECK(*msecorr_loss<double>(one, label, d) == doctest::Approx(0.0625));
  CHECK(*msecorr_loss<double>(other, other, g) == doctest::Approx(0.0));
}

TEST_CASE("bad labels are refused by index") {
  Vector p = {1, 2, 3}, t = {1, std::nan(""), 3}, g(3);
  for (const Status& s : {mse_loss<double>(p, t, g).status(), msecorr_loss<double>(p, t, g).status(),
                          smooth_l1_loss<double>(p, t, g).status(), l2_norm_loss<double>(p, t, g).status()}) {
    CHECK(s.code() == Errc::not_finite);
    CHECK(std::string(s.message()).find("label 1 ") != std::string::npos);
  }
  Vector two(2);
  CHECK(mse_loss<double>(p, two, g).status().code() == Errc::bad_argument);
  const std::vector<int> classes = {0, 5};
  Vector logits(6), dl(6);
  CHECK(cross_entropy_loss<double>(logits, view(classes), dl).status().code() == Errc::bad_argument);
}

TEST_CASE("schedules are those of torch.optim.lr_scheduler") {
  Schedule s;
  s.kind = ScheduleKind::step;
  s.period = 5;
  s.gamma = 0.5;
  CHECK(s.factor(4) == 1);
  CHECK(s.factor(5) == 0.5);
  CHECK(s.factor(14) == 0.25);
  s.kind = ScheduleKind::multi_step;
  s.milestones = {2, 7};
  CHECK(s.factor(1) == 1);
  CHECK(s.factor(2) == 0.5);
  CHECK(s.factor(7) == 0.25);
  s.kind = ScheduleKind::cosine;
  s.period = 10;
  CHECK(s.factor(0) == 1);
  CHECK(s.factor(5) == doctest::Approx(0.5));
  CHECK(s.factor(10) == doctest::Approx(0.0));
  s.warm_up = 4;
  s.warm_up_start = 0.2;
  CHECK(s.factor(0) == doctest::Approx(0.2));
  CHECK(s.factor(2) == doctest::Approx(0.6));
  CHECK(s.factor(4) == 1);
  CHECK(s.factor(9) == doctest::Approx(0.5));
}

TEST_CASE("groups follow prefixes, freeze, and spare norms and biases from decay") {
  const NetworkDefinition net = find_model("tinyfqnet")->define();
  const std::vector<GroupRule> rules = {
      {"stem.", 0, 0, true}, {"fc.", 5e-4, 1e-4, false}, {"", 5e-5, 1e-4, false}};
  const auto group_of = [](const std::vector<ParamGroup>& groups, std::size_t at) {
    for (const ParamGroup& g : groups)
      if (at >= g.first && at < g.last) return g;
    return ParamGroup{0, 0, 0, 0};
  };
  for (const bool spare : {false, true}) {
    const auto groups = make_groups(net.params, rules, spare);
    for (const NamedParam& p : net.params) {
      const ParamGroup g = group_of(groups, static_cast<std::size_t>(p.param.offset));
      const bool frozen = p.name.rfind("stem.", 0) == 0 || !is_trainable(p.param.kind);
      CHECK(g.rate == (frozen ? 0 : p.name.rfind("fc.", 0) == 0 ? 5e-4 : 5e-5));
      const bool decays = !frozen && (!spare || p.param.rank > 1);
      CHECK(g.decay == (decays ? 1e-4 : 0));
    }
  }
}

TEST_CASE("an average of weights moves towards them") {
  std::vector<float> p = {1, 2};
  WeightAverage average(view(p), 0.75);
  p = {5, 2};
  average.update(view(p));
  CHECK(average.values()[0] == doctest::Approx(2.0));
  CHECK(average.values()[1] == doctest::Approx(2.0));
}

TEST_CASE("each network over-fits 32 generated images to a loss below 1e-3, the same way every time") {
  for (const std::string name :
       {"tinyfqnet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"}) {
    const NetworkDefinition net = find_model(name)->define();
    const int n = 32, side = 32;
    const int most = sanitized && name != "tinyfqnet" ? 5 : 600;
    std::vector<double> first;
    for (int run = 0; run < 2; ++run) {
      std::vector<float> params(block_size(net.params)), gradient(params.size()), d(n), label(n);
      std::vector<float> x(static_cast<std::size_t>(n * side * side * 3));
      init_params(net.params, params, 7);
      Rng rng(8);
      for (float& v : x) v = rng.normal();
      for (float& v : label) v = rng.uniform();
      NetworkDefinition plain = net;
      for (Op& op : plain.ops) op.drop_probability = 0;
      Tape<float> tape({plain.ops.data(), plain.ops.size()}, net.outputs.main(), 2,
                       *choose_training_backend("auto")->tape);
      Optimizer optimizer({}, make_groups(net.params, {{"", 2e-3, 0, false}}), params.size(),
                          choose_training_backend("auto")->adam);
      double loss = 1;
      int step = 0;
      for (; step < (run == 0 ? most : 5) && loss >= 1e-3; ++step) {
        REQUIRE(tape.forward(params.data(), x.data(), {n, side, side, 3}, TapeMode::train, rng).ok());
        loss = *mse_loss<float>(tape.output(), view(label), d);
        std::fill(gradient.begin(), gradient.end(), 0.0f);
        tape.backward(params.data(), d.data(), gradient.data());
        optimizer.step(params, view(gradient));
        if (run == 0)
          first.push_back(loss);
        else
          CHECK(loss == first[static_cast<std::size_t>(step)]);
      }
      INFO(name << " after " << step << " steps: " << loss);
      if (run == 0 && most == 600) CHECK(loss < 1e-3);
    }
  }
}
