// Whole networks of 8-bit maps: the same bits on every instruction set, whatever the threads, chains and batches; and near the
// network in floats.
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/models/yunet.hpp>
#include <tinyfiqa/quantisation/ranges.hpp>

#include "each_backend.hpp"
#include "planned.hpp"

#include <cmath>
#include <string>

using namespace tinyfiqa;
using namespace planned;

namespace {

const LevelScale imagenet{{123.675f, 116.28f, 103.53f}, {0.0171f, 0.0175f, 0.0174f}};

/// Smooth random images: neighbouring pixels are alike.
std::vector<unsigned char> random_images(Extents e, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<unsigned char> x(static_cast<std::size_t>(e.pixels()) * 3);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double wave = std::sin(static_cast<double>(i / 3 % static_cast<std::size_t>(e.w)) * 0.3 +
                                 static_cast<double>(i % 3));
    x[i] = static_cast<unsigned char>(128 + 70 * wave + 50 * static_cast<double>(rng.uniform()));
  }
  return x;
}

/// The outputs that need no request.
std::vector<int> outputs_of(const Definition& d) {
  std::vector<int> values;
  for (const Output& output : d.outputs)
    if (!output.on_request) values.push_back(output.value);
  return values;
}

/// Every value of the network in floats over some images.
std::vector<ValueHistogram> measure(const Definition& d, Extents size, int images) {
  Planned p;
  PlanRequest request;
  const std::vector<int> outputs = outputs_of(d);
  request.outputs = outputs;
  request.input = size;
  request.levels = &imagenet;
  request.chains = request.fuse = false;
  const Backend& backend = *choose_backend("scalar");
  make(p, d, request, backend);
  REQUIRE(p.plan.ok());
  std::vector<ValueHistogram> histograms(d.ops.size());
  std::vector<unsigned char> arena(p.plan.arena_bytes);
  std::vector<std::vector<float>> y;
  std::vector<void*> to;
  for (int i = 0; i < p.plan.output_count; ++i)
    y.emplace_back(static_cast<std::size_t>(p.plan.outputs[i].floats()));
  for (auto& output : y) to.push_back(output.data());
  for (int i = 0; i < images; ++i) {
    const auto x = random_images(size, static_cast<std::uint64_t>(i));
    Frame f;
    f.arena = arena.data();
    f.packed = p.packed.data();
    f.input = x.data();
    f.outputs = to.data();
    record_values(p.plan, f, histograms);
  }
  return histograms;
}

struct Quantised {
  Definition whole;
  ValueLevels values;
};
Quantised quantise(const Definition& d, Extents size) {
  const std::vector<int> outputs = outputs_of(d);
  Quantised q{d, choose_levels(d.ops, outputs)};
  set_levels({q.whole.ops.data(), q.whole.ops.size()}, q.values,
             levels_of_values(d.ops, q.values, measure(d, size, 3), RangeRule::all));
  return q;
}

/// Some values that are levels, the last among them.
std::vector<int> some_levels(const Quantised& q) {
  std::vector<int> found;
  for (int id = static_cast<int>(q.whole.ops.size()) - 1; id > 0 && found.size() < 6; --id)
    if (q.values.levels[static_cast<std::size_t>(id)] && (found.empty() || found.back() - id >= 7))
      found.push_back(id);
  return found;
}

/// `most_error`: the accepted error as a share of the numbers.
template <class Net>
void check_network(Extents size, double most_error = 0.12) {
  const Definition d = define<Net>(5);
  const Quantised q = quantise(d, size);
  std::vector<int> outputs = some_levels(q);
  REQUIRE(outputs.size() >= 3);
  for (const int output : outputs_of(d)) outputs.push_back(output);
  const auto x = random_images(size, 77);
  std::vector<std::vector<float>> expected;
  for_each_backend_of_levels([&](const Backend& backend) {
    Planned p;
    make(p, q.whole, outputs, size, backend, 3, &imagenet);
    REQUIRE(p.plan.ok());
    const auto y = execute_all(p, x);
    if (expected.empty()) expected = y;
    CHECK(y == expected);
    CHECK(execute_all(p, x, 3) == expected);

    Planned alone;
    PlanRequest request;
    request.outputs = outputs;
    request.input = size;
    request.levels = &imagenet;
    request.chain_limits = low_memory_chains();
    make(alone, q.whole, request, backend);
    CHECK(execute_all(alone, x) == expected);
    request.chains = false;
    make(alone, q.whole, request, backend);
    CHECK(execute_all(alone, x) == expected);

    // Two images are twice one.
    Planned two;
    make(two, q.whole, outputs, {2, size.h, size.w, 0}, backend, 1, &imagenet);
    auto both = random_images(size, 78);
    both.insert(both.end(), x.begin(), x.end());
    const auto pair = execute_all(two, both);
    for (std::size_t i = 0; i < pair.size(); ++i)
      CHECK(std::equal(expected[i].begin(), expected[i].end(),
                       pair[i].begin() + static_cast<std::ptrdiff_t>(pair[i].size() / 2)));
  });

  // Near the floats: the root mean square of the error against that of the numbers.
  Planned floats;
  make(floats, d, outputs, size, *choose_backend("scalar"), 1, &imagenet);
  const auto want = execute_all(floats, x);
  for (std::size_t i = 0; i < want.size(); ++i) {
    double error = 0, power = 0;
    for (std::size_t k = 0; k < want[i].size(); ++k) {
      const double number = static_cast<double>(expected[i][k]), w = static_cast<double>(want[i][k]);
      error += (number - w) * (number - w);
      power += w * w;
    }
    INFO("operation " << outputs[i]);
    CHECK(std::sqrt(error) <= most_error * std::sqrt(power));
  }
}

}  // namespace

TEST_CASE("8-bit networks have the same bits on every instruction set, and are near the floats") {
  SUBCASE("tinyFQnet") { check_network<TinyFQnet>({1, 32, 48, 0}); }
  SUBCASE("MobileNetV3-Small") { check_network<MobileNetV3SmallQuality>({1, 64, 48, 0}); }
  SUBCASE("YuNet, with nine outputs") { check_network<YuNetS>({1, 64, 96, 0}, 0.25); }
  SUBCASE("ShuffleNetV2") { check_network<ShuffleNetV2Quality<ShuffleNetX0_5>>({1, 48, 64, 0}); }
}

TEST_CASE("a network of 8-bit maps refuses floats, and levels that an operation can't keep") {
  const Definition d = define<TinyFQnet>(5);
  Quantised q = quantise(d, {1, 32, 32, 0});
  Planned p;
  make(p, q.whole, d.outputs.main(), {1, 32, 32, 0}, *choose_backend("scalar"));
  CHECK(p.plan.problem.error == PlanError::needs_levels);
  CHECK(std::string(plan_error_text(p.plan.problem, q.whole.ops).c_str()) ==
        "a network of 8-bit maps reads images, not floats: operation 0 (input)");

  std::vector<Op> ops(8);
  Graph g(ops.data(), 8);
  const auto x = g.input<3>();
  const auto largest = g.max_pool(2, 2, 0, x);
  ops.resize(2);
  for (Op& op : ops) op.dtype = DType::u8;
  ops[1].quant.scale = 0.5f;
  Definition pool;
  pool.ops = ops;
  pool.outputs.add("y", largest);
  make(p, pool, largest.id, {1, 4, 4, 0}, *choose_backend("scalar"), 1, &imagenet);
  CHECK(p.plan.problem.error == PlanError::levels_differ);
}

TEST_CASE("levels and floats are not mixed: a kernel would take one for the other, and read beyond its map") {
  const Definition d = define<YuNetS>(5);
  const Quantised q = quantise(d, {1, 32, 32, 0});
  const std::vector<int> outputs = outputs_of(d);
  for (std::size_t id = 0; id < q.whole.ops.size(); ++id) {
    const Op& op = q.whole.ops[id];
    if (op.kind != OpKind::add_upsampled) continue;
    for (const int floats : {op.inputs[0], op.inputs[1], static_cast<int>(id)}) {
      Definition mixed = q.whole;
      mixed.ops[static_cast<std::size_t>(floats)].dtype = DType::f32;
      Planned p;
      make(p, mixed, outputs, {1, 32, 32, 0}, *choose_backend("scalar"), 1, &imagenet);
      CHECK(p.plan.problem.error == PlanError::not_covered);
    }
  }
}

TEST_CASE("a histogram chooses levels that keep 0, and leaves out the rare") {
  ValueHistogram h;
  Rng rng(1);
  std::vector<float> values(100000);
  for (float& v : values) v = std::fabs(rng.normal());
  values[5] = 50.0f;
  h.add(values.data(), static_cast<std::ptrdiff_t>(values.size()));
  const Quantisation all = h.levels(RangeRule::all), most = h.levels(RangeRule::percentile),
                     least = h.levels(RangeRule::square_error);
  CHECK(all.zero == 0);
  CHECK(static_cast<double>(all.scale) == doctest::Approx(50.0 / 255));
  CHECK(static_cast<double>(most.scale) == doctest::Approx(3.9 / 255).epsilon(0.05));
  CHECK(least.scale < all.scale);

  // Histograms join, also of different widths.
  ValueHistogram other;
  const float large[] = {-1000.0f, 10.0f};
  other.add(large, 2);
  other.add(h);
  CHECK(static_cast<double>(other.lowest()) == -1000);
  CHECK(static_cast<double>(other.highest()) == 50);
  const Quantisation joined = other.levels(RangeRule::all);
  CHECK(joined.zero == 243);
}
