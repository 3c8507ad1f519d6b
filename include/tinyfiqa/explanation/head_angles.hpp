// The direction in which a head looks, in degrees, from five landmarks.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/align.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

TINYFIQA_BEGIN

/// Angles in degrees. The head is turned first (yaw), then raised (pitch), then tilted (roll).
struct HeadAngles {
  double yaw = 0;    ///< positive: turned to the right of the image
  double pitch = 0;  ///< positive: raised
  double roll = 0;   ///< positive: tilted clockwise in the image
};

/// The five landmarks of an average face in space: x to the right of the image, y down, z to the camera; in distances
/// of the eyes. x and y are those of box_template. The depths of the tip of the nose and of the mouth are those with
/// which the landmarks of 4,500 faces of three collections are explained best (docs/explanation.md).
inline constexpr double face_model[5][3] = {
    {-0.5, 0, 0}, {0.5, 0, 0}, {0, 0.584, 0.45}, {-0.438, 1.008, -0.12}, {0.438, 1.008, -0.12}};

namespace detail {

struct PlanePoints {
  double x[5] = {}, y[5] = {};
};

/// Points minus their mean.
inline PlanePoints centred(PlanePoints p) {
  double mx = 0, my = 0;
  for (int i = 0; i < 5; ++i) mx += p.x[i] / 5, my += p.y[i] / 5;
  for (int i = 0; i < 5; ++i) p.x[i] -= mx, p.y[i] -= my;
  return p;
}

/// The model, turned and raised, seen from far away; centred. Angles in radians.
inline PlanePoints project_face(const double (&model)[5][3], double yaw, double pitch) {
  const double cy = std::cos(yaw), sy = std::sin(yaw), cp = std::cos(pitch), sp = std::sin(pitch);
  PlanePoints p;
  for (int i = 0; i < 5; ++i) {
    const double z = cy * model[i][2] - sy * model[i][0];
    p.x[i] = cy * model[i][0] + sy * model[i][2];
    p.y[i] = cp * model[i][1] - sp * z;
  }
  return centred(p);
}

/// The points of an image minus those of the projected model, which is first rotated, scaled and shifted to them as
/// well as possible; and that rotation.
struct PoseFit {
  std::array<double, 10> residual = {};
  double roll = 0;

  double squares() const {
    double sum = 0;
    for (const double r : residual) sum += r * r;
    return sum;
  }
};
inline PoseFit fit_pose(const double (&model)[5][3], const PlanePoints& image, double yaw, double pitch) {
  const PlanePoints m = project_face(model, yaw, pitch);
  double spread = 0, dot = 0, cross = 0;
  for (int i = 0; i < 5; ++i) {
    spread += m.x[i] * m.x[i] + m.y[i] * m.y[i];
    dot += m.x[i] * image.x[i] + m.y[i] * image.y[i];
    cross += m.x[i] * image.y[i] - m.y[i] * image.x[i];
  }
  const double a = dot / spread, b = cross / spread;
  PoseFit fit;
  fit.roll = std::atan2(b, a);
  for (std::size_t i = 0; i < 5; ++i) {
    fit.residual[2 * i] = image.x[i] - (a * m.x[i] - b * m.y[i]);
    fit.residual[2 * i + 1] = image.y[i] - (b * m.x[i] + a * m.y[i]);
  }
  return fit;
}

/// Yaw and pitch with the least squared residual, by steps of Gauss and Newton with damping. At most 80 degrees.
inline PoseFit solve_pose(const double (&model)[5][3], const PlanePoints& image, double& yaw, double& pitch) {
  constexpr double nudge = 1e-5, most = 80 * 3.14159265358979 / 180;
  PoseFit here = fit_pose(model, image, yaw, pitch);
  double damping = 1e-3;
  for (int step = 0; step < 30; ++step) {
    const PoseFit turned = fit_pose(model, image, yaw + nudge, pitch),
                  raised = fit_pose(model, image, yaw, pitch + nudge);
    double yy = 0, yp = 0, pp = 0, y = 0, p = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      const double dy = (turned.residual[i] - here.residual[i]) / nudge,
                   dp = (raised.residual[i] - here.residual[i]) / nudge;
      yy += dy * dy, yp += dy * dp, pp += dp * dp, y += dy * here.residual[i], p += dp * here.residual[i];
    }
    yy *= 1 + damping, pp *= 1 + damping;
    const double determinant = yy * pp - yp * yp;
    if (!(determinant > 0)) break;
    const double next_yaw = std::clamp(yaw - (pp * y - yp * p) / determinant, -most, most),
                 next_pitch = std::clamp(pitch - (yy * p - yp * y) / determinant, -most, most);
    const PoseFit next = fit_pose(model, image, next_yaw, next_pitch);
    if (!(next.squares() < here.squares())) {
      if ((damping *= 10) > 1e3) break;
      continue;
    }
    const bool settled = std::abs(next_yaw - yaw) + std::abs(next_pitch - pitch) < 1e-6;
    yaw = next_yaw, pitch = next_pitch, here = next, damping /= 10;
    if (settled) break;
  }
  return here;
}

}  // namespace detail

/// The angles with which the projected model comes closest to the landmarks (weak perspective: a camera far away).
/// Landmarks that are no face (see face_transform()) give angles without meaning, but finite ones for finite landmarks.
inline HeadAngles head_angles(const Landmarks& landmarks) {
  detail::PlanePoints image;
  for (int i = 0; i < 5; ++i) image.x[i] = double{landmarks.x[i]}, image.y[i] = double{landmarks.y[i]};
  image = detail::centred(image);
  double yaw = 0, pitch = 0;
  const double roll = detail::solve_pose(face_model, image, yaw, pitch).roll;
  constexpr double degrees = 180 / 3.14159265358979;
  return {yaw * degrees, pitch * degrees, roll * degrees};
}

TINYFIQA_END
