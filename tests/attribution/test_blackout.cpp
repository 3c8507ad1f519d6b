// A heat map is right about what matters: the region that it marks most lowers the score more than a random one when both
// are blacked out. If TINYFIQA_REFERENCE_DIR names the reference data, this is tested on 210 faces, with an interval.
#include <tinyfiqa/attribution/heat_mapper.hpp>
#include <tinyfiqa/quality/default_model.hpp>

#include "photo_faces.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr int side = 16;  // a sixteenth of the area that the network sees

/// The square with the largest sum; `sign` -1: with the least.
MapRegion highest_region(const HeatMap& map, float sign = 1) {
  MapRegion best;
  double most = -1e300;
  for (int top = 0; top + side <= map.height; ++top)
    for (int left = 0; left + side <= map.width; ++left) {
      double sum = 0;
      for (int y = top; y < top + side; ++y)
        for (int x = left; x < left + side; ++x) sum += static_cast<double>(sign * map.at(y, x));
      if (sum > most) most = sum, best = {left, top, side, side};
    }
  return best;
}

Image blacked_out(const Image& face, const MapRegion& r) {
  Image out = copy_image(face);
  for (int y = r.y; y < r.y + r.height; ++y)
    std::fill_n(out.pixel(r.x, y), 3 * r.width, static_cast<unsigned char>(0));
  return out;
}

/// How many points of quality (0..100) blacking out takes from a face.
struct Drops {
  double highest = 0, lowest = 0, random = 0;
};

class Blackout {
 public:
  explicit Blackout(HeatMethod method) {
    auto model = default_model();
    REQUIRE(model.ok());
    model_ = std::make_shared<const Model>(std::move(*model));
    HeatMapOptions options;
    options.method = method;
    auto mapper = HeatMapper::create({model_}, options);
    auto scorer = Scorer::create({model_});
    REQUIRE(mapper.ok());
    REQUIRE(scorer.ok());
    mapper_ = std::make_unique<HeatMapper>(std::move(*mapper));
    scorer_ = std::make_unique<Scorer>(std::move(*scorer));
  }

  Drops drops(const PhotoFace& f, Rng& rng) {
    constexpr int random_regions = 8;
    const auto heat = mapper_->map(f.photo, f.face);
    REQUIRE_MESSAGE(heat.ok(), heat.status().message());
    const double before = quality(heat->face);
    const auto drop = [&](const MapRegion& r) { return before - quality(blacked_out(heat->face, r)); };
    Drops d{drop(highest_region(heat->map)), drop(highest_region(heat->map, -1)), 0};
    const auto place = [&](int length) {
      return static_cast<int>(rng.below(static_cast<std::uint32_t>(length - side + 1)));
    };
    for (int i = 0; i < random_regions; ++i) {
      const int x = place(heat->map.width), y = place(heat->map.height);
      d.random += drop({x, y, side, side}) / random_regions;
    }
    return d;
  }

 private:
  double quality(const Image& face) {
    const auto score = scorer_->score(face);
    REQUIRE(score.ok());
    return static_cast<double>(score->quality);
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<HeatMapper> mapper_;
  std::unique_ptr<Scorer> scorer_;
};

/// The mean of a - b, and half of its 95 % interval.
std::pair<double, double> mean_interval(const std::vector<double>& differences) {
  const auto count = static_cast<double>(differences.size());
  double mean = 0, variance = 0;
  for (const double d : differences) mean += d / count;
  for (const double d : differences) variance += (d - mean) * (d - mean) / (count - 1);
  return {mean, 1.96 * std::sqrt(variance / count)};
}

}  // namespace

TEST_CASE("blacking out what a heat map marks most lowers the score of the example face most") {
  for (const HeatMethod method : {HeatMethod::gradient, HeatMethod::occlusion}) {
    Blackout blackout(method);
    Rng rng(3);
    const Drops d = blackout.drops(example_face(), rng);
    CHECK(d.highest > d.random);
    CHECK(d.highest > d.lowest);
  }
}

TEST_CASE(
    "blacking out what a heat map marks most lowers the scores of 210 faces more than a random region") {
  const std::vector<PhotoFace> faces = reference_faces();
  if (faces.empty()) return;
  for (const HeatMethod method : {HeatMethod::gradient, HeatMethod::occlusion}) {
    const std::string name = method == HeatMethod::gradient ? "gradient" : "occlusion";
    Blackout blackout(method);
    Rng rng(3);
    Drops mean;
    std::vector<double> above_random, below_random;
    for (const PhotoFace& f : faces) {
      const Drops d = blackout.drops(f, rng);
      const auto count = static_cast<double>(faces.size());
      mean.highest += d.highest / count, mean.random += d.random / count, mean.lowest += d.lowest / count;
      above_random.push_back(d.highest - d.random);
      below_random.push_back(d.random - d.lowest);
    }
    const auto [above, above_half] = mean_interval(above_random);
    const auto [below, below_half] = mean_interval(below_random);
    MESSAGE(name, ": highest ", mean.highest, ", random ", mean.random, ", lowest ", mean.lowest,
            "; highest - random ", above, " +- ", above_half, ", random - lowest ", below, " +- ",
            below_half);
    CHECK(above - above_half > 0);
    CHECK(below - below_half > 0);
  }
}
