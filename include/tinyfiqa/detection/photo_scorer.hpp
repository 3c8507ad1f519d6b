// From a photo to the quality of the faces in it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/detection/face_detector.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/threads/in_use.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// What an image shows of a face that was found in it.
enum class Framing : unsigned char {
  photo,    ///< a face in its surroundings
  tight,    ///< little more than the face: its box covers most of the image
  aligned,  ///< the face as alignment would cut it out: the landmarks are where face_template has them
};

/// "photo", "tight crop" or "aligned crop".
constexpr const char* framing_name(Framing framing) {
  constexpr const char* names[] = {"photo", "tight crop", aligned_crop_note};
  return names[static_cast<unsigned char>(framing)];
}

/// How the face is framed in an image of width x height pixels.
///   aligned  the image is square (to 5 %), and the landmarks are on average at most 4 % of its side from the template
///   tight    otherwise, if the part of the face's box that lies in the image covers at least 60 % of it
inline Framing framing_of(const Face& face, int width, int height) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  const float side = std::max(w, h);
  double distance = 0;
  for (int i = 0; i < 5; ++i)
    distance +=
        std::hypot(static_cast<double>(face.landmarks.x[i] / w) - face_template[i][0] / aligned_side,
                   static_cast<double>(face.landmarks.y[i] / h) - face_template[i][1] / aligned_side) /
        5;
  if (std::min(w, h) >= 0.95f * side && distance <= 0.04) return Framing::aligned;
  const FaceBox& b = face.box;
  const float inside_w = std::min(b.x + b.width, w) - std::max(b.x, 0.0f);
  const float inside_h = std::min(b.y + b.height, h) - std::max(b.y, 0.0f);
  return inside_w > 0 && inside_h > 0 && inside_w * inside_h >= 0.6f * w * h ? Framing::tight
                                                                             : Framing::photo;
}

/// The score of one face of a photo.
struct FaceScore : Score {
  Face face;
  Framing framing = Framing::photo;
};

/// A detector and a scorer. Use one a thread; several may share the models. A call while another thread is in it is an
/// error (in_use).
class PhotoScorer {
 public:
  PhotoScorer(FaceDetector detector, Scorer scorer)
      : detector_(std::move(detector)), scorer_(std::move(scorer)) {}

  FaceDetector& detector() { return detector_; }
  Scorer& scorer() { return scorer_; }

  /// The score of the largest face of the image. An image that is an aligned face already is scored as it is.
  /// Errors: no_face; those of check_view(); not_finite.
  Result<FaceScore> score(const ImageView& image) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this PhotoScorer");
    const auto faces = detector_.detect_largest(image);
    if (!faces) return faces.status();
    return faces->size == 0 ? Result<FaceScore>(no_face()) : score_face(image, (*faces)[0]);
  }

  /// The scores of all faces, largest first; empty if there is none. Errors: the others.
  Result<std::vector<FaceScore>> score_all(const ImageView& image) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this PhotoScorer");
    const auto found = detector_.detect(image);
    if (!found) return found.status();
    std::vector<Face> faces(found->begin(), found->end());
    std::sort(faces.begin(), faces.end(),
              [](const Face& a, const Face& b) { return a.box.area() > b.box.area(); });
    std::vector<FaceScore> scores;
    for (const Face& face : faces) {
      auto one = score_face(image, face);
      if (!one) return one.status();
      scores.push_back(std::move(*one));
    }
    return scores;
  }

  /// The score of a face that the caller has found. Errors: those of Scorer::score().
  Result<FaceScore> score_face(const ImageView& image, const Face& face) {
    FaceScore result;
    result.face = face;
    result.framing = framing_of(face, image.width, image.height);
    auto score = result.framing == Framing::aligned ? scorer_.score(image) : scorer_.score(image, face);
    if (!score) return score.status();
    static_cast<Score&>(result) = std::move(*score);
    return result;
  }

  /// The score of the part of the image that `crop` gives; Crop() is the whole image. Nothing is searched.
  Result<Score> score(const ImageView& image, const Crop& crop) { return scorer_.score(image, crop); }

  /// The score of the largest face in an image file. Errors: the same and those of read_image().
  Result<FaceScore> score(const std::string& path) {
    const auto image = read_image(path);
    if (!image) return image.status();
    auto result = score(*image);
    if (!result) return result.status().prefixed(path, ": ");
    return result;
  }
  Result<Score> score(const std::string& path, const Crop& crop) { return scorer_.score(path, crop); }

 private:
  static Status no_face() {
    return Status::error(Errc::no_face,
                         "no face was found; if the image is a crop of a face, score it as a whole");
  }

  InUse in_use_;
  FaceDetector detector_;
  Scorer scorer_;
};

TINYFIQA_END
