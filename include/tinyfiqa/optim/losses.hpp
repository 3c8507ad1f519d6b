// Loss functions with exact gradients. Each takes the predictions and labels of a whole batch, returns the
// loss and writes d loss / d prediction. Sums are in double.
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
/// Checks that the sizes agree and that every label is finite.
template <class T>
Status check_loss(Span<const T> prediction, Span<const T> label, Span<T> gradient) {
  if (prediction.empty() || prediction.size != label.size || prediction.size != gradient.size)
    return Status::error(Errc::bad_argument, "the loss got ", prediction.size, " predictions, ", label.size,
                         " labels and ", gradient.size, " gradients; give equally many, at least one");
  for (std::size_t i = 0; i < label.size; ++i)
    if (!std::isfinite(label[i]))
      return Status::error(Errc::not_finite, "label ", i, " (from 0) is not a finite number; correct it");
  return {};
}

/// The value and the derivative of a term of a loss.
struct ErrorTerm {
  double value, derivative;
};
/// The mean over i of f(p_i - t_i) and its gradient. `body(e)` returns {f(e), f'(e)}.
template <class T, class Body>
Result<double> mean_of_errors(Span<const T> p, Span<const T> t, Span<T> gradient, const Body& body) {
  if (const Status s = check_loss(p, t, gradient); !s) return s;
  const auto n = static_cast<double>(p.size);
  double sum = 0;
  for (std::size_t i = 0; i < p.size; ++i) {
    const ErrorTerm term = body(static_cast<double>(p[i]) - static_cast<double>(t[i]));
    sum += term.value;
    gradient[i] = static_cast<T>(term.derivative / n);
  }
  return sum / n;
}
}  // namespace detail

/// Mean squared error: (1/N) sum (p - t)^2 for predictions p and labels t, both [N]. Errors of
/// this and the next three losses: bad_argument if the sizes differ or are 0, not_finite for a
/// label (the message has its index).
template <class T>
Result<double> mse_loss(Span<const T> p, Span<const T> t, Span<T> gradient) {
  return detail::mean_of_errors(p, t, gradient, [](double e) { return detail::ErrorTerm{e * e, 2 * e}; });
}

/// Mean absolute error: (1/N) sum |p - t|. It is the L2 norm of Peng et al., equation 2, for scalar labels.
/// The gradient is 0 where p = t.
template <class T>
Result<double> l2_norm_loss(Span<const T> p, Span<const T> t, Span<T> gradient) {
  return detail::mean_of_errors(p, t, gradient, [](double e) {
    return detail::ErrorTerm{std::fabs(e), e > 0 ? 1.0 : e < 0 ? -1.0 : 0.0};
  });
}

/// Smooth L1 loss, as torch.nn.SmoothL1Loss: (1/N) sum of f(p - t) with f(e) = e^2 / (2 beta) for |e| < beta
/// and f(e) = |e| - beta / 2 otherwise.
template <class T>
Result<double> smooth_l1_loss(Span<const T> p, Span<const T> t, Span<T> gradient, double beta = 1.0) {
  return detail::mean_of_errors(p, t, gradient, [beta](double e) {
    if (std::fabs(e) < beta) return detail::ErrorTerm{e * e / (2 * beta), e / beta};
    return detail::ErrorTerm{std::fabs(e) - beta / 2, e > 0 ? 1.0 : -1.0};
  });
}

/// MSECorrLoss (Hamidi et al. 2025, equations 4 to 7), where pc and tc are p and t minus their means:
///   MSE + alpha (1 - r),   r = pc . tc / (|pc| |tc|)
///   d r / d p = (tc - r |tc| / |pc| pc) / (|pc| |tc|)
/// If |pc| |tc| < 1e-8 (constant predictions or labels), r and its gradient are 0. For a batch of one image,
/// the loss is MSE alone.
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

/// The losses. The first four are for scores, arcface and cosface for recognisers (optim/margin_head.hpp).
enum class LossKind : unsigned char { mse, msecorr, l2norm, smooth_l1, arcface, cosface };

/// True for the losses of recognisers, whose labels are class indices.
constexpr bool is_margin_loss(LossKind loss) {
  return loss == LossKind::arcface || loss == LossKind::cosface;
}

/// "mse", "msecorr", "l2norm", "smooth_l1", "arcface" or "cosface".
constexpr const char* loss_name(LossKind loss) {
  constexpr const char* names[] = {"mse", "msecorr", "l2norm", "smooth_l1", "arcface", "cosface"};
  return names[static_cast<unsigned char>(loss)];
}
/// The loss with that name; mse for unknown names.
inline LossKind loss_of_name(const std::string& name) {
  for (const LossKind loss :
       {LossKind::msecorr, LossKind::l2norm, LossKind::smooth_l1, LossKind::arcface, LossKind::cosface})
    if (name == loss_name(loss)) return loss;
  return LossKind::mse;
}

/// Calls the loss for scores that `loss` names. `alpha` is for msecorr. Errors: those of the loss;
/// bad_argument for arcface and cosface.
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
  return Status::error(Errc::bad_argument, loss_name(loss),
                       " is no loss for scores; use msecorr, mse, l2norm or smooth_l1");
}

/// Cross entropy of logits z [N, classes] and class indices `label` [N]:
///   (1/N) sum over i of log(sum over k of exp z[i, k]) - z[i, label[i]]
/// The gradient [N, classes] is (softmax(z) - one_hot(label)) / N. Errors: bad_argument if the sizes do not
/// fit or a label is not in 0..classes-1.
template <class T>
Result<double> cross_entropy_loss(Span<const T> logits, Span<const int> label, Span<T> gradient) {
  if (label.empty() || logits.size % label.size != 0 || logits.empty() || gradient.size != logits.size)
    return Status::error(Errc::bad_argument, logits.size, " logits and ", gradient.size,
                         " gradients do not fit ", label.size, " labels; both must be [labels, classes]");
  const std::size_t classes = logits.size / label.size;
  const auto n = static_cast<double>(label.size);
  double loss = 0;
  for (std::size_t i = 0; i < label.size; ++i) {
    if (label[i] < 0 || static_cast<std::size_t>(label[i]) >= classes)
      return Status::error(Errc::bad_argument, "label ", i, " (from 0) is ", label[i],
                           "; it must be in 0 to ", classes - 1);
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
