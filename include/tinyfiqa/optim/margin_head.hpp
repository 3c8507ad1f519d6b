// The head and the losses that train face recognisers: the cosines of the embedding with one weight vector
// per person, and softmax with a margin (CosFace: Wang et al. 2018; ArcFace: Deng et al. 2019).
//
// The cosines are an operation of the network, so that the tape computes the exact gradient through the
// normalisation. The margin is part of the loss, because it depends on the labels.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/nn/custom_op.hpp>
#include <tinyfiqa/optim/losses.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// Cosines of embeddings x [N, 1, 1, D] and class weights w [K, D]; K is the number of
/// output channels of the operation.
///   y[n, k] = x[n] . w[k] / (|x[n]| |w[k]|)
///   dx[n] += sum over k of dy[n, k] (w[k] / |w[k]| - y[n, k] x[n] / |x[n]|) / |x[n]|, and the same for w
struct CosineLayer {
  static constexpr const char* name = "cosine";
  static Extents size(const Extents& a, const Extents&) { return {a.n, 1, 1, 0}; }

  template <class T>
  static void forward(const CustomCall<T>& call) {
    const Norms<T> norms(call);
    for (std::size_t n = 0; n < norms.x.size(); ++n)
      for (std::size_t k = 0; k < norms.w.size(); ++k)
        call.y[n * norms.w.size() + k] =
            dot_product(call.x[0] + n * norms.d, call.params + k * norms.d, norms.d) /
            (norms.x[n] * norms.w[k]);
  }
  template <class T>
  static void backward(const CustomCall<T>& call) {
    const Norms<T> norms(call);
    for (std::size_t n = 0; n < norms.x.size(); ++n)
      for (std::size_t k = 0; k < norms.w.size(); ++k) {
        const T y = call.y[n * norms.w.size() + k], dy = call.dy[n * norms.w.size() + k];
        const T *x = call.x[0] + n * norms.d, *w = call.params + k * norms.d;
        add_gradient(norms.d, dy, y, x, norms.x[n], w, norms.w[k], call.dparams + k * norms.d);
        if (call.dx[0] != nullptr)
          add_gradient(norms.d, dy, y, w, norms.w[k], x, norms.x[n], call.dx[0] + n * norms.d);
      }
  }

 private:
  /// The lengths of all vectors, at least 1e-12, so that a vector of zeros has cosine 0.
  template <class T>
  struct Norms {
    std::vector<T> x, w;
    std::size_t d;

    explicit Norms(const CustomCall<T>& call) : d(static_cast<std::size_t>(call.in[0].c)) {
      x = lengths(call.x[0], static_cast<std::size_t>(call.out.n), d);
      w = lengths(call.params, static_cast<std::size_t>(call.out.c), d);
    }
    static std::vector<T> lengths(const T* rows, std::size_t count, std::size_t d) {
      std::vector<T> v(count);
      for (std::size_t i = 0; i < count; ++i)
        v[i] = std::max(std::sqrt(dot_product(rows + i * d, rows + i * d, d)), T(1e-12));
      return v;
    }
  };
  /// d_to += dy (from / |from| - y to / |to|) / |to|
  template <class T>
  static void add_gradient(std::size_t d, T dy, T y, const T* from, T from_length, const T* to, T to_length,
                           T* d_to) {
    const T a = dy / (from_length * to_length), b = dy * y / (to_length * to_length);
    for (std::size_t i = 0; i < d; ++i) d_to[i] += a * from[i] - b * to[i];
  }
};

/// Options of the margin losses.
struct MarginOptions {
  double scale = 64;    ///< above 0; 64 is the published value, a smaller one is better for few persons
  double margin = 0.5;  ///< arcface: an angle in radians, 0 to pi / 2; cosface: subtracted from the cosine
  bool easy = false;    ///< arcface: true omits the margin where the angle exceeds pi / 2
};

namespace detail {

/// The cosine c of the true class with the margin m, and its derivative by c.
///   cosface  c - m
///   arcface  cos(theta + m) = c cos m - sqrt(1 - c^2) sin m, where theta = arccos c. This decreases only up
///            to theta = pi - m. Beyond it, the authors' code uses c - m sin m. If `easy`, the margin is only
///            used up to pi / 2, and c beyond it.
inline ErrorTerm with_margin(LossKind kind, const MarginOptions& options, double c) {
  const double m = options.margin;
  if (kind == LossKind::cosface) return {c - m, 1};
  if (options.easy ? c <= 0 : c <= -std::cos(m)) return {options.easy ? c : c - m * std::sin(m), 1};
  // The derivative is infinite at c = 1, so the sine is kept above 0.
  const double sine = std::sqrt(std::max(1 - c * c, 1e-12));
  return {c * std::cos(m) - sine * std::sin(m), std::cos(m) + c / sine * std::sin(m)};
}

}  // namespace detail

/// The margin loss: the mean cross entropy of softmax(scale * cosines), where the cosine of
/// the true class has the margin.
///   cosines   [N, K]
///   label     [N], class indices in 0..K-1
///   gradient  [N, K], the derivative of the loss with respect to the cosines
/// Errors: bad_argument if the margin or the scale is out of range; those of cross_entropy_loss().
template <class T>
Result<double> margin_loss(LossKind kind, const MarginOptions& options, Span<const T> cosines,
                           Span<const int> label, Span<T> gradient) {
  if (!(options.scale > 0) || !(options.margin >= 0) || options.margin > 1.570796)
    return Status::error(Errc::bad_argument, loss_name(kind),
                         ": the margin must be in 0 to pi / 2, and the scale above 0");
  const std::size_t classes = label.empty() ? 0 : cosines.size / label.size;
  const T scale = static_cast<T>(options.scale);
  std::vector<T> logits(cosines.begin(), cosines.end()), derivative(label.size, scale);
  for (T& z : logits) z *= scale;
  for (std::size_t i = 0; i < label.size; ++i) {
    if (label[i] < 0 || static_cast<std::size_t>(label[i]) >= classes)
      break;  // cross_entropy_loss() reports it
    const std::size_t at = i * classes + static_cast<std::size_t>(label[i]);
    const auto own = detail::with_margin(kind, options, static_cast<double>(cosines[at]));
    logits[at] = static_cast<T>(options.scale * own.value);
    derivative[i] = static_cast<T>(options.scale * own.derivative);
  }
  auto loss = cross_entropy_loss<T>({logits.data(), logits.size()}, label, gradient);
  if (!loss) return loss;
  for (std::size_t i = 0; i < label.size; ++i)
    for (std::size_t k = 0; k < classes; ++k)
      gradient[i * classes + k] *= k == static_cast<std::size_t>(label[i]) ? derivative[i] : scale;
  return loss;
}

TINYFIQA_END
