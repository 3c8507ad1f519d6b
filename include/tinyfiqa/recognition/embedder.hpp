// Faces to embeddings: a recogniser whose vectors of one person's faces point the same way.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// v / |v|_2, in place; returns |v|_2. A vector of zeros stays one.
inline double normalise(Span<float> v) {
  double squares = 0;
  for (const float x : v) squares += double{x} * double{x};
  const double norm = std::sqrt(squares);
  if (norm > 0)
    for (float& x : v) x = static_cast<float>(double{x} / norm);
  return norm;
}

/// A recogniser with the memory to run batches of faces: one for each thread.
///
///   auto embedder = Embedder::create(std::make_shared<const Model>(std::move(*model)));
///   auto face = embedder->embed(image, crop);   // [dimension], of length 1
class Embedder {
 public:
  /// At most `batch` faces at once, on `threads` threads. Errors: bad_argument if the model makes no
  /// embeddings, and those of Session.
  static Result<Embedder> create(std::shared_ptr<const Model> model, int batch = 1, int threads = 1) {
    if (!model->spec().embeds)
      return Status::error(Errc::bad_argument, model->spec().name,
                           " makes no embeddings; give the weights of a recogniser (", recogniser_names(),
                           ")");
    const InputSpec& input = model->input();
    auto session = Session::create(*model, batch, input.height, input.width, threads);
    if (!session) return session.status();
    return Embedder(std::move(model), std::move(*session), batch);
  }

  const Model& model() const { return *model_; }
  int batch() const { return batch_; }
  std::size_t dimension() const { return raw_.size() / static_cast<std::size_t>(batch_); }

  /// Puts a face into place `index` of the batch, aligned if `crop` has landmarks. Errors: preprocess()'s.
  Status set(int index, const ImageView& image, const Crop& crop = {}) {
    const InputSpec& input = model_->input();
    return preprocess(image, crop, input, {place(index), input.size()}, View::identity, 0, model_->backend());
  }

  /// The network on all places; what set() did not fill is left over from before. [batch, dimension], as the
  /// network gives them: not normalised, so that their lengths are not lost.
  Span<const float> run() {
    session_.run(inputs_.data(), raw_.data());
    return {raw_.data(), raw_.size()};
  }

  /// One face's embedding, of length 1. Errors: preprocess()'s; not_finite if the network's weights are
  /// broken.
  Result<std::vector<float>> embed(const ImageView& image, const Crop& crop = {}) {
    const Status status = set(0, image, crop);
    if (!status) return status;
    const float* raw = run().data;
    std::vector<float> embedding(raw, raw + dimension());
    const double norm = normalise({embedding.data(), embedding.size()});
    if (std::isfinite(norm) && norm > 0) return embedding;
    return Status::error(Errc::not_finite, model_->spec().name, " gave an embedding without a direction");
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

  std::shared_ptr<const Model> model_;
  Session session_;
  int batch_;
  std::vector<float> inputs_, raw_;
};

TINYFIQA_END
