// The label of a face, and the options of label_faces().
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

TINYFIQA_BEGIN

/// How the centre of a person is computed.
enum class Centres : unsigned char {
  loo,         ///< mean of the normalised embeddings of the person's other faces ("leave one out")
  mean,        ///< mean of the normalised embeddings of all faces of the person
  classifier,  ///< weights of the person in the classifier that the recogniser was trained with
};

/// Why a face may have the wrong name. A low label then does not mean a bad image.
enum class Suspect : unsigned char {
  none,
  other_person,  ///< far from its own centre and near another person's
  stranger,      ///< far from its own centre, but its embedding is longer than those of bad images
  copy,          ///< the same image also exists under another name
};

/// "", "other_person", "stranger" or "copy".
constexpr const char* suspect_name(Suspect suspect) {
  constexpr const char* names[] = {"", "other_person", "stranger", "copy"};
  return names[static_cast<unsigned char>(suspect)];
}

/// Why a face has no label.
enum class NoLabel : unsigned char {
  none,          ///< it has a label
  no_embedding,  ///< its embedding is not finite or is 0
  one_image,     ///< the person has no other image; copies of an image count once
  no_centre,     ///< the classifier has no weights for this person
};

/// Options of label_faces().
struct LabelOptions {
  Centres centres = Centres::loo;
  // A face is suspect if it is far from its own centre and either near another centre or not a bad image.
  // Recognisers give bad images short embeddings.
  double far_below = 0.25;     ///< a face with a smaller cosine is far from the centre
  double near_from = 0.3;      ///< a face with at least this cosine is near the centre
  double stranger_norm = 0.7;  ///< share of the median length from which an embedding is not of a bad image
  int threads = 1;             ///< the result does not depend on it
  /// Compares a face with centres. Backend::embeddings has a faster one.
  void (*dot_products)(const float* x, const float* rows, std::ptrdiff_t count, int n,
                       float* out) = tinyfiqa::dot_products;
  /// [N] or empty. originals[i] is the face that face i is a degraded copy of, or i if it is no copy.
  /// Degraded copies do not contribute to centres. The centre for a copy is computed without its original.
  std::vector<std::size_t> originals;
  /// False: nearest_cosine and nearest are not computed, and nobody is suspect as other_person. Their time grows with the
  /// faces times the people.
  bool nearest = true;
  /// Only these faces get a label, as if all did: centres, copies and the median length are those of all faces. What is in
  /// the labels of the others means nothing.
  std::size_t first = 0, count = static_cast<std::size_t>(-1);
  /// Called by the caller's thread while labels are computed, with the faces done and all of them; may be empty.
  std::function<void(std::size_t, std::size_t)> progress;
};

/// The label of one face.
struct FaceLabel {
  double quality = 0;          ///< cosine with the centre of its person, -1..1
  double norm = 0;             ///< length of the embedding before it was normalised
  double nearest_cosine = -1;  ///< cosine with the nearest centre of another person
  std::uint32_t nearest = 0;   ///< index of that person
  Suspect suspect = Suspect::none;
  NoLabel missing = NoLabel::none;
};

TINYFIQA_END
