// Training of a convolution with batch norm (or bias) and activation: what all kinds of convolution share.
//
//   forward     z = conv(x), and the statistics of z. The value v = act(scale (z - mean) + shift) is lazy:
//               the operations that read it compute it.
//   backward    the sums over dv and z that batch norm needs (kernels/train/batch_norm.hpp). Then for a few
//               pixels at a time, in the cache: dz from dv and z, dW += dz^T x, dx = dz W.
//
// A kind (pointwise, depthwise, dense, norm alone) is a struct with
//   Shared, place_shared          its scratch that all threads share
//   Workspace, place_workspace    its scratch of one thread
//   tasks, backward_tasks         the number of independent tasks of forward and of backward
//   prepare_forward, prepare_backward    what is done once before the tasks: packing of weights
//   clear                         clears one thread's gradient of the weights
//   forward(..., begin, end, done)       runs tasks begin .. end; calls done(z, floats) for each run of z
//                                        that it has written
//   backward(..., begin, end, done)      runs tasks begin .. end; calls done(first, pixels) when dx is
//                                        complete for these pixels
//   sums_dx                       whether backward calls done
//   reduce                        adds one thread's gradient of the weights to dweight
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/kernels/train/batch_norm.hpp>
#include <tinyfiqa/kernels/train/weight_gradient.hpp>

#include <cmath>

TINYFIQA_ISA_BEGIN(kernels)

/// Pixel strides are in floats. Arrays [Cout] are dense.
struct TrainConvArgs {
  LazyMap<float> x;                    ///< [N, H, W, Cin]
  int out_h = 0, out_w = 0, cout = 0;  ///< of the output
  int window = 1, stride = 1, padding = 0, groups = 1;
  const float* weight = nullptr;  ///< [Cout][Cin / G][K][K]; null for norm alone
  float* z = nullptr;  ///< [N, H', W', Cout], dense; not null: written by forward, read by backward
  Act act = Act::none;

  // Batch norm or bias, [Cout] each.
  const float *gamma = nullptr, *beta = nullptr;          ///< batch norm: neither null; else both null
  const float* bias = nullptr;                            ///< null for none
  const float* slope = nullptr;                           ///< for prelu; null: fixed_slope in all channels
  float fixed_slope = 0;                                  ///< of prelu without slope
  float *running_mean = nullptr, *running_var = nullptr;  ///< batch norm: neither null
  float eps = 0, momentum = 0;
  bool batch_statistics = false;  ///< true: forward updates the running ones
  float *mean = nullptr, *inverse_std = nullptr, *scale = nullptr, *shift = nullptr;  ///< kept for backward

  // Backward. Gradients of parameters are added to: dweight in the layout of weight (null for norm alone
  // only), the others [Cout], null where there is no such parameter.
  const float* dv = nullptr;  ///< gradient of v, [N, H', W', Cout]; not null
  std::ptrdiff_t dv_pixel_stride = 0;
  float *dweight = nullptr, *dgamma = nullptr, *dbeta = nullptr, *dbias = nullptr, *dslope = nullptr;
  float* dx = nullptr;  ///< [N, H, W, Cin]; null if it is not needed
  std::ptrdiff_t dx_pixel_stride = 0;
  bool accumulate = false;  ///< dx += instead of dx =

  // The sums over a gradient that batch norm's backward begins with (gradient_sums below). An operation that
  // completes the gradient can take them while the values are in the cache.
  const double* dv_sums = nullptr;  ///< [3][Cout], over dv; null: this backward takes them itself
  double* dx_sums = nullptr;        ///< [3][Cin], to be taken over dx; null if they are not needed

  Team team;
  Communicator* ranks =
      nullptr;  ///< statistics of the batch are over the images of all ranks; null: of x alone
};

/// Pixels in a block, the unit of work of a thread: a multiple of the heights of gemm's tiles.
inline constexpr int train_block = 96;

TINYFIQA_INLINE long long out_pixels(const TrainConvArgs& a) {
  return static_cast<long long>(a.x.n) * a.out_h * a.out_w;
}
TINYFIQA_INLINE double train_macs(const TrainConvArgs& a) {
  return static_cast<double>(out_pixels(a)) * a.cout * (a.x.c / a.groups) * a.window * a.window;
}

/// Scratch that every kind needs, shared by all threads.
struct ConvShared {
  LazyPattern x;           ///< constants of x
  NormPattern norm;        ///< constants of dz
  double* sums = nullptr;  ///< [3][cout], and a place for a number of pixels
};
TINYFIQA_INLINE ConvShared place_conv_shared(ScratchLayout& layout, const TrainConvArgs& a) {
  ConvShared s;
  s.x = place_lazy_pattern(layout, a.x.c);
  s.norm = place_norm_pattern(layout, a.cout);
  s.sums = place_doubles(layout, size_of(3, a.cout) + 1);
  return s;
}

/// The scratch of a training convolution, for the size query (null scratch) and for use: the shared part,
/// then one part for each thread.
template <class Kind>
struct ConvMemory {
  ConvShared common;
  typename Kind::Shared shared;
  std::size_t shared_floats = 0, thread_floats = 0;
  float* base = nullptr;

  TINYFIQA_INLINE ConvMemory(const TrainConvArgs& a, float* scratch) : base(scratch) {
    ScratchLayout layout{scratch, 0};
    common = place_conv_shared(layout, a);
    shared = Kind::place_shared(layout, a);
    shared_floats = layout.used;
    ScratchLayout one;
    Kind::place_workspace(one, a, common);
    place_sums(one, a.cout);
    place_sums(one, a.x.c);
    place_floats(one, size_of(train_block, a.cout));
    thread_floats = one.used;
  }
  TINYFIQA_INLINE std::size_t floats(int threads) const {
    return shared_floats + thread_floats * static_cast<std::size_t>(threads);
  }
  struct Thread {
    typename Kind::Workspace workspace;
    ChannelSums sums, dx_sums;
    float* gathered;  ///< train_block pixels of a strided gradient
  };
  TINYFIQA_INLINE Thread thread(const TrainConvArgs& a, int index) const {
    ScratchLayout layout{base + shared_floats + thread_floats * static_cast<std::size_t>(index), 0};
    Thread t;
    t.workspace = Kind::place_workspace(layout, a, common);
    t.sums = place_sums(layout, a.cout);
    t.dx_sums = place_sums(layout, a.x.c);
    t.gathered = place_floats(layout, size_of(train_block, a.cout));
    return t;
  }
};

/// True if z is normalised by the statistics of the batch.
TINYFIQA_INLINE bool batch_normed(const TrainConvArgs& a) { return a.gamma != nullptr && a.batch_statistics; }

/// Adds up the first two rows of sums [3][Cout] over all ranks, and returns their number of pixels. Overwrites the third row.
inline double sum_over_ranks(const TrainConvArgs& a, double* sums) {
  double& pixels = sums[2 * a.cout];
  pixels = static_cast<double>(out_pixels(a));
  if (a.ranks != nullptr) a.ranks->sum(Span<double>(sums, size_of(2, a.cout) + 1));
  return pixels;
}

/// Computes mean, inverse_std, scale and shift [Cout] from the sums of z - pivot and its squares over `count` pixels, or from
/// the running statistics. Those move by `momentum` towards the batch's mean and unbiased variance, as in
/// PyTorch. Running means are of z + bias.
inline void finish_statistics(const TrainConvArgs& a, const double* sums, double count) {
  const double *const first = sums, *const second = sums + a.cout;
  for (int c = 0; c < a.cout; ++c) {
    auto mean = static_cast<double>(a.running_mean[c]), var = static_cast<double>(a.running_var[c]);
    const double bias = a.bias == nullptr ? 0 : static_cast<double>(a.bias[c]);
    if (!a.batch_statistics) mean -= bias;
    if (a.batch_statistics) {
      const double off = first[c] / count;
      const double squares = second[c] - first[c] * off;
      const double m = static_cast<double>(a.momentum);
      const double old_mean = mean, old_var = var;
      mean += off;
      var = squares > 0 ? squares / count : 0;
      a.running_mean[c] = static_cast<float>(old_mean + m * (mean + bias - old_mean));
      const double unbiased = count > 1 ? var * count / (count - 1) : var;
      a.running_var[c] = static_cast<float>(old_var + m * (unbiased - old_var));
    }
    const double inverse = 1 / std::sqrt(var + static_cast<double>(a.eps));
    const double scale = static_cast<double>(a.gamma[c]) * inverse;
    a.mean[c] = static_cast<float>(mean);
    a.inverse_std[c] = static_cast<float>(inverse);
    a.scale[c] = static_cast<float>(scale);
    a.shift[c] = a.beta[c];
  }
}

/// The same without batch norm: the readers of z add the bias.
inline void finish_bias(const TrainConvArgs& a) {
  for (int c = 0; c < a.cout; ++c) {
    a.mean[c] = 0;
    a.inverse_std[c] = a.scale[c] = 1;
    a.shift[c] = a.bias == nullptr ? 0.0f : a.bias[c];
  }
}

/// Forward of a kind. `scratch` has train_conv_scratch<Kind>(a) floats.
template <class Kind>
inline void train_conv_forward(const TrainConvArgs& a, float* scratch) {
  ConvMemory<Kind> m(a, scratch);
  fill_lazy_pattern(a.x, m.common.x);
  const bool sums = batch_normed(a);
  double count = 0;
  if (sums) {
    make_pattern(a.running_mean, a.cout, 0.0f, m.common.norm.u.centre);
    for (int t = 0; t < a.team.threads; ++t) clear_sums(m.thread(a, t).sums, a.cout);
  }
  Kind::prepare_forward(a, m.shared);
  parallel_split(worth_team(a.team, train_macs(a)), Kind::tasks(a), [&](int begin, int end, int t) {
    auto thread = m.thread(a, t);
    Kind::forward(a, m.common, m.shared, thread.workspace, begin, end,
                  [&](const float* z, std::ptrdiff_t floats) {
                    if (sums)
                      add_moments(z, floats, m.common.norm.u.period, m.common.norm.u.centre, thread.sums);
                  });
  });
  if (sums) {
    gather_sums(a.team.threads, a.cout, m.common.sums, [&](int t) { return m.thread(a, t).sums; });
    count = sum_over_ranks(a, m.common.sums);
  }
  if (a.gamma != nullptr)
    finish_statistics(a, m.common.sums, count);
  else
    finish_bias(a);
}

/// dv of `pixels` pixels from pixel `first` on, dense: where it is, or copied to `buffer` [pixels, Cout].
TINYFIQA_INLINE const float* dense_gradient(const TrainConvArgs& a, long long first, int pixels,
                                            float* buffer) {
  const float* dv = a.dv + first * a.dv_pixel_stride;
  if (a.dv_pixel_stride == a.cout) return dv;
  gather_pixels(dv, a.dv_pixel_stride, pixels, a.cout, buffer);
  return buffer;
}

/// Computes dz [pixels, Cout], dense, of `pixels` pixels from pixel `first` on.
inline void read_gradient(const TrainConvArgs& a, const NormPattern& p, long long first, int pixels,
                          float* dz) {
  const float* dv = dense_gradient(a, first, pixels, dz);
  const std::ptrdiff_t floats = static_cast<std::ptrdiff_t>(pixels) * a.cout;
  with_act(a.act,
           [&](auto tag) { gradient_flat<decltype(tag)::act>(dv, a.z + first * a.cout, floats, p, dz); });
}

/// m.common.sums [3][Cout] = sums over all pixels of g, g (z - mean) and, for prelu, dv min(u, 0).
template <class Memory>
inline void gradient_sums(const TrainConvArgs& a, const Memory& m) {
  for (int t = 0; t < a.team.threads; ++t) clear_sums(m.thread(a, t).sums, a.cout);
  const auto pixels = static_cast<int>(out_pixels(a));
  const int blocks = (pixels + train_block - 1) / train_block;
  const double work = static_cast<double>(pixels) * a.cout;
  parallel_split(worth_team(a.team, work), blocks, [&](int begin, int end, int t) {
    auto thread = m.thread(a, t);
    with_act(a.act, [&](auto tag) {
      for (int b = begin; b < end; ++b) {
        const int first = b * train_block,
                  count = pixels - first < train_block ? pixels - first : train_block;
        add_gradient_sums<decltype(tag)::act>(dense_gradient(a, first, count, thread.gathered),
                                              a.z + static_cast<std::ptrdiff_t>(first) * a.cout,
                                              static_cast<std::ptrdiff_t>(count) * a.cout, m.common.norm.u,
                                              thread.sums);
      }
    });
  });
  gather_sums(a.team.threads, a.cout, m.common.sums, [&](int t) { return m.thread(a, t).sums; });
}

/// Adds to the gradients of gamma, beta, bias and slope: this rank's part of them.
inline void add_parameter_gradients(const TrainConvArgs& a, const double* sums) {
  const double *const first = sums, *const second = first + a.cout, *const third = second + a.cout;
  const bool batch = batch_normed(a);  // z - mean does not depend on a bias then
  for (int c = 0; c < a.cout; ++c) {
    if (a.dbeta != nullptr) a.dbeta[c] += static_cast<float>(first[c]);
    if (a.dgamma != nullptr)
      a.dgamma[c] += static_cast<float>(second[c] * static_cast<double>(a.inverse_std[c]));
    if (a.dslope != nullptr) a.dslope[c] += static_cast<float>(third[c]);
    if (a.dbias != nullptr && !batch)
      a.dbias[c] += static_cast<float>(static_cast<double>(a.scale[c]) * first[c]);
  }
}

/// Overwrites sums [3][Cout] by k1, k2 and k3 of dz = k1 g + k2 (z - mean) + k3. The sums are added up over all ranks.
inline void finish_gradient(const TrainConvArgs& a, double* sums) {
  const bool batch = batch_normed(a);
  const double count = batch ? sum_over_ranks(a, sums) : 0;
  double *const first = sums, *const second = first + a.cout, *const third = second + a.cout;
  for (int c = 0; c < a.cout; ++c) {
    const auto inverse = static_cast<double>(a.inverse_std[c]), scale = static_cast<double>(a.scale[c]);
    const double sum = first[c], along = second[c] * inverse;
    first[c] = scale;
    second[c] = batch ? -scale * inverse * along / count : 0;
    third[c] = batch ? -scale * sum / count : 0;
  }
}
/// The patterns of the constants k [3][Cout] that finish_gradient left.
inline void fill_norm_pattern(const TrainConvArgs& a, const double* k, const NormPattern& p) {
  float* const patterns[] = {p.k1, p.k2, p.k3};
  for (float* pattern : patterns) {
    for (int i = 0, c = 0; i < p.u.period; ++i) {
      pattern[i] = static_cast<float>(k[c]);
      if (++c == a.cout) c = 0;
    }
    k += a.cout;
  }
}

/// Backward of a kind, after its forward. `scratch` has train_conv_scratch<Kind>(a) floats.
template <class Kind>
inline void train_conv_backward(const TrainConvArgs& a, float* scratch) {
  ConvMemory<Kind> m(a, scratch);
  fill_lazy_pattern(a.x, m.common.x);
  const LazyPattern& u = m.common.norm.u;
  make_pattern(a.scale, a.cout, 1.0f, u.scale);
  make_pattern(a.shift, a.cout, 0.0f, u.shift);
  make_pattern(a.slope, a.cout, a.fixed_slope, u.slope);
  make_pattern(a.mean, a.cout, 0.0f, u.centre);
  if (a.dv_sums == nullptr)
    gradient_sums(a, m);
  else
    std::memcpy(m.common.sums, a.dv_sums, size_of(3, a.cout) * sizeof(double));
  add_parameter_gradients(a, m.common.sums);
  finish_gradient(a, m.common.sums);
  fill_norm_pattern(a, m.common.sums, m.common.norm);
  Kind::prepare_backward(a, m.shared);
  for (int t = 0; t < a.team.threads; ++t) {
    Kind::clear(a, m.thread(a, t).workspace);
    clear_sums(m.thread(a, t).dx_sums, a.x.c);
  }
  parallel_split(
      worth_team(a.team, 2 * train_macs(a)), Kind::backward_tasks(a), [&](int begin, int end, int t) {
        auto thread = m.thread(a, t);
        Kind::backward(a, m.common, m.shared, thread.workspace, begin, end, [&](long long first, int pixels) {
          if (a.dx_sums != nullptr) add_completed_sums(a.x, a.dx, m.common.x, first, pixels, thread.dx_sums);
        });
      });
  if (a.dx_sums != nullptr)
    gather_sums(a.team.threads, a.x.c, a.dx_sums, [&](int t) { return m.thread(a, t).dx_sums; });
  for (int t = 0; t < a.team.threads; ++t) Kind::reduce(a, m.thread(a, t).workspace);
}

/// Scratch of forward and backward for all of the team's threads, in floats.
template <class Kind>
inline std::size_t train_conv_scratch(const TrainConvArgs& a) {
  return ConvMemory<Kind>(a, nullptr).floats(a.team.threads);
}

TINYFIQA_ISA_END
