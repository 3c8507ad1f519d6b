// Explains the quality of a face: measures the components of ISO/IEC 29794-5 that need no further network.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/explanation/component.hpp>
#include <tinyfiqa/explanation/detail_measures.hpp>
#include <tinyfiqa/explanation/face_sampler.hpp>
#include <tinyfiqa/explanation/head_angles.hpp>
#include <tinyfiqa/explanation/light_measures.hpp>
#include <tinyfiqa/explanation/luma_patch.hpp>
#include <tinyfiqa/explanation/reasons.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/image/view.hpp>

#include <algorithm>
#include <cmath>

TINYFIQA_BEGIN

/// Sets the components that landmarks decide: resolution, yaw, pitch and roll. `face` is in pixels of the full photo.
/// The distance of the eyes is that of the head if it looked at the camera: divided by the cosine of the yaw, as in
/// ISO/IEC 29794-5, of at most 60 degrees.
inline void explain_landmarks(const Face& face, Explanation& explanation) {
  const HeadAngles angles = head_angles(face.landmarks);
  const auto& p = face.landmarks;
  const double eyes = std::hypot(double{p.x[1]} - double{p.x[0]}, double{p.y[1]} - double{p.y[0]});
  const double cosine = std::cos(std::min(std::abs(angles.yaw), 60.0) * 3.14159265358979 / 180);
  explanation.set(ComponentKind::resolution, eyes / cosine);
  explanation.set(ComponentKind::yaw, angles.yaw);
  explanation.set(ComponentKind::pitch, angles.pitch);
  explanation.set(ComponentKind::roll, angles.roll);
}

/// Sets the components that the place of a face in a photo of width x height pixels decides: head size and centring.
/// ISO/IEC 29794-5 measures both in the distance from the middle of the eyes to the chin. A detector's box ends at the
/// chin, so that this is box_chin of its height.
inline void explain_place(const Face& face, int width, int height, Explanation& explanation) {
  constexpr double box_chin = 1 - box_template[0][1];
  const auto& p = face.landmarks;
  const double chin = box_chin * double{face.box.height};
  const double x0 = std::min(double{p.x[0]}, double{p.x[1]}), x1 = std::max(double{p.x[0]}, double{p.x[1]});
  const double y = (double{p.y[0]} + double{p.y[1]}) / 2;
  // Profiles have hardly any distance between the eyes: the width of the box stands for it then.
  const double eyes = std::max(x1 - x0, 0.35 * double{face.box.width});
  if (!(chin > 0) || !(eyes > 0)) return;
  explanation.set(ComponentKind::head_size, chin / height);
  // The margins that ISO/IEC 29794-5 wants: 0.9 eye distances beside an eye, 1.4 chin distances above, 1.8 below.
  const double margin = std::min(
      {x0 / (0.9 * eyes), (width - x1) / (0.9 * eyes), y / (1.4 * chin), (height - y) / (1.8 * chin)});
  explanation.set(ComponentKind::centring, std::max(0.0, margin));
}

/// Sets the component single_face: the area of the largest other face, in areas of this one, as in ISO/IEC 29794-5.
inline void explain_others(const Face& face, float largest_other, Explanation& explanation) {
  if (face.box.area() > 0)
    explanation.set(ComponentKind::single_face, double{largest_other} / double{face.box.area()});
}

/// The area of the largest of `faces` but `face` itself; 0 without others.
inline float largest_other_area(const Face& face, Span<const Face> faces) {
  float largest = 0;
  for (const Face& other : faces)
    if (box_iou(other.box, face.box) < 0.999f) largest = std::max(largest, other.box.area());
  return largest;
}

/// Measures faces. Use one a thread: it keeps its buffers from face to face.
class Explainer {
 public:
  explicit Explainer(const Backend& backend = native_backend()) : backend_(&backend) {}

  /// All components of a face in a photo. `faces` are all faces that were found in it. Errors: those of align_face().
  Result<Explanation> explain(const ImageView& photo, const Face& face, Span<const Face> faces) {
    Explanation explanation;
    if (Status s = explain_face(photo, face.landmarks, explanation); !s) return s;
    explain_capture(photo, face.landmarks, explanation);
    explain_landmarks(face, explanation);
    explain_place(face, photo.width, photo.height, explanation);
    explain_others(face, largest_other_area(face, faces), explanation);
    return explanation;
  }

  /// The components of the pixels, if the whole image is the face. Errors: those of check_view().
  Result<Explanation> explain_whole(const ImageView& image) {
    if (Status s = check_view(image); !s) return s;
    Explanation explanation;
    const int side =
        std::clamp(std::max(image.width, image.height), FaceSampler::smallest_side, aligned_side);
    measure_face(resize_image(image, side, side, *backend_), explanation);
    measure_capture(image, image.width / 2, image.height / 2, std::min(image.width, image.height),
                    explanation);
    return explanation;
  }

  /// Sets the components of the aligned face: from sharpness to evenness, and colours. The image may be a part of the
  /// photo, or reduced. Errors: those of align_face().
  Status explain_face(const ImageView& image, const Landmarks& landmarks, Explanation& explanation) {
    const auto face = sampler_.sample(image, landmarks);
    if (!face) return face.status();
    measure_face(**face, explanation);
    // The far cheek of a turned head is not seen.
    if (std::abs(head_angles(landmarks).yaw) > most_yaw_of_cheeks) explanation.clear(ComponentKind::evenness);
    return Status();
  }

  /// Sets the components that the camera and its file decide: noise and compression. The image must have the photo's
  /// own pixels; it may be a part of the photo. Landmarks must be those of a face (face_transform()).
  void explain_capture(const ImageView& image, const Landmarks& landmarks, Explanation& explanation) {
    const auto to_template = face_transform(landmarks);
    if (!to_template) return;
    const Similarity back = inverse(*to_template);
    const double middle = aligned_side / 2.0, side = aligned_side * std::hypot(back.a, back.b);
    const auto whole = [](double x) { return static_cast<int>(std::clamp(x, -1e6, 1e6)); };
    measure_capture(image, whole(back.x(middle, middle)), whole(back.y(middle, middle)), whole(side),
                    explanation);
  }

  /// The side, in pixels of the photo, of the part that explain_capture() reads.
  static constexpr int capture_side = 128;

 private:
  /// In smaller faces, features are as fine as noise.
  static constexpr int smallest_noise_side = aligned_side / 2;
  static constexpr int most_noise_side = 96;
  static constexpr double most_yaw_of_cheeks = 40;  ///< degrees

  void measure_face(const Image& aligned, Explanation& explanation) {
    using K = ComponentKind;
    const LumaPatch luma = face_luma_.read(aligned, 0, 0, aligned.width, aligned.height);
    const auto at = [&](int x) { return x * aligned.width / aligned_side; };
    const DirectionalSharpness edges = directional_sharpness(luma, at(16), at(24), at(96), at(108));
    explanation.set(K::sharpness, edges.sharpness());
    if (!edges.flat) explanation.set(K::motion_blur, edges.motion_ratio());
    const LumaHistogram histogram = face_histogram(luma);
    explanation.set(K::under_exposure, histogram.mean());
    explanation.set(K::over_exposure, histogram.share_from(247));
    explanation.set(K::dynamic_range, histogram.entropy());
    explanation.set(K::contrast, histogram.relative_contrast());
    explanation.set(K::evenness, cheek_ratio(luma));
    explanation.set(K::colour, coloured_share(aligned));
    if (explanation[K::colour].value < reason_below) return;  // a grey photo has no colours to judge
    const LabColour skin = cheek_colour(aligned);
    explanation.set(K::colour_cast, skin.distance_from_skin());
    explanation.set(K::saturation, skin.saturation());
  }

  /// Noise of the face's middle, and blocks of the photo around it.
  void measure_capture(const ImageView& image, int x, int y, int face_side, Explanation& explanation) {
    const int width = std::min(capture_side, image.width), height = std::min(capture_side, image.height);
    const int left = std::clamp(x - width / 2, 0, image.width - width),
              top = std::clamp(y - height / 2, 0, image.height - height);
    const LumaPatch luma = photo_luma_.read(image, left, top, width, height);
    if (width >= smallest_block_side && height >= smallest_block_side)
      explanation.set(ComponentKind::compression, block_contrast(luma));
    if (face_side < smallest_noise_side) return;
    const int half = std::min(most_noise_side, face_side * 3 / 4) / 2;
    const Box part = {x - half - left, y - half - top, 2 * half, 2 * half};
    if (const auto noise = noise_deviation(luma, part)) explanation.set(ComponentKind::noise, *noise);
  }

  const Backend* backend_;
  FaceSampler sampler_;
  LumaReader face_luma_, photo_luma_;
};

TINYFIQA_END
