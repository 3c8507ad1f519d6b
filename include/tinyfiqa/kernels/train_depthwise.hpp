// Training of depthwise convolutions. Rows are padded with zeros and, for stride S, split by column modulo S:
//
//   S = 2, K = 3, padding 1:   columns   . 0 1 2 3 4 5 .        phase 0:  . 1 3 5     phase 1:  0 2 4 .
//
// so that every tap reads a run of floats, the same for all strides and channels (kernels/taps.hpp).
//   z[oy] = sum over ky, kx of w[ky][kx] x[oy S + ky][kx mod S][. + kx / S]
//   dw[ky][kx] += dz[oy] . x[oy S + ky][kx mod S][. + kx / S]
//   dx[row q][phase][t] = sum over ky = q mod S + S m, kx = phase + S m' of w[ky][kx] dz[q / S - m][t - m']
#pragma once

#include <tinyfiqa/kernels/taps.hpp>
#include <tinyfiqa/kernels/train_conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct DepthwiseTraining {
  static constexpr bool sums_dx = true;
  struct Shared {
    float *weight = nullptr, *zeros = nullptr;  ///< patterns [K * K][period]; one padded row
  };
  struct Room {
    LazyReader x;
    float *ring = nullptr, *row = nullptr;  ///< K padded rows of x; one row before it is split
    float *dz = nullptr, *dx = nullptr, *lanes = nullptr;
    int image = -1, next = 0;  ///< the ring holds rows next - K .. next - 1 of the padded image
  };

  // -- sizes
  static int reach(const TrainConvArgs& a) { return (a.kernel - 1) / a.stride; }
  static int columns(const TrainConvArgs& a) { return a.out_w + reach(a) + 1; }  // of one phase
  static std::size_t phase_floats(const TrainConvArgs& a) { return size_of(columns(a), a.x.c) + 16; }
  static std::size_t row_floats(const TrainConvArgs& a) {
    return phase_floats(a) * static_cast<std::size_t>(a.stride);
  }
  static std::size_t dz_row_floats(const TrainConvArgs& a) {
    return size_of(a.out_w + 2 * reach(a) + 2, a.x.c) + 16;
  }
  static int tasks(const TrainConvArgs& a) { return a.x.n * a.out_h; }
  static int backward_tasks(const TrainConvArgs& a) { return a.x.n; }

  static Shared carve_shared(Carver& room, const TrainConvArgs& a) {
    Shared s;
    s.weight = carve(room, size_of(a.kernel, a.kernel, pattern_period(a.x.c)));
    s.zeros = carve(room, row_floats(a) + dz_row_floats(a));
    return s;
  }
  static Room carve_room(Carver& room, const TrainConvArgs& a, const ConvShared& common) {
    Room r;
    r.x = carve_reader(room, a.x, 1);
    r.x.pattern = common.x;
    r.row = carve(room, size_of(a.x.w, a.x.c));
    r.ring = carve(room, row_floats(a) * size_of(a.kernel));
    r.dz = carve(room, dz_row_floats(a) * size_of(a.out_h));
    r.dx = carve(room, size_of(a.x.w + a.stride, a.x.c) + 16);
    r.lanes = carve(room, size_of(a.kernel, a.kernel, pattern_period(a.x.c)));
    return r;
  }

  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    const int taps = a.kernel * a.kernel, period = pattern_period(a.x.c);
    for (int t = 0; t < taps; ++t)
      for (int i = 0, c = 0; i < period; ++i) {
        s.weight[t * period + i] = a.weight[c * taps + t];
        if (++c == a.x.c) c = 0;
      }
    std::memset(s.zeros, 0, (row_floats(a) + dz_row_floats(a)) * sizeof(float));
  }
  static void prepare_backward(const TrainConvArgs& a, Shared& s) { prepare_forward(a, s); }
  static void clear(const TrainConvArgs& a, const Room& r) {
    std::memset(r.lanes, 0, size_of(a.kernel, a.kernel, pattern_period(a.x.c)) * sizeof(float));
  }

  // -- rows of x

  /// Row `padded` of the padded image into its place of the ring, whose margins are zero.
  static void fill_row(const TrainConvArgs& a, Room& r, int image, int padded) {
    float* const slot = r.ring + static_cast<std::size_t>(padded % a.kernel) * row_floats(a);
    const int y = padded - a.padding;
    if (y < 0 || y >= a.x.h) return void(std::memset(slot, 0, row_floats(a) * sizeof(float)));
    const long long first = (static_cast<long long>(image) * a.x.h + y) * a.x.w;
    const int fits = columns(a) * a.stride - a.padding, count = fits < a.x.w ? fits : a.x.w;
    if (a.stride == 1) return read_pixels(r.x, first, count, slot + size_of(a.padding, a.x.c));
    read_pixels(r.x, first, count, r.row);
    for (int phase = 0; phase < a.stride; ++phase) {
      const int t = (a.padding - phase + a.stride - 1) / a.stride;  // the phase's first column in the image
      const int i = t * a.stride + phase - a.padding, pixels = (count - i + a.stride - 1) / a.stride;
      float* const to = slot + static_cast<std::size_t>(phase) * phase_floats(a) + size_of(t, a.x.c);
      if (pixels > 0)
        gather_pixels(r.row + size_of(i, a.x.c), static_cast<std::ptrdiff_t>(a.stride) * a.x.c, pixels, a.x.c,
                      to);
    }
  }
  /// Sources of output row oy.
  static void point_taps(const TrainConvArgs& a, Room& r, int image, int oy, Taps& taps) {
    const int top = oy * a.stride;
    if (r.image < 0) std::memset(r.ring, 0, row_floats(a) * size_of(a.kernel) * sizeof(float));
    if (r.image != image) r.next = top;
    if (r.next < top) r.next = top;
    r.image = image;
    for (; r.next < top + a.kernel; ++r.next) fill_row(a, r, image, r.next);
    taps.count = a.kernel * a.kernel;
    for (int ky = 0; ky < a.kernel; ++ky)
      for (int kx = 0; kx < a.kernel; ++kx)
        taps.source[ky * a.kernel + kx] =
            r.ring + static_cast<std::size_t>((top + ky) % a.kernel) * row_floats(a) +
            static_cast<std::size_t>(kx % a.stride) * phase_floats(a) + size_of(kx / a.stride, a.x.c);
  }

  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& r, int begin,
                      int end, const Done& done) {
    r.x.pattern = common.x;
    const int period = pattern_period(a.x.c), count = a.out_w * a.x.c;
    Taps taps;
    for (int t = 0; t < a.kernel * a.kernel; ++t) taps.weight[t] = s.weight + t * period;
    for (int i = begin; i < end; ++i) {
      point_taps(a, r, i / a.out_h, i % a.out_h, taps);
      float* const z = a.z + static_cast<std::ptrdiff_t>(i) * count;
      taps_sum(taps, count, period, false, z);
      done(z, count);
    }
  }

  // -- backward, image by image

  static float* dz_row(const TrainConvArgs& a, const Room& r, int oy) {
    return r.dz + static_cast<std::size_t>(oy) * dz_row_floats(a) + size_of(reach(a), a.x.c);
  }
  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& r, int begin,
                       int end, const Done& done) {
    r.x.pattern = common.x;
    const int period = pattern_period(a.x.c), count = a.out_w * a.x.c;
    Taps taps;
    std::memset(r.dz, 0, dz_row_floats(a) * size_of(a.out_h) * sizeof(float));  // the margins stay zero
    for (int image = begin; image < end; ++image) {
      for (int oy = 0; oy < a.out_h; ++oy) {
        float* const dz = dz_row(a, r, oy);
        read_gradient(a, common.norm, (static_cast<long long>(image) * a.out_h + oy) * a.out_w, a.out_w, dz);
        point_taps(a, r, image, oy, taps);
        taps_dot(taps, dz, count, period, r.lanes);
      }
      if (a.dx == nullptr) continue;
      for (int y = 0; y < a.x.h; ++y) {
        input_row(a, s, r, image, y);
        done((static_cast<long long>(image) * a.x.h + y) * a.x.w, a.x.w);
      }
    }
  }

  /// One row of dx.
  static void input_row(const TrainConvArgs& a, const Shared& s, const Room& r, int image, int y) {
    const int period = pattern_period(a.x.c), q = y + a.padding;
    float* const out = a.dx + (static_cast<long long>(image) * a.x.h + y) * a.x.w * a.dx_pixel;
    for (int phase = 0; phase < a.stride; ++phase) {
      // Columns t * stride + phase of the padded image that are columns of the image.
      const int t0 = (a.padding - phase + a.stride - 1) / a.stride;
      const int last = a.padding + a.x.w - 1 - phase;
      if (last < 0) continue;
      const int pixels = last / a.stride - t0 + 1;
      if (pixels <= 0) continue;
      Taps taps;
      for (int ky = q % a.stride; ky < a.kernel; ky += a.stride) {
        const int oy = q / a.stride - ky / a.stride;
        const float* row = oy >= 0 && oy < a.out_h ? dz_row(a, r, oy) : s.zeros + size_of(reach(a), a.x.c);
        for (int kx = phase; kx < a.kernel; kx += a.stride) {
          taps.source[taps.count] = row + static_cast<std::ptrdiff_t>(t0 - kx / a.stride) * a.x.c;
          taps.weight[taps.count++] = s.weight + (ky * a.kernel + kx) * period;
        }
      }
      const int ix = t0 * a.stride + phase - a.padding;
      if (a.stride == 1 && a.dx_pixel == a.x.c) {
        taps_sum_or_zero(taps, pixels * a.x.c, period, a.accumulate, out);
      } else {
        taps_sum_or_zero(taps, pixels * a.x.c, period, false, r.dx);
        scatter_pixels(r.dx, pixels, a.x.c, out + ix * a.dx_pixel, a.dx_pixel * a.stride, a.accumulate);
      }
    }
  }
  /// A phase without taps (stride > kernel) has gradient zero.
  static void taps_sum_or_zero(const Taps& taps, int count, int period, bool accumulate, float* y) {
    if (taps.count > 0)
      taps_sum(taps, count, period, accumulate, y);
    else if (!accumulate)
      std::memset(y, 0, size_of(count) * sizeof(float));
  }

  static void reduce(const TrainConvArgs& a, const Room& r) {
    const int taps = a.kernel * a.kernel, period = pattern_period(a.x.c);
    for (int t = 0; t < taps; ++t)
      for (int i = 0, c = 0; i < period; ++i) {
        a.dweight[c * taps + t] += r.lanes[t * period + i];
        if (++c == a.x.c) c = 0;
      }
  }
};

TINYFIQA_ISA_END
