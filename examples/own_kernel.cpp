// A kernel of your own in the library's table, measured beside the library's: here a depthwise convolution of 3x3 windows,
// written as plain loops. The plan, the arena and the packed weights are the library's, and so is the comparison.
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/nn/layers.hpp>
#include <tinyfiqa/tinyfiqa.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

namespace fq = tinyfiqa;

// The packed weights are up to the kernel: here [3][3][C], then the bias [C].
static std::size_t own_packed_bytes(const fq::ConvShape& c) {
  return static_cast<std::size_t>(c.cout) * 10 * sizeof(float);
}

static void own_pack(const fq::FoldedConv& conv, float*, unsigned char* packed) {
  const int channels = conv.shape.cout;
  float* to = reinterpret_cast<float*>(packed);
  for (int tap = 0; tap < 9; ++tap)
    for (int c = 0; c < channels; ++c) *to++ = conv.weight[c * 9 + tap];
  std::copy(conv.bias, conv.bias + channels, to);
}

// One step: x [N, H, W, C] -> y [N, H', W', C], with padding 1. The step says where the maps are; strides count floats.
static void own_run(const fq::Step& s, const fq::Frame& f) {
  const float *x = f.read<float>(s.x), *packed = reinterpret_cast<const float*>(f.packed + s.packed);
  float* y = f.write<float>(s.y);
  const fq::Extents &in = s.x.extents, &out = s.y.extents;
  const float* bias = packed + 9 * out.c;
  for (int i = 0; i < out.n * out.h * out.w; ++i, y += s.y.pixel_stride) {
    const int ox = i % out.w, oy = i / out.w % out.h, image = i / (out.w * out.h);
    std::copy(bias, bias + out.c, y);
    for (int tap = 0; tap < 9; ++tap) {
      const int iy = oy * s.stride + tap / 3 - 1, ix = ox * s.stride + tap % 3 - 1;
      if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
      const float *from = x + ((image * in.h + iy) * in.w + ix) * s.x.pixel_stride,
                  *weight = packed + tap * out.c;
      for (int c = 0; c < out.c; ++c) y[c] += from[c] * weight[c];
    }
    if (s.act == fq::Act::relu)
      for (int c = 0; c < out.c; ++c) y[c] = std::max(y[c], 0.0f);
  }
}

static constexpr fq::Kernel own_kernel = [] {
  fq::Kernel k;
  k.name = "depthwise_f32/plain_loops";
  k.run = own_run;
  k.packed_bytes = own_packed_bytes;
  k.pack = own_pack;
  return k;
}();

// The library's choice, but for the convolutions that the kernel can do. (A Kernel has no activation to announce: what it
// can't do must not be chosen.)
static const fq::Kernel* own_choice(const fq::ConvShape& c) {
  const bool mine = c.groups == c.cin && c.groups == c.cout && c.window == 3 && c.padding == 1;
  return mine ? &own_kernel : fq::native_backend().conv(c);
}

struct OneLayer {
  fq::ConvNorm<72, 72, 3, 1, 72, fq::Act::relu> depthwise;

  fq::Outputs operator()(fq::Graph& g) const { return fq::Outputs().add("map", depthwise(g, g.input<72>())); }
  template <class Walk>
  void visit(Walk& walk) {
    fq::visit_in(walk, "depthwise", depthwise, 0, 1);
  }
};

// Best of 50 runs, in microseconds.
static double best_us(fq::Session& session, const std::vector<float>& x, std::vector<float>& y) {
  double best = 1e30;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.run(x.data(), y.data());
    best = std::min(
        best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

int main() {
  fq::Backend backend = fq::native_backend();
  backend.conv = own_choice;

  const auto spec =
      fq::ModelSpec::named("one_layer", "an example").with_input({40, 40, {}}).defined_by<OneLayer>();
  const fq::Model with_own(spec, backend), with_theirs(spec);  // the same random weights
  auto own = fq::Session::create(with_own, 1, 40, 40), theirs = fq::Session::create(with_theirs, 1, 40, 40);
  if (!own || !theirs) return std::fprintf(stderr, "%s\n", (own ? theirs : own).status().message()), 1;

  std::vector<float> x(own->input_floats()), y(own->output_floats()), expected(y.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  for (const auto& [session, map] : {std::pair{&*own, &y}, std::pair{&*theirs, &expected}})
    std::printf("%-36s %8.2f us\n", session->plan().steps[0].kernel->name, best_us(*session, x, *map));
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::fabs(y[i] - expected[i])));
  std::printf("largest difference %.1e\n", worst);
  return worst < 1e-5 ? 0 : 1;
}
