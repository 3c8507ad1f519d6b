#include <tinyfiqa/threads/thread_team.hpp>

#include "each_backend.hpp"
#include "single_step.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace tinyfiqa;
using namespace single_step;

namespace {

struct Case {
  ConvShape shape;
  int n, h, w;
  Act act = Act::none;
  bool residual = false;
  int extra_stride = 0;  // the input is a slice of a map with this many more channels
  int threads = 1;
};

std::string text(const Case& c) {
  return "cout " + std::to_string(c.shape.cout) + " cin " + std::to_string(c.shape.cin) + " window " +
         std::to_string(c.shape.window) + " stride " + std::to_string(c.shape.stride) + " groups " +
         std::to_string(c.shape.groups) + " input " + std::to_string(c.n) + "x" + std::to_string(c.h) + "x" +
         std::to_string(c.w) + " act " + act_name(c.act) + (c.residual ? " residual" : "");
}

/// Runs the backend's kernel and the formula, and compares within the bound of a dot product in floats,
/// (k + 1) eps sum |a||b|, times the largest derivative of the activations, plus one rounding of the result.
void check(const Backend& backend, const Case& c, GuardedFloats::Guard guard) {
  const std::string name = text(c);
  INFO(name);
  Rng rng(17, static_cast<std::uint64_t>(c.shape.cout * 1000 + c.shape.cin));
  const int out_h = (c.h + 2 * c.shape.padding - c.shape.window) / c.shape.stride + 1;
  const int out_w = (c.w + 2 * c.shape.padding - c.shape.window) / c.shape.stride + 1;
  const Extents in{c.n, c.h, c.w, c.shape.cin}, out{c.n, out_h, out_w, c.shape.cout};
  const auto weights = static_cast<std::size_t>(c.shape.cout) * static_cast<std::size_t>(c.shape.depth());
  const std::vector<float> weight = random(weights, rng),
                           slope = random(static_cast<std::size_t>(c.shape.cout), rng);
  const std::vector<float> bias = random(static_cast<std::size_t>(c.shape.cout), rng);

  const Kernel* kernel = backend.conv(c.shape);
  REQUIRE(kernel != nullptr);
  const std::size_t packed_floats = kernel->packed_bytes(c.shape) / sizeof(float);
  GuardedFloats packed(packed_floats + slope.size(), guard), workspace(weights, guard);
  kernel->pack({c.shape, weight.data(), bias.data()}, workspace.data(), bytes_of(packed));
  std::copy(slope.begin(), slope.end(), packed.data() + packed_floats);

  // The input's last pixel ends at the page without access, also if the input is a slice.
  const int stride = c.shape.cin + c.extra_stride;
  const std::size_t span = static_cast<std::size_t>(in.pixels() - 1) * static_cast<std::size_t>(stride) +
                           static_cast<std::size_t>(c.shape.cin);
  GuardedFloats x(span, guard), y(static_cast<std::size_t>(out.floats()), guard);
  for (float& v : x) v = 1e30f;  // floats between the slice's pixels must not be part of the result
  std::vector<float> dense(static_cast<std::size_t>(in.floats()));
  for (long long p = 0; p < in.pixels(); ++p)
    for (int j = 0; j < in.c; ++j)
      dense[static_cast<std::size_t>(p * in.c + j)] = x[static_cast<std::size_t>(p * stride + j)] =
          rng.uniform(-1, 1);
  GuardedFloats residual(static_cast<std::size_t>(out.floats()), guard);
  fill(residual, rng);
  GuardedFloats scratch(kernel->scratch_bytes == nullptr ? 1
                                                         : kernel->scratch_bytes(c.shape) / sizeof(float) *
                                                               static_cast<std::size_t>(c.threads));

  // Operands in three separate places: input, arena (the residual), output.
  Step s;
  s.kernel = kernel;
  s.x = at(Place::input, in, stride);
  s.y = at(Place::output, out);
  s.act = c.act;
  s.window = c.shape.window;
  s.stride = c.shape.stride;
  s.padding = c.shape.padding;
  s.groups = c.shape.groups;
  s.has_slope = c.act == Act::prelu;
  s.slope = packed_floats * sizeof(float);
  Frame f;
  f.input = x.data();
  void* const outputs[] = {y.data()};
  f.outputs = outputs;
  f.packed = bytes_of(packed);
  ThreadTeam team(c.threads);
  f.team = team.team();
  // The arena begins at the lower of the two blocks, because offsets are not negative.
  f.arena = std::min(bytes_of(residual), bytes_of(scratch));
  s.scratch = static_cast<std::size_t>(bytes_of(scratch) - f.arena);
  if (c.residual) {
    s.b = at(Place::arena, out);
    s.b.offset = static_cast<std::size_t>(bytes_of(residual) - f.arena);
  }
  kernel->run(s, f);

  std::vector<float> expected(y.size()), magnitude(y.size());
  const reference::Window window{c.shape.window, c.shape.stride, c.shape.padding, c.shape.groups};
  reference::conv(shape(in), dense.data(), shape(out), expected.data(), window, weight.data(), bias.data(),
                  c.act, slope.data());
  std::vector<float> ax(dense), aw(weight), ab(bias);
  for (auto* v : {&ax, &aw, &ab})
    for (float& e : *v) e = std::fabs(e);
  reference::conv(shape(in), ax.data(), shape(out), magnitude.data(), window, aw.data(), ab.data(),
                  Act::none);
  const double eps = 6e-8;
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double want =
        static_cast<double>(expected[i]) + (c.residual ? static_cast<double>(residual[i]) : 0.0);
    const double bound = 1.5 * (c.shape.depth() + 1) * eps * static_cast<double>(magnitude[i]) +
                         4 * eps * std::fabs(want) + 4e-7;
    const double error = std::fabs(static_cast<double>(y[i]) - want);
    if (!(error <= bound)) worst = std::isnan(error) ? 1e9 : std::fmax(worst, error / bound);
  }
  CHECK(worst == 0);
}

void check_everywhere(const Case& c) {
  for_each_backend([&](const Backend& backend) {
    check(backend, c, GuardedFloats::Guard::behind);
    check(backend, c, GuardedFloats::Guard::before);
  });
}

}  // namespace

TEST_CASE("a 1x1 convolution equals its formula for every width and depth that the tiles split differently") {
  for (int cout : {1, 2, 5, 8, 11, 16, 22, 24, 33, 48, 58, 72, 96, 113})
    for (int cin : {1, 2, 3, 4, 7, 11, 24, 88}) check_everywhere({{cout, cin, 1, 1, 0, 1}, 1, 5, 7});
}

TEST_CASE("a 1x1 convolution equals its formula for every number of rows") {
  for (int rows = 1; rows <= 30; ++rows) check_everywhere({{40, 13, 1, 1, 0, 1}, 1, rows, 1});
  check_everywhere({{40, 13, 1, 1, 0, 1}, 3, 97, 1});
}

TEST_CASE("a 1x1 convolution applies each activation, slices and residuals") {
  for (Act act : {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu, Act::prelu})
    for (bool residual : {false, true}) check_everywhere({{27, 19, 1, 1, 0, 1}, 2, 4, 5, act, residual, 6});
}

TEST_CASE("a linear layer on one or a few images equals its formula") {
  for (int n : {1, 2, 3, 4, 5, 9})
    for (int cin : {1, 5, 64, 577}) check_everywhere({{37, cin, 1, 1, 0, 1}, n, 1, 1});
}

TEST_CASE("a depthwise convolution equals its formula for windows, strides, channels and borders") {
  for (int window : {1, 3, 5, 7})
    for (int stride : {1, 2})
      for (int c : {1, 3, 8, 11, 16, 29})
        for (int size : {1, 2, 6, 13})
          check_everywhere({{c, c, window, stride, window / 2, c}, 2, size, 15 - size});
}

TEST_CASE("a depthwise convolution equals its formula for every width of map and any padding") {
  for (int width = 1; width <= 34; ++width)
    for (int window : {3, 5})
      for (int stride : {1, 2}) check_everywhere({{19, 19, window, stride, window / 2, 19}, 1, 4, width});
  for (int window : {1, 3, 5})
    for (int padding = 0; padding <= window; ++padding)  // beyond half a window too: columns of padding alone
      for (int stride : {1, 2}) check_everywhere({{19, 19, window, stride, padding, 19}, 1, 6, 17});
}

TEST_CASE("a depthwise convolution without padding, as in MobileFaceNet's last layers") {
  check_everywhere({{20, 20, 7, 1, 0, 20}, 3, 7, 7, Act::none});
}

TEST_CASE("a depthwise convolution applies each activation and reads slices") {
  for (Act act : {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu, Act::prelu})
    check_everywhere({{21, 21, 3, 1, 1, 21}, 1, 6, 9, act, false, 21});
}

TEST_CASE("a dense convolution equals its formula for windows, strides, groups and borders") {
  for (int window : {2, 3, 5})
    for (int stride : {1, 2, 3})
      for (int cin : {1, 3, 8})
        for (int size : {5, 12})
          check_everywhere({{18, cin, window, stride, window / 2, 1}, 2, size, 41 - size});
  check_everywhere({{12, 8, 3, 1, 1, 4}, 1, 6, 6});
  check_everywhere({{12, 6, 3, 1, 1, 6}, 1, 6, 6});
  check_everywhere({{12, 9, 1, 2, 0, 1}, 1, 7, 8});
  check_everywhere({{9, 7, 3, 1, 1, 1}, 1, 6, 30, Act::prelu, true, 3});
}

TEST_CASE("threads change nothing") {
  check_everywhere({{40, 30, 1, 1, 0, 1}, 2, 40, 40, Act::relu, true, 0, 2});
  check_everywhere({{40, 40, 3, 2, 1, 40}, 2, 40, 40, Act::hswish, false, 0, 3});
  check_everywhere({{16, 3, 3, 2, 1, 1}, 2, 60, 60, Act::hswish, false, 0, 2});
}
