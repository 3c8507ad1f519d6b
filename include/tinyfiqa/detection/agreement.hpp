// How well the faces that one detector finds agree with those of another, whose faces count as right.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/detection/face_list.hpp>
#include <tinyfiqa/image/align.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// The mean distance of five points, in distances of the expected eyes (at least one pixel).
inline double landmark_distance(const Landmarks& found, const Landmarks& expected) {
  double sum = 0;
  for (int i = 0; i < 5; ++i)
    sum += std::hypot(static_cast<double>(found.x[i] - expected.x[i]),
                      static_cast<double>(found.y[i] - expected.y[i]));
  const double eyes = std::hypot(static_cast<double>(expected.x[1] - expected.x[0]),
                                 static_cast<double>(expected.y[1] - expected.y[0]));
  return sum / 5 / std::max(1.0, eyes);
}

/// Counts over photos: the faces of the teacher, which are expected, and those of the student.
struct DetectorAgreement {
  std::size_t photos = 0, teacher_faces = 0, student_faces = 0, matched = 0;
  double landmark_error = 0;  ///< the mean landmark_distance() of the matched faces

  /// Counts a photo. Each of the student's faces is matched with the teacher's that overlaps it most, at an IoU of at least 0.5.
  void add(Span<const Face> expected, Span<const Face> found) {
    ++photos;
    teacher_faces += expected.size;
    student_faces += found.size;
    std::vector<bool> taken(expected.size);
    for (const Face& face : found) {
      std::size_t best = expected.size;
      float most = 0.5f;
      for (std::size_t k = 0; k < expected.size; ++k) {
        const float iou = box_iou(face.box, expected[k].box);
        if (!taken[k] && iou >= most) most = iou, best = k;
      }
      if (best == expected.size) continue;
      taken[best] = true;
      ++matched;
      const double error = landmark_distance(face.landmarks, expected[best].landmarks);
      landmark_error += (error - landmark_error) / static_cast<double>(matched);
    }
  }

  double recall() const { return teacher_faces == 0 ? 1 : share(matched, teacher_faces); }
  double precision() const { return student_faces == 0 ? 1 : share(matched, student_faces); }
  /// The harmonic mean of recall and precision.
  double f1() const { return share(2 * matched, std::max<std::size_t>(1, teacher_faces + student_faces)); }

 private:
  static double share(std::size_t a, std::size_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
};

TINYFIQA_END
