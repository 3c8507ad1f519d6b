// Losses with their exact gradients. Each takes predictions and labels of a whole batch, writes d loss / d
// prediction, and returns the loss. Sums are kept in double.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

TINYFIQA_BEGIN

namespace detail {
/// Sizes agree and every label is a finite number.
template <class T>
Status check_loss(Span<const T> prediction, Span<const T> label, Span<T> gradient) {
  if (prediction.empty() || prediction.size != label.size || prediction.size != gradient.size)
    return Status::error(Errc::bad_argument, "a loss of ", prediction.size, " predictions, ", label.size,
                         " labels and ", gradient.size, " gradients; the three must be equal and not zero");
  for (std::size_t i = 0; i < label.size; ++i)
    if (!std::isfinite(label[i]))
      return Status::error(Errc::not_finite, "label ", i, " is not a finite number");
  return {};
}

/// mean over i of f(p_i - t_i); `body(e)` gives {f(e), f'(e)}.
struct ErrorTerm {
  double value, slope;
};
template <class T, class Body>
Result<double> mean_of_errors(Span<const T> p, Span<const T> t, Span<T> gradient, const Body& body) {
  if (const Status s = check_loss(p, t, gradient); !s) return s;
  const auto n = static_cast<double>(p.size);
  double sum = 0;
  for (std::size_t i = 0; i < p.size; ++i) {
    const ErrorTerm term = body(static_cast<double>(p[i]) - static_cast<double>(t[i]));
    sum += term.value;
    gradient[i] = static_cast<T>(term.slope / n);
  }
  return sum / n;
}
}  // namespace detail

/// (1/N) sum (p - t)^2.   Errors, of this and all below: bad_argument, not_finite with the label's index.
template <class T>
Result<double> mse_loss(Span<const T> p, Span<const T> t, Span<T> gradient) {
  return detail::mean_of_errors(p, t, gradient, [](double e) { return detail::ErrorTerm{e * e, 2 * e}; });
}

/// (1/N) sum |p - t|: the literal L2 norm of P2, equation 2, whose labels are scalars. Gradient 0 at p = t.
template <class T>
Result<double> l2_norm_loss(Span<const T> p, Span<const T> t, Span<T> gradient) {
  return detail::mean_of_errors(p, t, gradient, [](double e) {
    return detail::ErrorTerm{std::fabs(e), e > 0 ? 1.0 : e < 0 ? -1.0 : 0.0};
  });
}

/// (1/N) sum of e^2 / (2 beta) for |e| < beta, else |e| - beta / 2   (torch.nn.SmoothL1Loss)
template <class T>
Result<double> smooth_l1_loss(Span<const T> p, Span<const T> t, Span<T> gradient, double beta = 1.0) {
  return detail::mean_of_errors(p, t, gradient, [beta](double e) {
    if (std::fabs(e) < beta) return detail::ErrorTerm{e * e / (2 * beta), e / beta};
    return detail::ErrorTerm{std::fabs(e) - beta / 2, e > 0 ? 1.0 : -1.0};
  });
}

/// P1, equations 4 to 7:  MSE + alpha (1 - r),   r = pc.tc / max(|pc| |tc|, 1e-8),   pc, tc = p, t minus
/// their means
///   d r / d p = (tc - r |tc| / |pc| pc) / (|pc| |tc|)
/// Constant predictions or labels: the term is alpha, its gradient 0. A batch of one: MSE alone.
template <class T>
Result<double> msecorr_loss(Span<const T> p, Span<const T> t, Span<T> gradient, double alpha = 1.0) {
  const Result<double> mse = mse_loss(p, t, gradient);
  if (!mse) return mse.status();
  if (p.size == 1) return *mse;
  const auto n = static_cast<double>(p.size);
  double p_mean = 0, t_mean = 0, pp = 0, tt = 0, pt = 0;
  for (std::size_t i = 0; i < p.size; ++i) {
    p_mean += static_cast<double>(p[i]) / n;
    t_mean += static_cast<double>(t[i]) / n;
  }
  for (std::size_t i = 0; i < p.size; ++i) {
    const double a = static_cast<double>(p[i]) - p_mean, b = static_cast<double>(t[i]) - t_mean;
    pp += a * a;
    tt += b * b;
    pt += a * b;
  }
  constexpr double eps = 1e-8;
  const double norms = std::sqrt(pp) * std::sqrt(tt);
  if (norms < eps) return *mse + alpha;
  const double r = pt / norms;
  for (std::size_t i = 0; i < p.size; ++i) {
    const double a = static_cast<double>(p[i]) - p_mean, b = static_cast<double>(t[i]) - t_mean;
    gradient[i] -= static_cast<T>(alpha * (b / norms - r * a / pp));
  }
  return *mse + alpha * (1 - r);
}

/// The first four are about scores; arcface and cosface about people (optim/margin_head.hpp).
enum class LossKind : unsigned char { mse, msecorr, l2norm, smooth_l1, arcface, cosface };

/// True for losses whose labels are numbers of people.
constexpr bool is_margin_loss(LossKind loss) {
  return loss == LossKind::arcface || loss == LossKind::cosface;
}

/// "mse", "msecorr", "l2norm", "smooth_l1", "arcface" or "cosface".
constexpr const char* loss_name(LossKind loss) {
  constexpr const char* names[] = {"mse", "msecorr", "l2norm", "smooth_l1", "arcface", "cosface"};
  return names[static_cast<unsigned char>(loss)];
}
/// The loss of that name; mse for any other.
inline LossKind loss_of_name(const std::string& name) {
  for (const LossKind loss :
       {LossKind::msecorr, LossKind::l2norm, LossKind::smooth_l1, LossKind::arcface, LossKind::cosface})
    if (name == loss_name(loss)) return loss;
  return LossKind::mse;
}

/// Any of the losses of scores; `alpha` is msecorr's.
template <class T>
Result<double> score_loss(LossKind loss, double alpha, Span<const T> p, Span<const T> t, Span<T> gradient) {
  switch (loss) {
    case LossKind::mse:
      return mse_loss(p, t, gradient);
    case LossKind::msecorr:
      return msecorr_loss(p, t, gradient, alpha);
    case LossKind::l2norm:
      return l2_norm_loss(p, t, gradient);
    case LossKind::smooth_l1:
      return smooth_l1_loss(p, t, gradient);
    case LossKind::arcface:
    case LossKind::cosface:
      break;
  }
  return Status::error(Errc::bad_argument, loss_name(loss), " is no loss of scores");
}

/// (1/N) sum of log(sum_k exp z[i][k]) - z[i][label[i]] for logits z [N, classes]; gradient (softmax -
/// one_hot) / N. Errors: bad_argument for a label that is no class (by index) or sizes that differ.
template <class T>
Result<double> cross_entropy_loss(Span<const T> logits, Span<const int> label, Span<T> gradient) {
  if (label.empty() || logits.size % label.size != 0 || logits.empty() || gradient.size != logits.size)
    return Status::error(Errc::bad_argument, logits.size, " logits and ", gradient.size, " gradients for ",
                         label.size, " labels");
  const std::size_t classes = logits.size / label.size;
  const auto n = static_cast<double>(label.size);
  double loss = 0;
  for (std::size_t i = 0; i < label.size; ++i) {
    if (label[i] < 0 || static_cast<std::size_t>(label[i]) >= classes)
      return Status::error(Errc::bad_argument, "label ", i, " is ", label[i], ", there are ", classes,
                           " classes");
    const T* z = logits.data + i * classes;
    const auto largest = static_cast<double>(*std::max_element(z, z + classes));
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) sum += std::exp(static_cast<double>(z[k]) - largest);
    const auto target = static_cast<std::size_t>(label[i]);
    loss += std::log(sum) + largest - static_cast<double>(z[target]);
    for (std::size_t k = 0; k < classes; ++k) {
      const double share = std::exp(static_cast<double>(z[k]) - largest) / sum;
      gradient[i * classes + k] = static_cast<T>((share - (k == target ? 1 : 0)) / n);
    }
  }
  return loss / n;
}

TINYFIQA_END
