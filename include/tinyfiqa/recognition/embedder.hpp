// Computes face embeddings with a recogniser: vectors whose cosine is high for faces of the same person.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/threads/in_use.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Divides v by its L2 norm, in-place, and returns the norm. A vector of zeros is unchanged.
inline double normalise(Span<float> v) {
  double squares = 0;
  for (const float x : v) squares += double{x} * double{x};
  const double norm = std::sqrt(squares);
  if (norm > 0)
    for (float& x : v) x = static_cast<float>(double{x} / norm);
  return norm;
}

/// A recogniser and the memory to run batches of faces. For one thread at a time: each thread needs its own Embedder;
/// they may share the model. embed() while another thread is in it is an error (in_use).
///
///   auto embedder = Embedder::create(std::make_shared<const Model>(std::move(*model)));
///   auto face = embedder->embed(image, crop);   // [dimension], of length 1
class Embedder {
 public:
  /// Makes an embedder for batches of `batch` faces that uses `threads` threads. Errors: bad_argument if the
  /// model makes no embeddings; those of Session::create().
  static Result<Embedder> create(std::shared_ptr<const Model> model, int batch = 1, int threads = 1) {
    if (!model->spec().embeds)
      return Status::error(Errc::bad_argument, model->spec().name,
                           " makes no embeddings; give the weights of a recogniser, such as mobilefacenet");
    const InputSpec& input = model->input();
    auto session =
        Session::create(*model, batch, input.height, input.width, SessionOptions{threads, Feed::floats, {}});
    if (!session) return session.status();
    return Embedder(std::move(model), std::move(*session), batch);
  }

  const Model& model() const { return *model_; }
  int batch() const { return batch_; }
  std::size_t dimension() const { return raw_.size() / static_cast<std::size_t>(batch_); }

  /// Writes a face to place `index` of the batch, 0 <= index < batch(). It is aligned by the landmarks
  /// of `crop`, or by the average ones in its box.
  /// Errors: those of preprocess().
  Status set(int index, const ImageView& image, const Crop& crop = {}) {
    const InputSpec& input = model_->input();
    return preprocess(image, crop, input, {place(index), input.size()}, View::identity, 0, model_->backend());
  }

  /// Runs the network on all places of the batch and returns the embeddings [batch, dimension]. They are not
  /// normalised, because their lengths tell something about the quality. Places that were not set keep their
  /// old face. The result is valid until the next run().
  Span<const float> run() {
    session_.run(inputs_.data(), raw_.data());
    return {raw_.data(), raw_.size()};
  }

  /// The embedding [dimension] of one face, normalised to length 1. It uses place 0 of the batch. Errors:
  /// those of preprocess(); not_finite if the embedding is not finite or is 0.
  Result<std::vector<float>> embed(const ImageView& image, const Crop& crop = {}) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this Embedder");
    const Status status = set(0, image, crop);
    if (!status) return status;
    const float* raw = run().data;
    std::vector<float> embedding(raw, raw + dimension());
    const double norm = normalise({embedding.data(), embedding.size()});
    if (std::isfinite(norm) && norm > 0) return embedding;
    return Status::error(Errc::not_finite, model_->spec().name,
                         " gave an embedding that is 0 or not finite; the weights are damaged");
  }

 private:
  Embedder(std::shared_ptr<const Model> model, Session session, int batch)
      : model_(std::move(model)), session_(std::move(session)), batch_(batch) {
    inputs_.resize(session_.input_floats());
    raw_.resize(session_.output_floats());
  }
  float* place(int index) {
    return inputs_.data() + static_cast<std::size_t>(index) * model_->input().size();
  }

  InUse in_use_;
  std::shared_ptr<const Model> model_;
  Session session_;
  int batch_;
  std::vector<float> inputs_, raw_;
};

TINYFIQA_END
