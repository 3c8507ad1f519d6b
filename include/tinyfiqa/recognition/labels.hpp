// Quality labels without human raters: the cosine similarity of a face's embedding and the centre of its
// person (Peng et al., equation 1).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/recognition/embedding_rows.hpp>
#include <tinyfiqa/recognition/face_label.hpp>
#include <tinyfiqa/recognition/label_work.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

inline Status check_label_input(const EmbeddingRows& embeddings, const std::vector<std::uint32_t>& people,
                                std::size_t people_count, const LabelOptions& options,
                                Span<const float> classifier) {
  const std::size_t dimension = embeddings.dimension();
  if (dimension < 1)
    return Status::error(Errc::mismatch, "embeddings without values; give rows of one value or more");
  if (embeddings.size() != people.size() || people.size() > std::numeric_limits<std::uint32_t>::max())
    return Status::error(Errc::mismatch, embeddings.size(), " embeddings do not fit ", people.size(),
                         " faces; give one for each face, of at most 2^32 - 1");
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
  return {};
}

}  // namespace detail

/// Labels faces: quality(x) is the cosine similarity of the embedding of x and the centre of its person (Peng
/// et al., equation 1).
///   embeddings  [N, dimension], not normalised
///   people      [N], the index of each face's person, below people_count
///   classifier  [people_count, dimension] for Centres::classifier, with zeros for people that it does not
///               know; empty for other centres
/// An embedding that is not finite is no error: FaceLabel::missing says so. Errors: mismatch, bad_argument.
///
/// Embeddings are read row by row, three times. Beside them and the arguments, at most 52 bytes a face and
/// 12 dimension + 13 bytes a person are held, and 64 embeddings a thread.
inline Result<std::vector<FaceLabel>> label_faces(const EmbeddingRows& embeddings,
                                                  const std::vector<std::uint32_t>& people,
                                                  std::size_t people_count, const LabelOptions& options = {},
                                                  Span<const float> classifier = {}) {
  const Status good = detail::check_label_input(embeddings, people, people_count, options, classifier);
  if (!good) return good;
  std::vector<FaceLabel> labels(people.size());
  detail::LabelWork work(embeddings, people, people_count, options, labels);
  work.prepare(classifier);
  work.label();
  work.judge();
  return labels;
}

/// The same for embeddings in memory, [N, dimension].
inline Result<std::vector<FaceLabel>> label_faces(std::vector<float> embeddings, std::size_t dimension,
                                                  const std::vector<std::uint32_t>& people,
                                                  std::size_t people_count, const LabelOptions& options = {},
                                                  Span<const float> classifier = {}) {
  const auto rows = EmbeddingRows::from_values(std::move(embeddings), dimension);
  if (!rows) return rows.status();
  return label_faces(*rows, people, people_count, options, classifier);
}

TINYFIQA_END
