// Filter banks that are defined in the frequency domain and applied to square images by a Fourier transform.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cmath>
#include <complex>
#include <cstddef>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// A coefficient of a transform.
using Complex = std::complex<float>;

/// The fast Fourier transform (Cooley and Tukey 1965) of square images [side, side]; `side` is a power of
/// two. Not thread safe: it owns scratch memory.
class SquareFourier {
 public:
  explicit SquareFourier(std::size_t side) : side_(side), column_(side) {
    for (std::size_t i = 0; i < side / 2; ++i)
      twiddles_.push_back(std::polar(1.0f, -6.2831853f * static_cast<float>(i) / static_cast<float>(side)));
  }
  std::size_t side() const { return side_; }

  /// X[v, u] = sum over y, x of x[y, x] exp(-2 pi i (u x + v y) / side), in-place.
  void forward(std::vector<Complex>& x) {
    for (std::size_t y = 0; y < side_; ++y) line(x.data() + y * side_);
    for (std::size_t u = 0; u < side_; ++u) {
      for (std::size_t y = 0; y < side_; ++y) column_[y] = x[y * side_ + u];
      line(column_.data());
      for (std::size_t y = 0; y < side_; ++y) x[y * side_ + u] = column_[y];
    }
  }
  /// The inverse of forward(), in-place: the conjugate of forward() of the conjugate, divided by side^2.
  void inverse(std::vector<Complex>& x) {
    for (Complex& v : x) v = std::conj(v);
    forward(x);
    const float scale = 1 / static_cast<float>(side_ * side_);
    for (Complex& v : x) v = std::conj(v) * scale;
  }

 private:
  /// Transforms one line of `side` values, in-place.
  void line(Complex* x) const {
    for (std::size_t i = 1, j = 0; i < side_; ++i) {  // bit-reversal permutation
      std::size_t bit = side_ / 2;
      for (; (j & bit) != 0; bit /= 2) j ^= bit;
      j ^= bit;
      if (i < j) std::swap(x[i], x[j]);
    }
    for (std::size_t half = 1; half < side_; half *= 2)
      for (std::size_t start = 0; start < side_; start += 2 * half)
        for (std::size_t k = 0; k < half; ++k) {
          // Not std::complex's product: it also handles infinities, which takes
          // longer than the product itself.
          const Complex w = twiddles_[k * (side_ / 2 / half)], a = x[start + k], b = x[start + k + half];
          const Complex t(w.real() * b.real() - w.imag() * b.imag(),
                          w.real() * b.imag() + w.imag() * b.real());
          x[start + k] = a + t;
          x[start + k + half] = a - t;
        }
  }

  std::size_t side_;
  std::vector<Complex> twiddles_, column_;
};

/// A frequency in radians per pixel, -pi..pi.
struct Frequency {
  float x = 0, y = 0;
};
/// The frequency of coefficient [v, u] of a transform [side, side].
inline Frequency frequency_at(std::size_t v, std::size_t u, std::size_t side) {
  const auto signed_part = [&](std::size_t i) {
    const auto n = static_cast<float>(side), k = static_cast<float>(i);
    return 6.2831853f * (k < n / 2 ? k : k - n) / n;
  };
  return {signed_part(u), signed_part(v)};
}

/// A bank of real transfer functions [side, side]. Not thread safe: each thread needs its own object.
class FilterBank {
 public:
  explicit FilterBank(std::size_t side) : fourier_(side) {}

  /// Adds a filter. `transfer(Frequency)` returns its real transfer function.
  template <class Transfer>
  void add(const Transfer& transfer) {
    const std::size_t n = fourier_.side();
    std::vector<float> f(n * n);
    for (std::size_t v = 0; v < n; ++v)
      for (std::size_t u = 0; u < n; ++u) f[v * n + u] = transfer(frequency_at(v, u, n));
    filters_.push_back(std::move(f));
  }
  std::size_t size() const { return filters_.size(); }

  /// The spectrum of an image [side, side], for respond(). The filters treat the image as periodic.
  std::vector<Complex> spectrum(const std::vector<float>& image) {
    std::vector<Complex> s(image.begin(), image.end());
    fourier_.forward(s);
    return s;
  }
  /// The response [side, side] of one filter to an image with this spectrum.
  std::vector<Complex> respond(const std::vector<Complex>& spectrum, std::size_t filter) {
    std::vector<Complex> r(spectrum.size());
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = spectrum[i] * filters_[filter][i];
    fourier_.inverse(r);
    return r;
  }
  /// The mean magnitude of each filter's response in each of cells x cells squares: [size(), cells, cells].
  std::vector<float> cell_magnitudes(const std::vector<float>& image, std::size_t cells) {
    const std::size_t n = fourier_.side(), cell = n / cells;
    const std::vector<Complex> s = spectrum(image);
    std::vector<float> means(size() * cells * cells);
    for (std::size_t f = 0; f < size(); ++f) {
      const std::vector<Complex> r = respond(s, f);
      float* to = means.data() + f * cells * cells;
      for (std::size_t y = 0; y < cell * cells; ++y)
        for (std::size_t x = 0; x < cell * cells; ++x)
          to[y / cell * cells + x / cell] +=
              std::sqrt(std::norm(r[y * n + x])) / static_cast<float>(cell * cell);
    }
    return means;
  }

 private:
  SquareFourier fourier_;
  std::vector<std::vector<float>> filters_;
};

TINYFIQA_END
