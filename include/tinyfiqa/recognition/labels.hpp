// Quality labels without human raters: the cosine similarity of a face's embedding and the centre of its
// person (Peng et al., equation 1).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/recognition/embedder.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <thread>
#include <unordered_map>
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
  /// [N] or empty. originals[i] is the face that face i is a degraded copy of, or i if it is no copy.
  /// Degraded copies do not contribute to centres. The centre for a copy is computed without its original.
  std::vector<std::size_t> originals;
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

namespace detail {

/// The normalised embeddings, the persons they belong to, and the sums from which centres are computed.
class LabelWork {
 public:
  LabelWork(std::vector<float>& embeddings, std::size_t dimension, const std::vector<std::uint32_t>& people,
            std::size_t people_count, const std::vector<std::size_t>& originals,
            std::vector<FaceLabel>& labels)
      : embeddings_(embeddings), d_(dimension), people_(people), originals_(originals), labels_(labels) {
    sums_.resize(people_count * d_);
    members_.resize(people_count);
    centres_.resize(people_count * d_);
    has_centre_.resize(people_count);
    copies_of_.resize(people.size());
  }

  void prepare(Span<const float> classifier) {
    normalise_all();
    find_copies();
    for (std::size_t i = 0; i < people_.size(); ++i) {
      if (!counts(i)) continue;
      ++members_[people_[i]];
      for (std::size_t k = 0; k < d_; ++k) sums_[people_[i] * d_ + k] += double{face(i)[k]};
    }
    for (std::size_t p = 0; p < members_.size(); ++p) {
      for (std::size_t k = 0; k < d_; ++k)
        centres_[p * d_ + k] =
            classifier.empty() ? static_cast<float>(sums_[p * d_ + k]) : classifier[p * d_ + k];
      has_centre_[p] = normalise({centres_.data() + p * d_, d_}) > 0;
    }
  }

  /// Computes the labels of the faces first, first + step, ...
  void label(const LabelOptions& options, std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < people_.size(); i += step) {
      FaceLabel& l = labels_[i];
      if (l.missing != NoLabel::none) continue;
      if (options.centres != Centres::classifier && members_[people_[i]] < 2) {
        l.missing = NoLabel::one_image;
        continue;
      }
      if (options.centres == Centres::classifier && !has_centre_[people_[i]]) {
        l.missing = NoLabel::no_centre;
        continue;
      }
      l.quality = options.centres == Centres::loo ? cosine_without(i) : cosine(i, people_[i]);
      for (std::size_t p = 0; p < members_.size(); ++p) {
        if (p == people_[i] || !has_centre_[p]) continue;
        const double c = cosine(i, p);
        if (c <= l.nearest_cosine) continue;
        l.nearest_cosine = c;
        l.nearest = static_cast<std::uint32_t>(p);
      }
    }
  }

  void judge(const LabelOptions& options) {
    std::vector<double> norms;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i].missing != NoLabel::no_embedding && original(i) == i) norms.push_back(labels_[i].norm);
    if (norms.empty()) return;
    const auto middle = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
    std::nth_element(norms.begin(), middle, norms.end());
    for (FaceLabel& l : labels_) {
      if (l.missing != NoLabel::none || l.suspect == Suspect::copy) continue;
      if (l.quality >= options.far_below) continue;
      if (l.nearest_cosine > l.quality && l.nearest_cosine >= options.near_from)
        l.suspect = Suspect::other_person;
      else if (l.norm >= options.stranger_norm * *middle)
        l.suspect = Suspect::stranger;
    }
    // A degraded copy may be far from its centre. Its name is correct if its original's is.
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (original(i) != i) labels_[i].suspect = labels_[original(i)].suspect;
  }

 private:
  const float* face(std::size_t i) const { return embeddings_.data() + i * d_; }
  double cosine(std::size_t i, std::size_t person) const {
    return double{dot_product(face(i), centres_.data() + person * d_, d_)};
  }

  std::size_t original(std::size_t i) const { return originals_.empty() ? i : originals_[i]; }
  /// True if the face contributes to the centre of its person.
  bool counts(std::size_t i) const {
    return labels_[i].missing == NoLabel::none && copies_of_[i] == i && original(i) == i;
  }

  /// The cosine with the mean of the person's other faces, without the original of this face.
  double cosine_without(std::size_t i) const {
    const std::size_t left_out = copies_of_[original(i)];
    const double part = counts(left_out) ? 1 : 0;
    double dot = 0, squares = 0;
    for (std::size_t k = 0; k < d_; ++k) {
      const double own = double{face(i)[k]};
      const double other = sums_[people_[i] * d_ + k] - part * double{face(left_out)[k]};
      dot += own * other;
      squares += other * other;
    }
    return squares > 0 ? dot / std::sqrt(squares) : 0;
  }

  void normalise_all() {
    for (std::size_t i = 0; i < people_.size(); ++i) {
      labels_[i].norm = normalise({embeddings_.data() + i * d_, d_});
      if (!std::isfinite(labels_[i].norm) || labels_[i].norm <= 0) labels_[i].missing = NoLabel::no_embedding;
    }
  }

  /// Finds copies: faces whose embeddings are bit-identical are the same image.
  /// They count once in their centre.
  void find_copies() {
    std::unordered_multimap<std::string_view, std::size_t> known;
    for (std::size_t i = 0; i < people_.size(); ++i) {
      copies_of_[i] = i;
      if (labels_[i].missing != NoLabel::none) continue;
      const std::string_view bits(reinterpret_cast<const char*>(face(i)), d_ * sizeof(float));
      const auto [first, last] = known.equal_range(bits);
      for (auto at = first; at != last; ++at) {
        if (people_[at->second] == people_[i])
          copies_of_[i] = at->second;
        else
          labels_[i].suspect = labels_[at->second].suspect = Suspect::copy;
      }
      if (copies_of_[i] == i && original(i) == i) known.emplace(bits, i);
    }
  }

  std::vector<float>& embeddings_;
  std::size_t d_;
  const std::vector<std::uint32_t>& people_;
  const std::vector<std::size_t>& originals_;
  std::vector<FaceLabel>& labels_;
  std::vector<double> sums_;            // [people, d]
  std::vector<std::uint32_t> members_;  // [people] number of distinct images
  std::vector<float> centres_;          // [people, d], of length 1
  std::vector<char> has_centre_;        // [people]
  std::vector<std::size_t> copies_of_;  // [N] the first face with the same image, or the face itself
};

}  // namespace detail

/// Labels faces: quality(x) is the cosine similarity of the embedding of x and the centre of its person (Peng
/// et al., equation 1).
///   embeddings  [N, dimension], not normalised
///   people      [N], the index of each face's person, below people_count
///   classifier  [people_count, dimension] for Centres::classifier, with zeros for people that it does not
///               know; empty for other centres
/// An embedding that is not finite is no error: FaceLabel::missing says so. Errors: mismatch, bad_argument.
inline Result<std::vector<FaceLabel>> label_faces(std::vector<float> embeddings, std::size_t dimension,
                                                  const std::vector<std::uint32_t>& people,
                                                  std::size_t people_count, const LabelOptions& options = {},
                                                  Span<const float> classifier = {}) {
  if (dimension < 1 || embeddings.size() != people.size() * dimension)
    return Status::error(Errc::mismatch, embeddings.size(), " values do not fit the embeddings of ",
                         people.size(), " faces with ", dimension, " values each");
  for (const std::uint32_t person : people)
    if (person >= people_count)
      return Status::error(Errc::bad_argument, "person ", person, " (from 0) does not exist; there are ",
                           people_count);
  const std::size_t wanted = options.centres == Centres::classifier ? people_count * dimension : 0;
  if (classifier.size != wanted)
    return Status::error(Errc::mismatch, "the classifier has ", classifier.size, " values; these centres of ",
                         people_count, " people with ", dimension, " values each need ", wanted);
  if (!options.originals.empty() && options.originals.size() != people.size())
    return Status::error(Errc::mismatch, options.originals.size(), " originals for ", people.size(),
                         " faces; give one for each face, or none");
  for (std::size_t i = 0; i < options.originals.size(); ++i)
    if (const std::size_t from = options.originals[i];
        from >= people.size() || options.originals[from] != from || people[from] != people[i])
      return Status::error(Errc::bad_argument, "face ", i,
                           ": its original must be a face of the same person and no copy itself");
  std::vector<FaceLabel> labels(people.size());
  detail::LabelWork work(embeddings, dimension, people, people_count, options.originals, labels);
  work.prepare(classifier);
  const auto threads = static_cast<std::size_t>(std::max(1, options.threads));
  std::vector<std::thread> others;
  others.reserve(threads);
  for (std::size_t t = 1; t < threads; ++t)
    others.push_back(try_thread([&, t] { work.label(options, t, threads); }));
  work.label(options, 0, threads);
  for (std::size_t t = 1; t < threads; ++t) {
    if (others[t - 1].joinable())
      others[t - 1].join();
    else
      work.label(options, t, threads);
  }
  work.judge(options);
  return labels;
}

TINYFIQA_END
