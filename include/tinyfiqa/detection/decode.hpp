// From the output maps of a detector to faces.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/detection/face_list.hpp>
#include <tinyfiqa/models/retinaface.hpp>
#include <tinyfiqa/models/yunet.hpp>

#include <cmath>

TINYFIQA_BEGIN

/// The strides of both detectors: a map of stride S has one cell for S x S pixels.
inline constexpr int detector_strides[3] = {8, 16, 32};

namespace detail {

inline float logistic(float x) { return 1 / (1 + std::exp(-x)); }
inline float logit(float p) { return std::log(p / (1 - p)); }

/// False if a number of the face is infinite or NaN, or its box is empty, as hostile weights can make them.
inline bool is_proper(const Face& face) {
  float sum = face.box.x + face.box.y + face.confidence;
  for (int i = 0; i < 5; ++i) sum += face.landmarks.x[i] + face.landmarks.y[i];
  return std::isfinite(sum) && std::isfinite(face.box.area()) && face.box.width > 0 && face.box.height > 0;
}

}  // namespace detail

/// The confidence of a YuNet cell: sqrt(class * object), as the authors' C++ library has it.
inline float yunet_confidence(const float* cell) {
  return std::sqrt(detail::logistic(cell[YuNetChannels::face]) *
                   detail::logistic(cell[YuNetChannels::object]));
}

/// The face of the YuNet cell in column `col` and row `row` of the map of this stride. With d, the cell's numbers:
///   centre = (d[2] + col, d[3] + row) stride       size = (exp(d[4]), exp(d[5])) stride
///   point i = (d[6 + 2 i] + col, d[7 + 2 i] + row) stride
inline Face yunet_face(const float* cell, int col, int row, int stride) {
  const auto x = static_cast<float>(col), y = static_cast<float>(row), s = static_cast<float>(stride);
  const float* const box = cell + YuNetChannels::box;
  Face face;
  face.box.width = std::exp(box[2]) * s;
  face.box.height = std::exp(box[3]) * s;
  face.box.x = (box[0] + x) * s - face.box.width / 2;
  face.box.y = (box[1] + y) * s - face.box.height / 2;
  for (int i = 0; i < 5; ++i) {
    face.landmarks.x[i] = (cell[YuNetChannels::landmarks + 2 * i] + x) * s;
    face.landmarks.y[i] = (cell[YuNetChannels::landmarks + 2 * i + 1] + y) * s;
  }
  face.confidence = yunet_confidence(cell);
  return face;
}

/// Adds the faces of a YuNet map head_S [rows, cols, 16] with at least this confidence, 0..1.
inline void decode_yunet(const float* map, int rows, int cols, int stride, float threshold, FaceList& faces) {
  // Neither factor may be below the square of the threshold. Most cells end here, without an exponential.
  const float least = detail::logit(threshold * threshold);
  for (int row = 0; row < rows; ++row)
    for (int col = 0; col < cols; ++col, map += YuNetChannels::count) {
      if (!(map[YuNetChannels::face] >= least && map[YuNetChannels::object] >= least)) continue;
      if (!(yunet_confidence(map) >= threshold)) continue;
      const Face face = yunet_face(map, col, row, stride);
      if (detail::is_proper(face)) faces.add(face);
    }
}

/// Adds the faces of RetinaFace's maps of one stride with at least this confidence: cls [rows, cols, 4],
/// bbox [rows, cols, 8], kps [rows, cols, 20]. `level` is 0, 1 or 2, `anchors` are the network's
/// (ModelSpec::anchors). For each anchor of side m at the centre of its cell, with d its numbers:
///   centre = anchor's centre + 0.1 m (d[0], d[1])      size = m (exp(0.2 d[2]), exp(0.2 d[3]))
///   point i = anchor's centre + 0.1 m (p[2 i], p[2 i + 1])
///   confidence = exp(c[1]) / (exp(c[0]) + exp(c[1]))
inline void decode_retinaface(const float* cls, const float* bbox, const float* kps, int rows, int cols,
                              int level, const RetinaFaceAnchors& anchors, float threshold, FaceList& faces) {
  const auto stride = static_cast<float>(detector_strides[level]);
  const float least = detail::logit(threshold);
  for (int row = 0; row < rows; ++row)
    for (int col = 0; col < cols; ++col)
      for (int anchor = 0; anchor < 2; ++anchor, cls += 2, bbox += 4, kps += 10) {
        if (!(cls[1] - cls[0] >= least)) continue;
        const float m = anchors.sides[level][anchor];
        const float x = (static_cast<float>(col) + 0.5f) * stride,
                    y = (static_cast<float>(row) + 0.5f) * stride;
        Face face;
        face.confidence = detail::logistic(cls[1] - cls[0]);
        face.box.width = m * std::exp(0.2f * bbox[2]);
        face.box.height = m * std::exp(0.2f * bbox[3]);
        face.box.x = x + 0.1f * m * bbox[0] - face.box.width / 2;
        face.box.y = y + 0.1f * m * bbox[1] - face.box.height / 2;
        for (int i = 0; i < 5; ++i) {
          face.landmarks.x[i] = x + 0.1f * m * kps[2 * i];
          face.landmarks.y[i] = y + 0.1f * m * kps[2 * i + 1];
        }
        if (detail::is_proper(face)) faces.add(face);
      }
}

TINYFIQA_END
