// Heat maps by occlusion (Zeiler and Fergus 2014): cover a square of the face, score it again, and see what is lost. This asks
// the network alone and needs no gradient, but hundreds of runs.
#pragma once

#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

struct OcclusionMapOptions {
  float side = 0.2f;     ///< of the square, as a share of the input's shorter side
  float stride = 0.05f;  ///< from square to square, likewise
  int threads = 1;
};

/// Makes heat maps of one network. For one thread at a time.
class OcclusionMapper {
 public:
  /// Errors: bad_argument; those of Session::create().
  static Result<OcclusionMapper> create(std::shared_ptr<const Model> model,
                                        const OcclusionMapOptions& options = {}) {
    if (!model->spec().scores)
      return Status::error(Errc::bad_argument, model->spec().name, " gives no quality score");
    if (!(options.side > 0 && options.side <= 1 && options.stride > 0 && options.stride <= options.side))
      return Status::error(Errc::bad_argument,
                           "occlusion needs a square's side of 0..1 and a stride of at most that side");
    const InputSpec& input = model->input();
    SessionOptions own;
    own.threads = options.threads;
    own.feed = Feed::levels;
    const int batch = std::clamp(batch_pixels / (input.height * input.width), 1, most_batch);
    auto session = Session::create(*model, batch, input.height, input.width, own);
    if (!session) return session.status();
    return OcclusionMapper(std::move(model), options, std::move(*session), batch);
  }

  /// The map of a face [H, W, 3] that has the size of the network's input. The value of a pixel is the mean, over the
  /// squares that cover it, of what the raw score loses when the square becomes as grey as the middle of the input's range.
  /// Errors: mismatch for another size; not_finite.
  Result<HeatMap> map(const Image& face) {
    const InputSpec& spec = model_->input();
    if (face.height != spec.height || face.width != spec.width)
      return Status::error(Errc::mismatch, "the face has ", face.width, "x", face.height,
                           " pixels, the network wants ", spec.width, "x", spec.height);
    HeatMap map(spec.height, spec.width);
    std::vector<MapRegion> squares = {MapRegion()};  // first the face itself
    const int short_side = std::min(spec.height, spec.width);
    const int side = whole(options_.side, short_side), step = whole(options_.stride, short_side);
    for (const int y : starts(spec.height, side, step))
      for (const int x : starts(spec.width, side, step)) squares.push_back({x, y, side, side});
    const std::vector<float> scores = covered_scores(face, squares);
    map.score = scores[0];
    std::vector<int> covers(map.values.size());
    for (std::size_t i = 1; i < squares.size(); ++i) add(squares[i], scores[0] - scores[i], map, covers);
    for (std::size_t i = 0; i < covers.size(); ++i) map.values[i] /= static_cast<float>(covers[i]);
    for (const float score : scores)
      if (!std::isfinite(score))
        return Status::error(Errc::not_finite, model_->spec().name, " gave a score that is not a number");
    return map;
  }

  const Model& model() const { return *model_; }

 private:
  static constexpr int batch_pixels = 16 * 64 * 64, most_batch = 16;

  OcclusionMapper(std::shared_ptr<const Model> model, const OcclusionMapOptions& options, Session session,
                  int batch)
      : model_(std::move(model)), options_(options), session_(std::move(session)), batch_(batch) {}

  static int whole(float share, int side) {
    return std::max(1, static_cast<int>(std::lround(share * static_cast<float>(side))));
  }

  /// Where squares begin: 0, step, 2 step ... and the last place that fits, so that each pixel is covered.
  static std::vector<int> starts(int length, int side, int step) {
    std::vector<int> all;
    for (int at = 0; at + side < length; at += step) all.push_back(at);
    all.push_back(length - side);
    return all;
  }

  std::vector<float> covered_scores(const Image& face, const std::vector<MapRegion>& squares) {
    std::vector<float> scores(squares.size()), part(static_cast<std::size_t>(batch_));
    std::vector<unsigned char> levels(static_cast<std::size_t>(batch_) * face.rgb.size());
    const auto batch = static_cast<std::size_t>(batch_);
    for (std::size_t first = 0; first < squares.size(); first += batch) {
      const std::size_t count = std::min(batch, squares.size() - first);
      for (std::size_t i = 0; i < count; ++i)
        cover(face, squares[first + i], levels.data() + i * face.rgb.size());
      session_.run(levels.data(), part.data());
      std::copy_n(part.begin(), count, scores.begin() + static_cast<std::ptrdiff_t>(first));
    }
    return scores;
  }

  void cover(const Image& face, const MapRegion& square, unsigned char* levels) const {
    std::copy(face.rgb.begin(), face.rgb.end(), levels);
    const float* const mean = model_->input().levels.mean;
    const bool bgr = model_->input().order == ChannelOrder::bgr;
    unsigned char grey[3];
    for (int c = 0; c < 3; ++c) grey[c] = static_cast<unsigned char>(std::lround(mean[bgr ? 2 - c : c]));
    for (int y = square.y; y < square.y + square.height; ++y)
      for (int x = square.x; x < square.x + square.width; ++x)
        std::memcpy(levels + (std::ptrdiff_t{y} * face.width + x) * 3, grey, 3);
  }

  static void add(const MapRegion& square, float lost, HeatMap& map, std::vector<int>& covers) {
    for (int y = square.y; y < square.y + square.height; ++y)
      for (int x = square.x; x < square.x + square.width; ++x) {
        map.at(y, x) += lost;
        ++covers[static_cast<std::size_t>(y) * static_cast<std::size_t>(map.width) +
                 static_cast<std::size_t>(x)];
      }
  }

  std::shared_ptr<const Model> model_;
  OcclusionMapOptions options_;
  Session session_;
  int batch_;
};

TINYFIQA_END
