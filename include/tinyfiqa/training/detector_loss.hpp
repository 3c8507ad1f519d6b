// The loss of a detector that learns from another detector: what the teacher's maps say about every cell is what the
// student's shall say. No assignment of faces to cells is needed: the teacher's own cells are it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/models/yunet.hpp>

#include <cmath>
#include <cstddef>

TINYFIQA_BEGIN

/// Weights and constants of the loss.
struct DetectorLossOptions {
  double object = 1, face = 1, box = 2, landmarks = 4;
  double background_face = 0.05;  ///< weight of `face` where there is no face
  double box_knee = 0.05;         ///< where smooth L1 goes from square to linear, in sizes of the face
  double landmark_knee = 0.02;    ///< likewise
};

/// Sums over cells of the four parts, before division by the number of faces.
struct DetectorLossSums {
  double object = 0, face = 0, box = 0, landmarks = 0;
  double foreground = 0;  ///< sum of the weights w: about the number of cells with a face

  double total() const { return object + face + box + landmarks; }
};

namespace detail {

/// ln(1 + exp(x)), without overflow.
template <class T>
T softplus(T x) {
  return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
}
template <class T>
T sigmoid_of(T x) {
  return 1 / (1 + std::exp(-x));
}

/// Kullback-Leibler divergence of Bernoulli variables with logits: p = sigmoid(teacher) from q = sigmoid(student).
///   p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)) = softplus(student) - softplus(teacher) + p (teacher - student)
/// Its gradient is that of cross-entropy with the soft target p, q - p (Hinton et al. 2015).
template <class T>
T soft_cross_entropy(T student, T teacher, T& gradient) {
  const T p = sigmoid_of(teacher);
  gradient = sigmoid_of(student) - p;
  return softplus(student) - softplus(teacher) + p * (teacher - student);
}

/// e^2 / (2 knee) below the knee, |e| - knee / 2 above (Girshick 2015).
template <class T>
T smooth_l1_at(T e, T knee, T& gradient) {
  const T size = std::abs(e);
  gradient = size < knee ? e / knee : (e > 0 ? T(1) : T(-1));
  return size < knee ? e * e / (2 * knee) : size - knee / 2;
}

}  // namespace detail

/// Adds the loss of one cell to `sums` and writes its gradient to d [16]. `student` and `teacher` are cells of YuNet's
/// head maps (YuNetChannels). With o and f, the teacher's probabilities of object and face, w = o f, the teacher's
/// width and height in strides W and H, and M = sqrt(W H):
///   object     KL(o, student's o)
///   face       (w + background_face) KL(f, student's f)
///   box        w sum of smooth_l1 of dx / W, dy / H, d ln W, d ln H         (parameters of Girshick et al. 2014)
///   landmarks  w sum of smooth_l1 of dx / M, dy / M over the five points
/// With `faceless`, the teacher is known to be wrong: the target is o = 0, and no other part counts.
template <class T>
void detector_cell_loss(const DetectorLossOptions& options, const T* student, const T* teacher, bool faceless,
                        DetectorLossSums& sums, T* d) {
  constexpr int face = YuNetChannels::face, object = YuNetChannels::object, box = YuNetChannels::box,
                landmarks = YuNetChannels::landmarks;
  for (int c = 0; c < YuNetChannels::count; ++c) d[c] = 0;
  const auto weigh = [](double weight, T value, T& gradient) {
    gradient *= static_cast<T>(weight);
    return weight * static_cast<double>(value);
  };
  if (faceless) {  // cross-entropy with the target 0
    d[object] = static_cast<T>(options.object) * detail::sigmoid_of(student[object]);
    sums.object += options.object * static_cast<double>(detail::softplus(student[object]));
    return;
  }
  const T w = detail::sigmoid_of(teacher[object]) * detail::sigmoid_of(teacher[face]);
  const auto foreground = static_cast<double>(w);
  sums.foreground += foreground;
  T value = detail::soft_cross_entropy(student[object], teacher[object], d[object]);
  sums.object += weigh(options.object, value, d[object]);
  value = detail::soft_cross_entropy(student[face], teacher[face], d[face]);
  sums.face += weigh(options.face * (foreground + options.background_face), value, d[face]);
  if (!(foreground > 1e-3)) return;
  const T width = std::exp(teacher[box + 2]), height = std::exp(teacher[box + 3]);
  const T units[4] = {width, height, T(1), T(1)};
  const auto part = [&](int channel, T unit, double weight, double knee) {
    const T error = (student[channel] - teacher[channel]) / unit;
    const T loss = detail::smooth_l1_at(error, static_cast<T>(knee), d[channel]);
    const double weighted = weigh(weight * foreground, loss, d[channel]);
    d[channel] /= unit;
    return weighted;
  };
  for (int i = 0; i < 4; ++i) sums.box += part(box + i, units[i], options.box, options.box_knee);
  const T unit = std::sqrt(width * height);
  for (int i = 0; i < 10; ++i)
    sums.landmarks += part(landmarks + i, unit, options.landmarks, options.landmark_knee);
}

TINYFIQA_END
