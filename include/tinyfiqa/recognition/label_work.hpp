// The steps of label_faces(): what all faces together say of the people, then the label of each face.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/recognition/embedder.hpp>
#include <tinyfiqa/recognition/embedding_rows.hpp>
#include <tinyfiqa/recognition/face_label.hpp>
#include <tinyfiqa/recognition/nearest_centre.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// Calls work(thread) for the numbers 0 .. threads - 1, each in a thread of its own, or in this one if the system starts no
/// more.
template <class Work>
void on_threads(std::size_t threads, const Work& work) {
  std::vector<std::thread> others;
  others.reserve(threads);
  for (std::size_t t = 1; t < threads; ++t) others.push_back(try_thread([&work, t] { work(t); }));
  work(0);
  for (std::size_t t = 1; t < threads; ++t) {
    if (others[t - 1].joinable())
      others[t - 1].join();
    else
      work(t);
  }
}

/// Embeddings are read row by row and normalised, in each step again: a face costs some bytes, not its embedding.
class LabelWork {
 public:
  LabelWork(const EmbeddingRows& rows, const std::vector<std::uint32_t>& people, std::size_t people_count,
            const LabelOptions& options, std::vector<FaceLabel>& labels)
      : rows_(rows),
        d_(rows.dimension()),
        people_(people),
        options_(options),
        labels_(labels),
        threads_(static_cast<std::size_t>(std::max(1, options.threads))) {
    members_.resize(people_count);
    centres_.resize(people_count * d_);
    has_centre_.resize(people_count);
    copy_of_.resize(people.size());
  }

  void prepare(Span<const float> classifier) {
    find_copies(normalise_all());
    count_members();
    if (classifier.empty()) {
      sums_.resize(centres_.size());
      on_threads(threads_, [&](std::size_t t) { add_faces(t); });
    }
    for (std::size_t p = 0; p < members_.size(); ++p) {
      for (std::size_t k = 0; k < d_; ++k)
        centres_[p * d_ + k] =
            classifier.empty() ? static_cast<float>(sums_[p * d_ + k]) : classifier[p * d_ + k];
      has_centre_[p] = normalise({centres_.data() + p * d_, d_}) > 0;
    }
  }

  /// Labels the faces of the options, and the originals of their copies.
  void label() {
    const std::vector<std::uint32_t> faces = wanted();
    std::atomic<std::size_t> next{0};
    on_threads(threads_, [&](std::size_t thread) {
      NearestCentre search(d_, options_, centres_, has_centre_);
      for (std::size_t first; (first = next.fetch_add(face_block)) < faces.size();) {
        label_block(search, {faces.data() + first, std::min(face_block, faces.size() - first)});
        if (thread == 0 && options_.progress)
          options_.progress(std::min(next.load(), faces.size()), faces.size());
      }
    });
  }

  void judge() {
    std::vector<double> norms;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i].missing != NoLabel::no_embedding && original(i) == i) norms.push_back(labels_[i].norm);
    if (norms.empty()) return;
    const auto middle = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
    std::nth_element(norms.begin(), middle, norms.end());
    for (FaceLabel& l : labels_) {
      if (l.missing != NoLabel::none || l.suspect == Suspect::copy) continue;
      if (l.quality >= options_.far_below) continue;
      if (l.nearest_cosine > l.quality && l.nearest_cosine >= options_.near_from)
        l.suspect = Suspect::other_person;
      else if (l.norm >= options_.stranger_norm * *middle)
        l.suspect = Suspect::stranger;
    }
    // A degraded copy may be far from its centre. Its name is correct if its original's is.
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (original(i) != i) labels_[i].suspect = labels_[original(i)].suspect;
  }

 private:
  /// The hash of a normalised embedding, and its face.
  using HashedFace = std::pair<std::size_t, std::uint32_t>;

  std::size_t original(std::size_t i) const { return options_.originals.empty() ? i : options_.originals[i]; }
  /// True if the face contributes to the centre of its person.
  bool counts(std::size_t i) const {
    return labels_[i].missing == NoLabel::none && copy_of_[i] == i && original(i) == i;
  }
  double read_unit(std::size_t i, float* to) const {
    rows_.read(i, to);
    return normalise({to, d_});
  }

  /// Computes the length of each embedding. Returns the faces that have one.
  std::vector<HashedFace> normalise_all() {
    std::vector<HashedFace> hashes(people_.size());
    on_threads(threads_, [&](std::size_t t) {
      std::vector<float> face(d_);
      const std::size_t end = people_.size() * (t + 1) / threads_;
      for (std::size_t i = people_.size() * t / threads_; i < end; ++i) {
        labels_[i].norm = read_unit(i, face.data());
        if (!std::isfinite(labels_[i].norm) || labels_[i].norm <= 0)
          labels_[i].missing = NoLabel::no_embedding;
        const std::string_view bits(reinterpret_cast<const char*>(face.data()), d_ * sizeof(float));
        hashes[i] = {std::hash<std::string_view>()(bits), static_cast<std::uint32_t>(i)};
      }
    });
    hashes.erase(
        std::remove_if(hashes.begin(), hashes.end(),
                       [&](const HashedFace& h) { return labels_[h.second].missing != NoLabel::none; }),
        hashes.end());
    return hashes;
  }

  /// Finds copies: faces whose embeddings are bit-identical are the same image. They count once in their centre.
  void find_copies(std::vector<HashedFace> hashes) {
    for (std::size_t i = 0; i < copy_of_.size(); ++i) copy_of_[i] = static_cast<std::uint32_t>(i);
    std::sort(hashes.begin(), hashes.end());
    for (std::size_t first = 0, last = 0; first < hashes.size(); first = last) {
      while (last < hashes.size() && hashes[last].first == hashes[first].first) ++last;
      if (last - first > 1) find_copies({hashes.data() + first, last - first});
    }
  }

  /// The faces have one hash, which is nearly always that of one image.
  void find_copies(Span<const HashedFace> faces) {
    struct SameImage {
      std::vector<float> face;
      std::vector<std::uint32_t> numbers;
    };
    std::vector<SameImage> images;
    std::vector<float> face(d_);
    for (const auto& [hash, i] : faces) {
      read_unit(i, face.data());
      const auto same = std::find_if(images.begin(), images.end(), [&](const SameImage& image) {
        return std::memcmp(image.face.data(), face.data(), d_ * sizeof(float)) == 0;
      });
      if (same == images.end())
        images.push_back({face, {i}});
      else
        same->numbers.push_back(i);
    }
    for (const SameImage& image : images) mark_copies(image.numbers);
  }

  /// The faces are one image. Their numbers rise.
  void mark_copies(const std::vector<std::uint32_t>& faces) {
    std::unordered_map<std::uint32_t, std::uint32_t> known;  // the first face of each person
    for (const std::uint32_t i : faces) {
      const auto own = known.find(people_[i]);
      const bool is_copy = own != known.end();
      if (is_copy) copy_of_[i] = own->second;
      if (known.size() > std::size_t{is_copy}) {
        labels_[i].suspect = Suspect::copy;
        if (known.size() == 1) labels_[known.begin()->second].suspect = Suspect::copy;  // later, all are
      }
      if (!is_copy && original(i) == i) known.emplace(people_[i], i);
    }
  }

  void count_members() {
    for (std::size_t i = 0; i < people_.size(); ++i) members_[people_[i]] += counts(i);
  }

  /// Adds the faces of the people that are this thread's, so that each sum has one order whatever the threads.
  void add_faces(std::size_t thread) {
    std::vector<float> face(d_);
    for (std::size_t i = 0; i < people_.size(); ++i) {
      if (people_[i] % threads_ != thread || !counts(i)) continue;
      read_unit(i, face.data());
      for (std::size_t k = 0; k < d_; ++k) sums_[people_[i] * d_ + k] += double{face[k]};
    }
  }

  /// The faces to label, in the order of their numbers.
  std::vector<std::uint32_t> wanted() const {
    const std::size_t first = std::min(options_.first, labels_.size());
    const std::size_t last = first + std::min(options_.count, labels_.size() - first);
    std::vector<std::uint32_t> faces;
    for (std::size_t i = first; i < last; ++i) {
      faces.push_back(static_cast<std::uint32_t>(i));
      if (original(i) < first || original(i) >= last)
        faces.push_back(static_cast<std::uint32_t>(original(i)));
    }
    std::sort(faces.begin(), faces.end());
    faces.erase(std::unique(faces.begin(), faces.end()), faces.end());
    return faces;
  }

  void label_block(NearestCentre& search, Span<const std::uint32_t> faces) {
    search.clear();
    for (const std::uint32_t i : faces) {
      FaceLabel& l = labels_[i];
      if (l.missing != NoLabel::none) continue;
      if (options_.centres != Centres::classifier && members_[people_[i]] < 2) {
        l.missing = NoLabel::one_image;
        continue;
      }
      if (options_.centres == Centres::classifier && !has_centre_[people_[i]]) {
        l.missing = NoLabel::no_centre;
        continue;
      }
      float* const face = search.add(people_[i], l);
      read_unit(i, face);
      l.quality = options_.centres == Centres::loo
                      ? cosine_without(i, face)
                      : double{dot_product(face, centres_.data() + people_[i] * d_, d_)};
    }
    if (options_.nearest) search.run();
  }

  /// The cosine of a face with the mean of the person's other faces, without the original of this face.
  double cosine_without(std::size_t i, const float* face) const {
    const std::size_t left_out = copy_of_[original(i)];
    std::vector<float> other_face;
    const float* left_out_face = face;
    if (left_out != i) {
      other_face.resize(d_);
      read_unit(left_out, other_face.data());
      left_out_face = other_face.data();
    }
    const double part = counts(left_out) ? 1 : 0;
    double dot = 0, squares = 0;
    for (std::size_t k = 0; k < d_; ++k) {
      const double own = double{face[k]};
      const double other = sums_[people_[i] * d_ + k] - part * double{left_out_face[k]};
      dot += own * other;
      squares += other * other;
    }
    return squares > 0 ? dot / std::sqrt(squares) : 0;
  }

  const EmbeddingRows& rows_;
  std::size_t d_;
  const std::vector<std::uint32_t>& people_;
  const LabelOptions& options_;
  std::vector<FaceLabel>& labels_;
  std::size_t threads_;
  std::vector<double> sums_;            // [people, d], or empty if a classifier gives the centres
  std::vector<std::uint32_t> members_;  // [people] number of distinct images
  std::vector<float> centres_;          // [people, d], of length 1
  std::vector<char> has_centre_;        // [people]
  std::vector<std::uint32_t> copy_of_;  // [N] the first face with the same image, or the face itself
};

}  // namespace detail
TINYFIQA_END
