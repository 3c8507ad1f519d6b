// Kernels for 8-bit maps against their formulas: the same bits on every instruction set.
#include <tinyfiqa/kernels/reference/quantised.hpp>
#include <tinyfiqa/runtime/quantised_weights.hpp>

#include "each_backend.hpp"
#include "single_step.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

using namespace tinyfiqa;
using namespace single_step;

namespace {

using Guard = GuardedFloats::Guard;

/// Bytes that end (or begin) at a page without access; 0xa5 at first.
class GuardedLevels {
 public:
  explicit GuardedLevels(std::size_t count, Guard guard = Guard::behind)
      : floats_((count + 3) / 4, guard), size_(count) {
    data_ = bytes_of(floats_) + (guard == Guard::behind ? (4 - count % 4) % 4 : 0);
    std::memset(data_, 0xa5, size_);
  }
  std::uint8_t* data() { return data_; }
  std::uint8_t& operator[](std::size_t i) { return data_[i]; }

 private:
  GuardedFloats floats_;
  std::size_t size_;
  std::uint8_t* data_;
};

struct LevelCase {
  ConvShape shape;
  int n, h, w;
  bool residual = false;
  bool image = false;    // the input is an image: each channel has its own zero
  int extra_stride = 0;  // input and output are slices of maps with this many more channels
  int threads = 1;
};

std::string level_case_text(const LevelCase& c) {
  const ConvShape& s = c.shape;
  return "cout " + std::to_string(s.cout) + " cin " + std::to_string(s.cin) + " window " +
         std::to_string(s.window) + " stride " + std::to_string(s.stride) + " padding " +
         std::to_string(s.padding) + " groups " + std::to_string(s.groups) + " input " + std::to_string(c.n) +
         "x" + std::to_string(c.h) + "x" + std::to_string(c.w) + " " + act_name(s.act) +
         (s.out == DType::f32 ? " to floats" : "") + (c.residual ? " residual" : "") +
         (c.image ? " image" : "");
}

/// Weights whose numbers are known: whole multiples of each channel's scale, one of them +-63.
struct KnownWeights {
  std::vector<std::int8_t> whole;
  std::vector<float> weight, bias, slope;
};
KnownWeights known_weights(const ConvShape& s, Rng& rng) {
  KnownWeights k;
  for (int o = 0; o < s.cout; ++o) {
    const float scale = rng.uniform(0.001f, 0.02f);
    const auto first = k.whole.size();
    for (int i = 0; i < s.depth(); ++i)
      k.whole.push_back(static_cast<std::int8_t>(static_cast<int>(rng.uniform(0, 126.99f)) - 63));
    k.whole[first + rng.next() % static_cast<std::size_t>(s.depth())] = o % 2 == 0 ? 63 : -63;
    for (auto i = first; i < k.whole.size(); ++i) k.weight.push_back(static_cast<float>(k.whole[i]) * scale);
    k.bias.push_back(rng.uniform(-2, 2));
    k.slope.push_back(rng.uniform(-0.5f, 1.0f));
  }
  return k;
}

Operand operand(Place place, Extents e, DType dtype, Quantisation quant, int extra = 0) {
  Operand o = at(place, e, e.c + extra);
  o.dtype = dtype;
  o.quant = quant;
  return o;
}

/// The number of elements in which kernel and formula differ.
int count_differences(const Backend& backend, const LevelCase& c, Guard guard) {
  Rng rng(3, static_cast<std::uint64_t>(c.shape.cout * 1000 + c.shape.cin + c.w));
  ConvShape shape = c.shape;
  shape.in = DType::u8;
  const int out_h = (c.h + 2 * shape.padding - shape.window) / shape.stride + 1;
  const int out_w = (c.w + 2 * shape.padding - shape.window) / shape.stride + 1;
  const Extents in{c.n, c.h, c.w, shape.cin}, out{c.n, out_h, out_w, shape.cout};
  const Kernel* const kernel = backend.conv(shape);
  if (kernel == nullptr || kernel->dtype != shape.out) return -1;

  const KnownWeights known = known_weights(shape, rng);
  const LevelScale levels{{123.675f, 116.28f, 103.53f}, {0.0171f, 0.0175f, 0.0174f}};
  FoldedConv folded;
  folded.shape = shape;
  folded.weight = known.weight.data();
  folded.bias = known.bias.data();
  folded.x = {0.03f, 117};
  folded.y = {shape.out == DType::f32 ? 1.0f : 0.05f, 91};
  folded.slope = known.slope.data();
  folded.levels = c.image ? &levels : nullptr;
  const auto n = static_cast<std::size_t>(shape.cout), weights = n * static_cast<std::size_t>(shape.depth());
  std::vector<std::int8_t> whole(weights);
  std::vector<std::int32_t> bias(n);
  std::vector<float> rows(3 * n);
  quantise_conv(folded, {whole.data(), bias.data(), rows.data()});
  if (!c.image) CHECK(whole == known.whole);

  const std::size_t packed_floats = kernel->packed_bytes(shape) / sizeof(float);
  GuardedFloats packed(packed_floats + n, guard), workspace(2 * weights + 16 * n, guard);
  kernel->pack(folded, workspace.data(), bytes_of(packed));
  std::copy(known.slope.begin(), known.slope.end(), packed.data() + packed_floats);

  const int stride = shape.cin + c.extra_stride, out_stride = shape.cout + c.extra_stride;
  const auto span = [](const Extents& e, int pixel_stride) {
    return static_cast<std::size_t>(e.pixels() - 1) * static_cast<std::size_t>(pixel_stride) +
           static_cast<std::size_t>(e.c);
  };
  const bool floats = shape.out == DType::f32;
  GuardedLevels x(span(in, stride), guard), y(floats ? 1 : span(out, out_stride), guard),
      residual(static_cast<std::size_t>(out.floats()), guard);
  GuardedFloats fy(floats ? span(out, out_stride) : 1, guard);
  std::vector<std::uint8_t> dense;
  for (long long p = 0; p < in.pixels(); ++p)
    for (int j = 0; j < in.c; ++j) {
      dense.push_back(static_cast<std::uint8_t>(rng.next() & 255u));
      x[static_cast<std::size_t>(p * stride + j)] = dense.back();
    }
  for (long long i = 0; i < out.floats(); ++i)
    residual[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(rng.next() & 255u);
  const std::size_t scratch_bytes = kernel->scratch_bytes == nullptr ? 4 : kernel->scratch_bytes(shape, c.w);
  GuardedFloats scratch((scratch_bytes + 3) / 4 * static_cast<std::size_t>(c.threads), guard);

  Step s;
  s.kernel = kernel;
  s.x = operand(c.image ? Place::input : Place::arena, in, DType::u8, folded.x, c.extra_stride);
  s.y = operand(Place::output, out, shape.out, folded.y, c.extra_stride);
  s.levels = levels;
  s.act = shape.act;
  s.window = shape.window;
  s.stride = shape.stride;
  s.padding = shape.padding;
  s.groups = shape.groups;
  s.has_slope = shape.act == Act::prelu;
  s.slope = packed_floats * sizeof(float);
  unsigned char* const places[] = {x.data(), residual.data(), bytes_of(scratch)};
  Frame f;
  f.arena = *std::min_element(places, places + 3);
  f.input = x.data();
  if (!c.image) s.x.offset = static_cast<std::size_t>(x.data() - f.arena);
  s.scratch = static_cast<std::size_t>(bytes_of(scratch) - f.arena);
  void* const outputs[] = {floats ? static_cast<void*>(fy.data()) : y.data()};
  f.outputs = outputs;
  f.packed = bytes_of(packed);
  const Quantisation residual_quant{0.07f, 140};
  if (c.residual) {
    s.b = operand(Place::arena, out, DType::u8, residual_quant);
    s.b.offset = static_cast<std::size_t>(residual.data() - f.arena);
  }
  kernel->run(s, f);

  std::uint8_t zero[3];
  for (int k = 0; k < 3; ++k)
    zero[k] = c.image ? to_level(levels.mean[k], {}) : static_cast<std::uint8_t>(folded.x.zero);
  const LevelRange range{folded.y.zero, shape.act == Act::relu ? folded.y.zero : 0};
  const reference::Window window{shape.window, shape.stride, shape.padding, shape.groups};
  const reference::Levels input{single_step::shape(in), dense.data(), folded.x};
  int wrong = 0;
  std::size_t i = 0;
  for (int image = 0; image < out.n; ++image)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int o = 0; o < out.c; ++o, ++i) {
          const std::int32_t sum =
              reference::sum_levels(input, single_step::shape(out), window,
                                    {whole.data(), bias.data(), rows.data()}, zero, image, oy, ox, o);
          const std::size_t at = i / n * static_cast<std::size_t>(out_stride) + i % n;
          if (floats) {
            const double number =
                static_cast<double>(sum) * static_cast<double>(rows[static_cast<std::size_t>(o)]);
            const double want = reference::act(shape.act, number,
                                               static_cast<double>(known.slope[static_cast<std::size_t>(o)]));
            if (!(std::fabs(static_cast<double>(fy[at]) - want) <= 1e-6 * (1 + std::fabs(want)))) ++wrong;
          } else {
            const float value = reference::scaled_sum(shape.act, sum, rows.data(), o, shape.cout);
            const std::uint8_t want =
                reference::level_with(value, c.residual ? residual.data() + i : nullptr, residual_quant,
                                      residual_quant.scale / folded.y.scale, range);
            if (y[at] != want) ++wrong;
          }
        }
  return wrong;
}

void check_levels_everywhere(LevelCase c) {
  const std::string name = level_case_text(c);
  INFO(name);
  if (c.shape.out != DType::f32) c.shape.out = DType::u8;
  for_each_backend_of_levels([&](const Backend& backend) {
    CHECK(count_differences(backend, c, Guard::behind) == 0);
    CHECK(count_differences(backend, c, Guard::before) == 0);
  });
}

ConvShape levels(int cout, int cin, int window, int stride, int padding, int groups, Act act = Act::none,
                 DType out = DType::u8) {
  return {cout, cin, window, stride, padding, groups, DType::u8, out, act};
}

const Act level_acts[] = {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::prelu};

}  // namespace

TEST_CASE("8 bits: a 1x1 convolution equals its formula for every width, depth and number of rows") {
  for (int cout : {1, 2, 5, 8, 11, 16, 22, 24, 33, 48, 58, 113})
    for (int cin : {1, 2, 3, 4, 7, 11, 24, 88})
      check_levels_everywhere({levels(cout, cin, 1, 1, 0, 1, Act::relu), 1, 5, 3});
  for (int rows = 1; rows <= 30; ++rows) check_levels_everywhere({levels(40, 13, 1, 1, 0, 1), 1, rows, 1});
  check_levels_everywhere({levels(40, 13, 1, 1, 0, 1), 3, 97, 1});
}

TEST_CASE("8 bits: activations, residuals, slices and outputs of floats") {
  for (int window : {1, 3})
    for (Act act : level_acts) {
      const ConvShape dense = levels(27, 19, window, 1, window / 2, 1, act);
      check_levels_everywhere({dense, 2, 4, 5, false, false, 6});
      check_levels_everywhere({dense, 2, 4, 5, act != Act::relu, false, 6});
      check_levels_everywhere({levels(19, 19, window, 1, window / 2, 19, act), 2, 4, 5, false, false, 6});
    }
  for (Act act : {Act::none, Act::relu, Act::hswish, Act::sigmoid, Act::silu, Act::prelu})
    for (int groups : {1, 19})
      check_levels_everywhere(
          {levels(19, 19, groups == 1 ? 1 : 3, 1, groups == 1 ? 0 : 1, groups, act, DType::f32), 2, 4, 5});
}

TEST_CASE("8 bits: a depthwise convolution equals its formula for windows, strides, channels and borders") {
  for (int window : {1, 3, 5, 7})
    for (int stride : {1, 2, 3})
      for (int c : {1, 3, 11, 16, 29, 40, 72})
        for (int size : {1, 2, 6, 13})
          check_levels_everywhere({levels(c, c, window, stride, window / 2, c), 2, size, 15 - size});
  for (int width = 1; width <= 20; ++width)
    check_levels_everywhere({levels(70, 70, 5, 1, 2, 70, Act::hswish), 1, 4, width});
  for (int padding = 0; padding <= 3; ++padding)
    check_levels_everywhere({levels(20, 20, 3, 1, padding, 20), 1, 6, 17});
}

TEST_CASE("8 bits: a dense convolution equals its formula, also on the levels of an image") {
  for (int window : {1, 2, 3, 5})
    for (int stride : {1, 2})
      for (int cin : {1, 4, 6})
        for (int groups : {1, 2})
          if (cin % groups == 0 && (window > 1 || groups > 1))
            check_levels_everywhere({levels(10, cin, window, stride, window / 2, groups), 2, 7, 6});
  for (int stride : {1, 2})
    for (int width : {3, 9, 60})
      check_levels_everywhere({levels(16, 3, 3, stride, 1, 1, Act::hswish), 2, 7, width, false, true});
}

namespace {

/// A step on maps of levels: x (and b, which may be a gate) in the arena, y the output. Returns y's bytes.
std::vector<std::uint8_t> run_levels(const Kernel* kernel, Step s, std::vector<std::uint8_t> x,
                                     const std::vector<std::uint8_t>& b, std::size_t bytes) {
  if (kernel == nullptr) return {};
  GuardedLevels gx(x.size()), gb(b.size() + 1), gy(bytes);
  std::copy(x.begin(), x.end(), gx.data());
  std::copy(b.begin(), b.end(), gb.data());
  Frame f;
  f.arena = std::min(gx.data(), gb.data());
  s.x.offset = static_cast<std::size_t>(gx.data() - f.arena);
  s.b.offset = static_cast<std::size_t>(gb.data() - f.arena);
  void* const outputs[] = {gy.data()};
  f.outputs = outputs;
  kernel->run(s, f);
  return {gy.data(), gy.data() + bytes};
}
std::vector<std::uint8_t> random_levels(std::size_t count, Rng& rng) {
  std::vector<std::uint8_t> v(count);
  for (std::uint8_t& level : v) level = static_cast<std::uint8_t>(rng.next() & 255u);
  return v;
}

}  // namespace

TEST_CASE("8 bits: sums, gates and means of maps equal their formulas") {
  // The last scales are so far apart that results would not fit integers: a fuzzer found that processors then disagreed.
  for (const Quantisation qy : {Quantisation{0.09f, 77}, Quantisation{2e-9f, 77}})
    for (int c : {1, 5, 8, 31, 32, 33, 100, 150}) {
      const Quantisation qx{qy.scale < 1e-3f ? 166.0f : 0.04f, 100}, qb{qy.scale < 1e-3f ? 9e4f : 0.07f, 31};
      const float x_factor = limited_factor(qx.scale / qy.scale, 255),
                  b_factor = limited_factor(qb.scale / qy.scale, 255),
                  gate_factor = limited_factor(qb.scale * qx.scale / qy.scale, 255 * 255),
                  mean_factor = limited_factor(qx.scale / (15.0f * qy.scale), 255 * 15);
      const Extents e{2, 3, 5, c};
      Rng rng(4, static_cast<std::uint64_t>(c));
      const auto count = static_cast<std::size_t>(e.floats());
      const auto x = random_levels(count, rng), b = random_levels(count, rng);
      const auto gate = random_levels(2 * static_cast<std::size_t>(c), rng);
      Step s;
      s.x = operand(Place::arena, e, DType::u8, qx);
      s.b = operand(Place::arena, e, DType::u8, qb);
      s.y = operand(Place::output, e, DType::u8, qy);
      std::vector<std::uint8_t> sum(count), scaled(count), mean(2 * static_cast<std::size_t>(c));
      std::vector<float> number(mean.size());
      for (std::size_t i = 0; i < count; ++i) {
        const float fx = static_cast<float>(x[i] - qx.zero);
        sum[i] = reference::level_with(reference::as_float(fx * x_factor), &b[i], qb, b_factor, {qy.zero, 0});
        const std::size_t channel = i % static_cast<std::size_t>(c), image = i / (count / 2);
        const float g = static_cast<float>(gate[image * static_cast<std::size_t>(c) + channel] - qb.zero);
        scaled[i] = to_level(reference::as_float(fx * reference::as_float(g * gate_factor)), {qy.zero, 0});
      }
      for (std::size_t i = 0; i < mean.size(); ++i) {
        const std::size_t image = i / static_cast<std::size_t>(c), channel = i % static_cast<std::size_t>(c);
        std::int32_t all = 0;
        for (std::size_t p = 0; p < 15; ++p)
          all += x[(image * 15 + p) * static_cast<std::size_t>(c) + channel] - qx.zero;
        mean[i] = to_level(reference::as_float(static_cast<float>(all) * mean_factor), {qy.zero, 0});
        number[i] = reference::as_float(static_cast<float>(all) * (qx.scale / 15.0f));
      }
      INFO("channels " << c);
      for_each_backend_of_levels([&](const Backend& backend) {
        CHECK(run_levels(backend.operation(OpKind::add, DType::u8, DType::u8), s, x, b, count) == sum);
        Step gated = s;
        gated.b = operand(Place::arena, {2, 1, 1, c}, DType::u8, qb);
        CHECK(run_levels(backend.operation(OpKind::scale, DType::u8, DType::u8), gated, x, gate, count) ==
              scaled);
        Step m = s;
        m.b = Operand();
        m.y = operand(Place::output, {2, 1, 1, c}, DType::u8, qy);
        CHECK(run_levels(backend.operation(OpKind::mean_hw, DType::u8, DType::u8), m, x, {}, mean.size()) ==
              mean);
        m.y.dtype = DType::f32;
        const auto bytes =
            run_levels(backend.operation(OpKind::mean_hw, DType::u8, DType::f32), m, x, {}, 4 * mean.size());
        CHECK(std::memcmp(bytes.data(), number.data(), bytes.size()) == 0);
      });
    }
}

TEST_CASE("8 bits: adding an enlarged map equals its formula, at whole and at odd ratios") {
  const Quantisation qx{0.04f, 100}, qb{0.07f, 31}, qy{0.09f, 77};
  const float x_factor = limited_factor(qx.scale / qy.scale, 255),
              b_factor = limited_factor(qb.scale / qy.scale, 255);
  for (int c : {1, 16, 37, 64})
    for (const auto& [fine_h, coarse_h] : {std::pair<int, int>{6, 3}, {9, 5}, {5, 5}, {7, 1}}) {
      const int fine_w = fine_h + 2, coarse_w = coarse_h + 1;
      const Extents fine{2, fine_h, fine_w, c}, coarse{2, coarse_h, coarse_w, c};
      Rng rng(6, static_cast<std::uint64_t>(c));
      const auto x = random_levels(static_cast<std::size_t>(fine.floats()), rng);
      const auto b = random_levels(static_cast<std::size_t>(coarse.floats()), rng);
      // The formula for floats, with numbers for b's places, says which level is added to which.
      std::vector<float> places(b.size()), added(x.size());
      for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<float>(i);
      const std::vector<float> nothing(x.size());
      reference::add_upsampled({2, fine_h, fine_w, c}, nothing.data(), {2, coarse_h, coarse_w, c},
                               places.data(), added.data());
      std::vector<std::uint8_t> sum(x.size());
      for (std::size_t i = 0; i < x.size(); ++i)
        sum[i] = reference::level_with(reference::as_float(static_cast<float>(x[i] - qx.zero) * x_factor),
                                       &b[static_cast<std::size_t>(added[i])], qb, b_factor, {qy.zero, 0});
      Step s;
      s.x = operand(Place::arena, fine, DType::u8, qx);
      s.b = operand(Place::arena, coarse, DType::u8, qb);
      s.y = operand(Place::output, fine, DType::u8, qy);
      INFO("channels " << c << ", rows " << fine.h << " and " << coarse.h);
      for_each_backend_of_levels([&](const Backend& backend) {
        CHECK(run_levels(backend.operation(OpKind::add_upsampled, DType::u8, DType::u8), s, x, b,
                         sum.size()) == sum);
      });
    }
}

TEST_CASE("8 bits: largest levels and moves equal their formulas") {
  for (int c : {1, 6, 16, 24, 40}) {
    Rng rng(5, static_cast<std::uint64_t>(c));
    const Extents e{2, 7, 6, c};
    const auto count = static_cast<std::size_t>(e.floats()), channels = static_cast<std::size_t>(c);
    const auto x = random_levels(count, rng), b = random_levels(count, rng);
    Step s;
    s.x = operand(Place::arena, e, DType::u8, {});
    s.b = operand(Place::arena, e, DType::u8, {});
    s.y = operand(Place::output, e, DType::u8, {});
    std::vector<std::uint8_t> joined, largest;
    for (std::size_t p = 0; p < count / channels; ++p)
      for (std::size_t i = 0; i < channels; ++i) {
        joined.push_back(x[p * channels + i]);
        joined.push_back(b[p * channels + i]);
      }
    Step pool = s;
    pool.b = Operand();
    pool.window = 3;
    pool.stride = 2;
    pool.padding = 1;
    pool.y = operand(Place::output, {2, 4, 3, c}, DType::u8, {});
    for (int n = 0; n < 2; ++n)
      for (int oy = 0; oy < 4; ++oy)
        for (int ox = 0; ox < 3; ++ox)
          for (int i = 0; i < c; ++i) {
            std::uint8_t most = 0;
            for (int y = std::max(0, 2 * oy - 1); y < std::min(7, 2 * oy + 2); ++y)
              for (int w = std::max(0, 2 * ox - 1); w < std::min(6, 2 * ox + 2); ++w)
                most = std::max(most, x[static_cast<std::size_t>(((n * 7 + y) * 6 + w) * c + i)]);
            largest.push_back(most);
          }
    Step interleaved = s;
    interleaved.y = operand(Place::output, {2, 7, 6, 2 * c}, DType::u8, {});
    Op doubled;
    doubled.factor = 2;
    Step up = s;
    up.b = Operand();
    up.source = &doubled;
    up.y = operand(Place::output, {2, 14, 12, c}, DType::u8, {});
    for_each_backend_of_levels([&](const Backend& backend) {
      CHECK(run_levels(backend.copy(DType::u8), s, x, {}, count) == x);
      CHECK(run_levels(backend.interleave(DType::u8), interleaved, x, b, 2 * count) == joined);
      CHECK(run_levels(backend.operation(OpKind::max_pool, DType::u8, DType::u8), pool, x, {},
                       largest.size()) == largest);
      if (c % 2 == 0) {
        Step shuffle = s;
        shuffle.b = Operand();
        shuffle.groups = 2;
        const auto y =
            run_levels(backend.operation(OpKind::shuffle, DType::u8, DType::u8), shuffle, x, {}, count);
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t at = i % channels;
          REQUIRE(y[i] == x[i - at + at % 2 * (channels / 2) + at / 2]);
        }
      }
      const auto y =
          run_levels(backend.operation(OpKind::upsample, DType::u8, DType::u8), up, x, {}, 4 * count);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t pixel = i / channels, row = pixel / 12, column = pixel % 12;
        REQUIRE(y[i] == x[(row / 2 * 6 + column / 2) * channels + i % channels]);
      }
    });
  }
}

TEST_CASE("8 bits: weights are quantised to the nearest step, and constant channels keep their bias") {
  const float weight[] = {0.63f, -0.316f, 0.0f, 1e-9f, -1e-9f, 0.0f};
  const float bias[] = {0.25f, 0.75f};
  FoldedConv conv;
  conv.shape = levels(2, 3, 1, 1, 0, 1);
  conv.weight = weight;
  conv.bias = bias;
  conv.x = {0.5f, 10};
  conv.y = {0.25f, 3};
  std::int8_t whole[6];
  std::int32_t offset[2];
  float rows[6];
  quantise_conv(conv, {whole, offset, rows});
  CHECK(whole[0] == 63);
  CHECK(whole[1] == -32);
  CHECK(whole[2] == 0);
  CHECK(offset[0] == 50 - 10 * (63 - 32));
  // 1e-9 beside 0.75: the scale grows until the bias fits, and the weights vanish.
  CHECK(whole[3] == 0);
  CHECK(std::fabs(static_cast<double>(static_cast<float>(offset[1]) * rows[1]) - 3.0) < 1e-5);
  CHECK(offset[1] <= 1 << 22);
}

TEST_CASE("8 bits: a number becomes the nearest level, halves the even one, within the range") {
  CHECK(to_level(2.5f, {}) == 2);
  CHECK(to_level(3.5f, {}) == 4);
  CHECK(to_level(-0.4f, {}) == 0);
  CHECK(to_level(-7.0f, {10, 0}) == 3);
  CHECK(to_level(-7.0f, {10, 10}) == 10);
  CHECK(to_level(1e9f, {}) == 255);
  CHECK(to_level(-1e9f, {200, 3}) == 3);
}

TEST_CASE("8 bits: small kernels make the same levels without lrint()") {
  for (const LevelRange range :
       {LevelRange{0, 0}, LevelRange{40, 0}, LevelRange{40, 40}, LevelRange{255, 3}}) {
    const SmallLevels small(range);
    const auto same = [&](float y) {
      return small(y) == to_level(y, range) &&
             (!SmallLevels::is_from_zero(range) || SmallLevels::from_zero(y) == to_level(y, range));
    };
    for (int half = -1200; half <= 1200; ++half) {
      const float y = static_cast<float>(half) / 2;
      CHECK(same(y));
      CHECK(same(std::nextafter(y, -1e9f)));
      CHECK(same(std::nextafter(y, 1e9f)));
    }
    for (float y = 600.0f; y < 1073741824.0f; y *= 1.01f) {
      CHECK(same(y));
      CHECK(same(-y));
    }
    for (const float y : {4194303.5f, 4194304.0f, 8388608.0f, 12582912.0f, 12582913.0f, 1073741824.0f}) {
      CHECK(same(y));
      CHECK(same(-y));
    }
  }
}
