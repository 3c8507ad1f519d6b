// Convolutions by one kernel of a backend, compared with their formula.
#pragma once

#include <tinyfiqa/threads/run_threads.hpp>

#include "single_step.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace single_step {

/// A convolution, and where its operands lie.
struct ConvCase {
  ConvShape shape;
  int n, h, w;
  Act act = Act::none;
  bool residual = false;
  int extra_stride = 0;  // the input is a slice of a map with this many more channels
  int threads = 1;
};

inline std::string text(const ConvCase& c) {
  return "cout " + std::to_string(c.shape.cout) + " cin " + std::to_string(c.shape.cin) + " window " +
         std::to_string(c.shape.window) + " stride " + std::to_string(c.shape.stride) + " groups " +
         std::to_string(c.shape.groups) + " input " + std::to_string(c.n) + "x" + std::to_string(c.h) + "x" +
         std::to_string(c.w) + " act " + act_name(c.act) + (c.residual ? " residual" : "");
}

/// Runs the backend's kernel and the formula, and compares within the bound of a dot product in floats,
/// (k + 1) eps sum |a||b|, times the largest derivative of the activations, plus one rounding of the result. Returns how
/// many times the bound the worst error is; 0 if none is beyond it.
inline double worst_conv_error(const Backend& backend, const ConvCase& c, GuardedFloats::Guard guard) {
  Rng rng(17, static_cast<std::uint64_t>(c.shape.cout * 1000 + c.shape.cin));
  const int out_h = (c.h + 2 * c.shape.padding - c.shape.window) / c.shape.stride + 1;
  const int out_w = (c.w + 2 * c.shape.padding - c.shape.window) / c.shape.stride + 1;
  const Extents in{c.n, c.h, c.w, c.shape.cin}, out{c.n, out_h, out_w, c.shape.cout};
  const auto weights = static_cast<std::size_t>(c.shape.cout) * static_cast<std::size_t>(c.shape.depth());
  const std::vector<float> weight = random(weights, rng),
                           slope = random(static_cast<std::size_t>(c.shape.cout), rng);
  const std::vector<float> bias = random(static_cast<std::size_t>(c.shape.cout), rng);

  const Kernel* kernel = backend.conv(c.shape);
  if (kernel == nullptr) return 1e9;
  const std::size_t packed_floats = kernel->packed_bytes(c.shape) / sizeof(float);
  GuardedFloats packed(packed_floats + slope.size(), guard), workspace(weights, guard);
  FoldedConv folded;
  folded.shape = c.shape;
  folded.weight = weight.data();
  folded.bias = bias.data();
  kernel->pack(folded, workspace.data(), bytes_of(packed));
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
  GuardedFloats scratch(kernel->scratch_bytes == nullptr
                            ? 1
                            : kernel->scratch_bytes(c.shape, c.w) / sizeof(float) *
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
  RunThreads threads;
  (void)threads.start(c.threads);  // one thread, if the program has no others
  f.team = threads.team();
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
  return worst;
}

}  // namespace single_step
