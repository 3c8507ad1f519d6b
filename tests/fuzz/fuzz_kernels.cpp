// Turns any bytes into the call of one kernel, with random sizes, strides and numbers, and compares every instruction set
// with the kernel's formula. Operands end at pages without access, and what lies between their pixels is poisoned.
#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <cstdint>

#include "input.hpp"
#include "kernels/conv_case.hpp"

using namespace tinyfiqa;
using namespace single_step;

namespace {

constexpr Act acts[] = {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu};

template <class Body>
void on_each_backend(const Body& body) {
  for (const Backend* backend : compiled_backends())
    if (cpu_can_run(backend->isa)) body(*backend);
}

void check_conv(Input& in) {
  ConvCase c{};
  ConvShape& s = c.shape;
  s.cin = in.between(1, in.flip() ? 16 : 90);
  s.cout = in.between(1, in.flip() ? 16 : 120);
  s.window = in.one_of({1, 1, 2, 3, 3, 4, 5, 7});
  s.stride = in.between(1, 3);
  s.padding = in.below(s.window + 1);
  const int grouping = in.below(3);
  if (grouping == 1) s.groups = s.cout = s.cin;
  if (grouping == 2) {
    s.groups = in.between(1, 6);
    s.cin = s.groups * in.between(1, 8);
    s.cout = s.groups * in.between(1, 12);
  }
  if (in.below(3) == 0) s.window = s.stride = 1, s.padding = 0;
  c.n = in.between(1, 3);
  c.h = in.between(std::max(1, s.window - 2 * s.padding), 24);
  c.w = in.between(std::max(1, s.window - 2 * s.padding), 60);
  if (static_cast<double>(c.n * c.h * c.w) * s.cout * s.depth() > 3e6) c.h = std::max(1, s.window), c.n = 1;
  if (static_cast<double>(c.h * c.w) * s.cout * s.depth() > 3e6) return;
  c.act = in.below(6) == 0 ? Act::prelu : in.one_of(acts);
  c.extra_stride = in.flip() ? in.below(9) : 0;
  c.threads = in.below(4) == 0 ? 2 : 1;
  const auto guard = in.flip() ? GuardedFloats::Guard::before : GuardedFloats::Guard::behind;
  const bool residual = in.flip();
  on_each_backend([&](const Backend& backend) {
    const Kernel* const kernel = backend.conv(s);
    require(kernel != nullptr);
    c.residual = residual && kernel->takes_residual;
    require(worst_conv_error(backend, c, guard) == 0);
  });
}

/// Runs the kernel of an operation, also into a part of wider pixels, and compares with `expected` to the bit.
void check_exact(OpKind kind, Step s, const std::vector<float>& x, const std::vector<float>& b,
                 const std::vector<float>& expected, int extra) {
  const Extents out = s.y.extents;
  const int stride = out.c + extra;
  s.y.pixel_stride = stride;
  const auto pixels = static_cast<std::size_t>(out.pixels()), channels = static_cast<std::size_t>(out.c);
  on_each_backend([&](const Backend& backend) {
    const Kernel* const kernel = kind == OpKind::input    ? backend.copy(DType::f32)
                                 : kind == OpKind::concat ? backend.interleave(DType::f32)
                                                          : backend.operation(kind, DType::f32, DType::f32);
    const auto y = run_step(kernel, s, x, b, (pixels - 1) * static_cast<std::size_t>(stride) + channels);
    require(!y.empty());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t pixel = i / static_cast<std::size_t>(stride),
                        c = i % static_cast<std::size_t>(stride);
      require(c < channels ? y[i] == expected[pixel * channels + c] : std::isnan(y[i]));
    }
  });
}

std::vector<float> zeros(const Extents& e) {
  return std::vector<float>(static_cast<std::size_t>(e.floats()));
}

void check_map(Input& in, Rng& rng) {
  const int kind = in.below(9), extra = in.flip() ? in.below(9) : 0;
  Extents e{in.between(1, 3), in.between(1, 12), in.between(1, 20), in.between(1, in.flip() ? 8 : 70)};
  const auto x = random(static_cast<std::size_t>(e.floats()), rng);
  const auto b = random(static_cast<std::size_t>(e.floats()), rng);
  Step s;
  s.x = at(Place::input, e);
  s.y = at(Place::output, e);
  auto expected = zeros(e);
  if (kind == 0) {  // pooling
    s.window = in.between(1, 4);
    s.stride = in.between(1, 3);
    s.padding = in.below(s.window / 2 + 1);
    const auto pooled = [&](int size) {
      const int span = size + 2 * s.padding - s.window;
      return span < 0 ? 0 : span / s.stride + 1;
    };
    const Extents out{e.n, pooled(e.h), pooled(e.w), e.c};
    if (out.h < 1 || out.w < 1) return;
    s.y.extents = out;
    expected = zeros(out);
    reference::max_pool(shape(e), x.data(), shape(out), expected.data(), {s.window, s.stride, s.padding, 1});
    check_exact(OpKind::max_pool, s, x, {}, expected, extra);
  } else if (kind == 1) {
    const std::vector<float> gate(b.begin(), b.begin() + e.n * e.c);
    s.b = at(Place::arena, {e.n, 1, 1, e.c});
    reference::scale(shape(e), x.data(), gate.data(), expected.data());
    check_exact(OpKind::scale, s, x, gate, expected, extra);
  } else if (kind == 2) {
    s.b = at(Place::arena, e);
    for (std::size_t i = 0; i < x.size(); ++i) expected[i] = x[i] + b[i];
    check_exact(OpKind::add, s, x, b, expected, extra);
  } else if (kind == 3) {
    check_exact(OpKind::input, s, x, b, x, extra);
  } else if (kind == 4) {
    const Extents twice{e.n, e.h, e.w, 2 * e.c};
    s.b = at(Place::arena, e);
    s.y = at(Place::output, twice);
    auto joined = zeros(twice);
    expected = joined;
    reference::concat_part(shape(e), x.data(), 2 * e.c, 0, joined.data());
    reference::concat_part(shape(e), b.data(), 2 * e.c, e.c, joined.data());
    reference::shuffle(shape(twice), joined.data(), 2, expected.data());
    check_exact(OpKind::concat, s, x, b, expected, extra);
  } else if (kind == 5) {
    s.groups = in.between(1, e.c);
    while (e.c % s.groups != 0) --s.groups;
    reference::shuffle(shape(e), x.data(), s.groups, expected.data());
    check_exact(OpKind::shuffle, s, x, {}, expected, extra);
  } else if (kind == 6) {
    Op op;
    op.factor = in.between(1, 3);
    const Extents out{e.n, e.h * op.factor, e.w * op.factor, e.c};
    s.y = at(Place::output, out);
    s.source = &op;
    expected = zeros(out);
    reference::upsample_forward(op, shape(e), x.data(), shape(out), expected.data());
    check_exact(OpKind::upsample, s, x, {}, expected, extra);
  } else if (kind == 7) {
    const Extents coarse{e.n, in.between(1, e.h), in.between(1, e.w), e.c};
    s.b = at(Place::arena, coarse);
    const std::vector<float> small(b.begin(), b.begin() + coarse.floats());
    reference::add_upsampled(shape(e), x.data(), shape(coarse), small.data(), expected.data());
    check_exact(OpKind::add_upsampled, s, x, small, expected, extra);
  } else {
    const Extents out{e.n, 1, 1, e.c};
    s.y = at(Place::output, out);
    expected = zeros(out);
    reference::mean_hw(shape(e), x.data(), expected.data());
    const double bound = (16 + 3 + e.h * e.w / 64 + 2) * 6e-8;
    on_each_backend([&](const Backend& backend) {
      const auto y =
          run_step(backend.operation(OpKind::mean_hw, DType::f32, DType::f32), s, x, {}, expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i)
        require(std::fabs(static_cast<double>(y[i]) - static_cast<double>(expected[i])) <= bound);
    });
  }
}

/// Activations of any numbers, also infinities and NaN.
void check_activation(Input& in) {
  Step s;
  s.act = in.one_of(acts);
  const auto x = in.floats(in.between(1, 70));
  s.x = at(Place::input, {1, 1, static_cast<int>(x.size()), 1});
  s.y = at(Place::output, s.x.extents);
  on_each_backend([&](const Backend& backend) {
    const auto y =
        run_step(backend.operation(OpKind::activation, DType::f32, DType::f32), s, x, {}, x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i])) {
        require(!std::isnan(x[i]) || std::isnan(y[i]));
        continue;
      }
      const double want = reference::act(s.act, static_cast<double>(x[i]));
      // What is too large for a float, in the result or on the way to it, is left out.
      if (std::fabs(static_cast<double>(x[i])) > 1e37) continue;
      require(std::fabs(static_cast<double>(y[i]) - want) <= 5e-7 * std::fmax(1.0, std::fabs(want)));
    }
  });
}

/// Halves of any bits, and weights that are scaled.
void check_weights(Input& in) {
  const int count = in.between(1, 70);
  std::vector<unsigned char> halves(2 * static_cast<std::size_t>(count));
  for (unsigned char& b : halves) b = in.byte();
  std::vector<float> expected;
  bool finite = true;
  for (int i = 0; i < count; ++i) {
    const auto* const half = halves.data() + 2 * i;
    expected.push_back(detail::half_to_float(static_cast<std::uint16_t>(half[0] | half[1] << 8)));
    finite = finite && std::isfinite(expected.back());
  }
  on_each_backend([&](const Backend& backend) {
    GuardedFloats out(expected.size());
    require(backend.weights.halves_to_floats(halves.data(), count, out.data()) == finite);
    if (finite) require(std::equal(out.begin(), out.end(), expected.begin()));
  });
}

/// Levels of images as floats, to the bit.
void check_levels(Input& in, Rng& rng) {
  const int pixels = in.below(70);
  const auto numbers = random(6, rng);
  std::vector<unsigned char> levels(3 * static_cast<std::size_t>(pixels));
  for (unsigned char& level : levels) level = in.byte();
  on_each_backend([&](const Backend& backend) {
    GuardedFloats out(levels.size() + 5);
    backend.image.to_floats(levels.data(), pixels, numbers.data(), numbers.data() + 3, out.data());
    for (std::size_t i = 0; i < out.size(); ++i)
      require(i < levels.size()
                  ? out[i] == (static_cast<float>(levels[i]) - numbers[i % 3]) * numbers[3 + i % 3]
                  : std::isnan(out[i]));
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  const int what = in.below(8);
  Rng rng(in.byte());
  if (what < 4) check_conv(in);
  if (what == 4) check_map(in, rng);
  if (what == 5) check_activation(in);
  if (what == 6) check_weights(in);
  if (what == 7) check_levels(in, rng);
  return 0;
}
