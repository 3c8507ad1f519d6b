// Heat maps of faces: the networks, views and crops of a score, with one of two methods.
#pragma once

#include <tinyfiqa/attribution/gradient_map.hpp>
#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/attribution/occlusion_map.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

enum class HeatMethod : unsigned char {
  gradient,   ///< (gradient_map.hpp): one backward pass a copy
  occlusion,  ///< (occlusion_map.hpp): slow, and asks the network alone
};

struct HeatMapOptions {
  HeatMethod method = HeatMethod::gradient;
  GradientMapOptions gradient;
  OcclusionMapOptions occlusion;
  std::vector<View> views;  ///< empty: those that the networks score with (default_views())
  std::uint64_t seed = 1;   ///< of View::color
};

/// A face as the networks see it, and its heat map, which has the same size.
struct FaceHeat {
  Image face;
  HeatMap map;
};

/// Makes heat maps of the networks of one score: the mean of their maps, and over the views. Use one a thread: it keeps its
/// buffers from face to face.
class HeatMapper {
 public:
  /// Networks with one input size and crop, loaded for Use::change if the method is gradient. Errors: bad_argument for
  /// networks with different inputs; those of default_views(), GradientMapper::create() and OcclusionMapper::create().
  static Result<HeatMapper> create(const std::vector<std::shared_ptr<const Model>>& models,
                                   HeatMapOptions options = {},
                                   const TrainingBackend& backend = native_training_backend()) {
    if (models.empty()) return Status::error(Errc::bad_argument, "a heat map needs at least one network");
    HeatMapper mapper;
    mapper.input_ = models[0]->input();
    for (const auto& model : models) {
      const InputSpec& other = model->input();
      if (other.height != mapper.input_.height || other.width != mapper.input_.width ||
          other.crop != mapper.input_.crop)
        return Status::error(Errc::bad_argument, models[0]->spec().name, " and ", model->spec().name,
                             " see different parts of a photo; explain one network at a time");
      if (options.method == HeatMethod::gradient) {
        auto made = GradientMapper::create(model, options.gradient, backend);
        if (!made) return made.status();
        mapper.gradient_.push_back(std::move(*made));
      } else {
        auto made = OcclusionMapper::create(model, options.occlusion);
        if (!made) return made.status();
        mapper.occlusion_.push_back(std::move(*made));
      }
    }
    if (options.views.empty()) {
      auto views = default_views(models);
      if (!views) return views.status();
      options.views = std::move(*views);
    }
    mapper.views_ = std::move(options.views);
    mapper.seed_ = options.seed;
    mapper.backend_ = &models[0]->backend();
    return mapper;
  }

  /// The map of a face in a photo, given as for Scorer::score(). Errors: those of crop_and_resize() and map_face().
  Result<FaceHeat> map(const ImageView& photo, const Crop& crop = {}) {
    auto face = crop_and_resize(photo, crop, input_.crop, input_.height, input_.width, *backend_);
    if (!face) return face.status();
    auto map = map_face(*face);
    if (!map) return map.status();
    return FaceHeat{std::move(*face), std::move(*map)};
  }
  /// The same for a face that a detector found.
  Result<FaceHeat> map(const ImageView& photo, const Face& face) {
    return map(photo, crop_for(input_.crop, face, photo.width, photo.height));
  }

  /// The map of an image that has the size of the networks' input. Errors: those of GradientMapper::map() and
  /// OcclusionMapper::map().
  Result<HeatMap> map_face(const Image& face) {
    HeatMap sum(face.height, face.width);
    const auto count = static_cast<float>(views_.size() * (gradient_.size() + occlusion_.size()));
    for (const View view : views_) {
      const Image seen = view == View::identity ? face : apply_view(face, view, seed_);
      for (GradientMapper& mapper : gradient_)
        if (const Status s = add(mapper.map(seen), view, count, sum); !s) return s;
      for (OcclusionMapper& mapper : occlusion_)
        if (const Status s = add(mapper.map(seen), view, count, sum); !s) return s;
    }
    return sum;
  }

  /// What the networks see: the size of maps, and the crop.
  const InputSpec& input() const { return input_; }

 private:
  HeatMapper() = default;

  /// Adds the map of a view to the sum, back in the places of the face.
  static Status add(const Result<HeatMap>& part, View view, float count, HeatMap& sum) {
    if (!part) return part.status();
    for (int y = 0; y < sum.height; ++y)
      for (int x = 0; x < sum.width; ++x)
        sum.at(view == View::vflip ? sum.height - 1 - y : y, view == View::hflip ? sum.width - 1 - x : x) +=
            part->at(y, x) / count;
    sum.score += part->score / count;
    return Status();
  }

  InputSpec input_;
  std::vector<GradientMapper> gradient_;
  std::vector<OcclusionMapper> occlusion_;
  std::vector<View> views_;
  std::uint64_t seed_ = 1;
  const Backend* backend_ = nullptr;
};

TINYFIQA_END
