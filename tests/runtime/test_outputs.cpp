// Networks with several outputs, in plans and sessions.
#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/quality/session.hpp>

#include "check_close.hpp"
#include "each_backend.hpp"
#include "planned.hpp"
#include "pyramid.hpp"
#include "ref_run.hpp"

#include <algorithm>

using namespace tinyfiqa;
using namespace planned;

namespace {

const std::vector<const char*> all_names = {"fine", "middle", "coarse", "sum", "half", "dropped"};

std::vector<int> values_of(const Definition& d, const std::vector<const char*>& names) {
  std::vector<int> values;
  for (const char* name : names) values.push_back(d.outputs.value(name));
  return values;
}

}  // namespace

TEST_CASE("outputs of different sizes equal the formulas, all at once, some of them, and in any order") {
  const Definition d = define<PyramidNet>();
  const Extents size{2, 32, 48, 3};
  const auto x = random_input(size);
  std::vector<std::vector<float>> want;
  for (const char* name : all_names)
    want.push_back(ref_run::run(d.ops, d.outputs.value(name), d.params, {{2, 32, 48, 3}, x}).floats);
  const std::vector<std::vector<std::size_t>> choices = {
      {0}, {1}, {2}, {3}, {4}, {5}, {0, 1, 2}, {2, 0}, {5, 4, 3, 2, 1, 0}, {3, 3, 4}, {2, 5}, {5, 2}};
  for_each_backend([&](const Backend& backend) {
    for (const int threads : {1, 2})
      for (const auto& choice : choices) {
        std::vector<const char*> names;
        for (const std::size_t i : choice) names.push_back(all_names[i]);
        INFO("outputs " << choice.size() << ", first " << names[0] << ", threads " << threads);
        Planned p;
        make(p, d, values_of(d, names), size, backend, threads);
        REQUIRE(p.plan.ok());
        const auto got = execute_all(p, x, threads);
        for (std::size_t i = 0; i < choice.size(); ++i) check_close(got[i], want[choice[i]]);
      }
  });
}

TEST_CASE("an output that others read, the input itself and one value twice are handed out whole") {
  Definition d;
  Graph g(d.ops.data(), max_ops);
  const auto x = g.input<3>();
  const auto a = g.activation<Act::relu>(x);
  const auto b = g.add<3>({a, x});  // must not overwrite a, which is an output
  d.outputs.add("b", b).add("a", a).add("input", x).add("again", b);
  d.ops.resize(static_cast<std::size_t>(g.count()));
  const Extents size{1, 4, 5, 3};
  const auto in = random_input(size);
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, values_of(d, {"b", "a", "input", "again"}), size, backend);
    REQUIRE(p.plan.ok());
    const auto got = execute_all(p, in);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const float relu = std::max(in[i], 0.0f);
      CHECK(got[1][i] == relu);
      CHECK(got[0][i] == relu + in[i]);
    }
    CHECK(got[2] == in);
    CHECK(got[3] == got[0]);
  });
}

TEST_CASE("outputs inside chains and of planar kernels are written too") {
  const Definition d = define<PyramidNet>();
  // Maps of 1.5 MiB and more form chains; a width of a multiple of 32 and few channels makes maps planar.
  for (const Extents size : {Extents{1, 512, 512, 3}, Extents{1, 64, 128, 3}}) {
    const auto x = random_input(size);
    for_each_backend([&](const Backend& backend) {
      Planned all, one;
      make(all, d, values_of(d, {"fine", "middle", "coarse", "sum"}), size, backend, 2);
      const auto got = execute_all(all, x, 2);
      for (std::size_t i = 0; i < 4; ++i) {
        make(one, d, values_of(d, {all_names[i]}), size, backend);
        check_close(got[i], execute(one, x));
      }
    });
  }
}

TEST_CASE("plans of one network share its packed weights, whatever they hand out") {
  const Definition d = define<PyramidNet>();
  const Extents size{1, 32, 32, 3};
  const auto x = random_input(size);
  for_each_backend([&](const Backend& backend) {
    Planned everything, last;
    make(everything, d, values_of(d, all_names), size, backend);
    make(last, d, values_of(d, {"coarse"}), size, backend);
    const auto want = execute(last, x);
    last.packed = everything.packed;
    CHECK(execute(last, x) == want);
  });
}

TEST_CASE("a session computes the outputs that are named, and says which there are") {
  static const ModelSpec spec =
      ModelSpec::named("pyramid", "").with_input(imagenet_input(32, 48)).defined_by<PyramidNet>();
  const Model model(spec);
  auto all = Session::create(model, 1, 32, 48);
  REQUIRE(all.ok());
  REQUIRE(all->output_count() == 3);
  CHECK(all->output_extents(0).h == 16);
  CHECK(all->output_extents(2).c == 3);
  const auto x = random_input({1, 32, 48, 3});
  std::vector<std::vector<float>> y(3);
  std::vector<float*> pointers;
  for (int i = 0; i < 3; ++i) {
    y[static_cast<std::size_t>(i)].resize(all->output_floats(i));
    pointers.push_back(y[static_cast<std::size_t>(i)].data());
  }
  all->run(x.data(), Span<float* const>(pointers.data(), pointers.size()));

  SessionOptions options;
  options.outputs = {"middle"};
  auto one = Session::create(model, 1, 32, 48, options);
  REQUIRE(one.ok());
  std::vector<float> middle(one->output_floats());
  one->run(x.data(), middle.data());
  CHECK(middle == y[1]);

  all->run(x.data(), middle.data());  // one pointer for three outputs
  CHECK(std::isnan(middle[0]));

  options.outputs = {"boxes"};
  const auto unknown = Session::create(model, 1, 32, 48, options);
  REQUIRE_FALSE(unknown.ok());
  CHECK(std::string(unknown.status().message()) ==
        "pyramid: the network has no output 'boxes'; it has fine, middle, coarse, sum, half, dropped");
}

TEST_CASE("a network is written down and planned at compile time and without a heap") {
  static constexpr auto network = define_fixed<PyramidNet>();
  static_assert(network.outputs.count() == 6);
  static_assert(network.outputs.value("middle") > 0);
  static FixedPlanStorage<plan_capacity(network.operations(), 3)> storage;
  const int outputs[] = {network.outputs.value("fine"), network.outputs.value("middle"),
                         network.outputs.value("coarse")};
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {outputs, 3};
  request.input = {1, 32, 32, 0};
  const Plan plan = make_plan(request, *choose_backend("scalar"), storage.storage());
  CHECK(plan.ok());
  CHECK(network.params.total() == static_cast<int>(block_size(define_network<PyramidNet>().params)));
}
