// From an image to a score: one or several networks, each with one or several views (Hamidi et al. 2025,
// equation 1).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/threads/in_use.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// What a scorer is made with.
struct ScoreOptions {
  /// The T views of equation 1; empty: default_views(). The qualities of a network shift if these differ from
  /// the views that it was calibrated with.
  std::vector<View> views;
  int height = 0, width = 0;  ///< 0: the input size of each network
  int threads = 1;            ///< that share one image; for many images use one scorer a thread
  std::uint64_t seed = 1;     ///< of View::color
  bool check_finite = false;  ///< see SessionOptions
  int max_arena_mib = SessionOptions().max_arena_mib;
};

/// The views that the weight file of the network names (it was calibrated with them), or identity alone.
inline std::vector<View> own_views(const Model& model) {
  return model.views().empty() ? std::vector<View>{View::identity} : model.views();
}

/// The views of all networks. Errors: bad_argument if they differ.
inline Result<std::vector<View>> default_views(const std::vector<std::shared_ptr<const Model>>& models) {
  std::vector<View> views = models.empty() ? std::vector<View>() : own_views(*models[0]);
  for (const auto& model : models)
    if (own_views(*model) != views)
      return Status::error(Errc::bad_argument, "the weight files name different views (",
                           models[0]->spec().name, ": ", views_text(views), "; ", model->spec().name, ": ",
                           views_text(own_views(*model)), "), so choose the views yourself");
  return views;
}

/// The score of one network.
struct NetworkScore {
  std::string model;
  float score = 0;           ///< mean over the views
  std::vector<float> views;  ///< in the order of Scorer::options().views
};

/// The score of an image. `value` is raw: 0..1 for tinyFQnet; for the perceptual networks a mean opinion
/// score, trained to 0..1 but not clipped.
struct Score {
  float value = 0;  ///< mean over the networks
  std::vector<NetworkScore> networks;
  /// 0..100, the mean over the calibrated networks' qualities; NaN if a network has no calibration.
  /// whole_quality() makes it an integer.
  float quality = std::numeric_limits<float>::quiet_NaN();
  std::optional<Band> band = {};  ///< the band of the quality; none without a quality
};

/// The time that a scorer has used so far, in seconds.
struct ScoreTime {
  double decode_s = 0;  ///< reading and decoding files
  double resize_s = 0;  ///< cropping, resizing, views
  double network_s = 0;
};

/// Scores images, with M networks and T views (Hamidi et al. 2025, equation 1):
///   q(I) = 1/M sum_m 1/T sum_t q_m(view_t(I))
///
/// Use one scorer a thread: score() changes it, and is an error (in_use) while another thread is in it. Scorers may share
/// Models. A Scorer can be moved, not copied.
class Scorer {
 public:
  /// M networks, each with one output. The scorer keeps the models alive. Errors: bad_argument, those of
  /// default_views() and of Session::create().
  static Result<Scorer> create(std::vector<std::shared_ptr<const Model>> models, ScoreOptions options = {}) {
    if (models.empty()) return Status::error(Errc::bad_argument, "a score needs at least one network");
    if (options.views.empty()) {
      auto views = default_views(models);
      if (!views) return views.status();
      options.views = std::move(*views);
    }
    Scorer scorer(options);
    for (auto& model : models) {
      if (!model->spec().scores)
        return Status::error(Errc::bad_argument, model->spec().name,
                             model->spec().embeds ? " gives an embedding, not a quality score"
                             : model->spec().detector != DetectorFamily::none
                                 ? " finds faces and gives no quality score; give it with --detector"
                                 : " gives 1000 classes, not a quality score");
      Member m{std::move(model), {}, {}, {}};
      m.input = m.model->input();
      if (options.height > 0) m.input.height = options.height;
      if (options.width > 0) m.input.width = options.width;
      SessionOptions own;
      own.threads = options.threads;
      own.feed = Feed::levels;
      own.check_finite = options.check_finite;
      own.max_arena_mib = options.max_arena_mib;
      auto session = Session::create(*m.model, static_cast<int>(options.views.size()), m.input.height,
                                     m.input.width, own);
      if (!session) return session.status();
      m.session = std::move(*session);
      scorer.members_.push_back(std::move(m));
    }
    scorer.join_bands();
    return scorer;
  }

  /// The options, with the views that are in use.
  const ScoreOptions& options() const { return options_; }
  const ScoreTime& time() const { return time_; }
  /// True if every network has a calibration. Only then scores have a quality and a band.
  bool calibrated() const { return limits_.has_value(); }

  /// The limits between bands, the mean over the networks; none if not calibrated().
  const std::optional<BandLimits>& band_limits() const { return limits_; }

  /// The longer side, in pixels, that a loose crop of a face should have so that no network has to enlarge it.
  int wanted_crop_side() const {
    // An aligned face shows about 1.25 heights of the face, a loose crop 1.8.
    int side = 0;
    for (const Member& m : members_) {
      const int own = m.input.crop == FaceCrop::aligned ? aligned_side * 36 / 25
                                                        : std::max(m.input.height, m.input.width);
      side = std::max(side, own);
    }
    return side;
  }

  /// The score of a face: the whole image, a box, or the face aligned by five landmarks. Networks that want aligned faces
  /// see a box aligned by average landmarks (crop_and_resize()). Reads the
  /// pixels during the call and copies only the face. Equal pixels have equal scores in every layout, to the
  /// bit. Errors: those of check_view(); bad_argument for the box or the landmarks; not_finite; in_use.
  Result<Score> score(const ImageView& image, const Crop& crop = {}) {
    return score_crops(image, [&](const Member&) { return crop; });
  }

  /// The score of a face that a detector found in the image: each network sees the crop that its weights were trained
  /// on (InputSpec::crop). Errors: the same.
  Result<Score> score(const ImageView& image, const Face& face) {
    return score_crops(
        image, [&](const Member& m) { return crop_for(m.input.crop, face, image.width, image.height); });
  }

  /// The score of a face in an image file. Errors: the same and those of read_image().
  Result<Score> score(const std::string& path, const Crop& crop = {}) {
    const auto image = read_timed(path);
    if (!image) return image.status();
    auto result = score(*image, crop);
    if (!result) return result.status().prefixed(path, ": ");
    return result;
  }

 private:
  struct Member {
    std::shared_ptr<const Model> model;
    InputSpec input;
    std::optional<Session> session;
    std::vector<unsigned char> levels;  // the views [T, H, W, 3]; unused for identity alone
  };

  /// Adds its lifetime to a sum.
  class Stopwatch {
   public:
    explicit Stopwatch(double& sum_s) : sum_s_(sum_s), start_(std::chrono::steady_clock::now()) {}
    ~Stopwatch() {
      sum_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

   private:
    double& sum_s_;
    std::chrono::steady_clock::time_point start_;
  };

  explicit Scorer(const ScoreOptions& options) : options_(options) {}

  /// crop_of(member): what the member sees of the image.
  template <class CropOf>
  Result<Score> score_crops(const ImageView& image, const CropOf& crop_of) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this Scorer");
    Score total;
    const Member* before = nullptr;
    Image face;  // as the member before saw it
    for (Member& m : members_) {
      const bool same = before != nullptr && before->input.crop == m.input.crop &&
                        face.height == m.input.height && face.width == m.input.width;
      if (!same) {
        const Stopwatch watch(time_.resize_s);
        auto resized = crop_and_resize(image, crop_of(m), m.input.crop, m.input.height, m.input.width,
                                       m.model->backend());
        if (!resized) return resized.status();
        face = std::move(*resized);
      }
      before = &m;
      auto part = score_member(m, face);
      if (!part) return part.status();
      total.value += part->score / static_cast<float>(members_.size());
      total.networks.push_back(std::move(*part));
    }
    judge(total);
    return total;
  }

  void join_bands() {
    int poor = 0, fair = 0, good = 0;
    for (const Member& m : members_) {
      if (!m.model->calibration()) return;
      const BandLimits& l = m.model->calibration()->limits;
      poor += l.poor, fair += l.fair, good += l.good;
    }
    const int count = static_cast<int>(members_.size());
    limits_ = BandLimits{poor / count, fair / count, good / count};
  }

  void judge(Score& total) const {
    if (!limits_) return;
    float sum = 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      sum += members_[i].model->calibration()->quality(total.networks[i].score);
    total.quality = sum / static_cast<float>(members_.size());
    total.band = limits_->of(whole_quality(total.quality));
  }

  Result<Image> read_timed(const std::string& path) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this Scorer");
    const Stopwatch watch(time_.decode_s);
    return read_image(path);
  }

  Result<NetworkScore> score_member(Member& m, const Image& face) {
    NetworkScore s;
    s.model = m.model->spec().name;
    s.views.resize(options_.views.size());
    const unsigned char* const levels = views_of(m, face);
    {
      const Stopwatch watch(time_.network_s);
      m.session->run(levels, s.views.data());
    }
    if (!m.session->finite()) return m.session->finite();
    for (const float v : s.views) {
      if (!std::isfinite(v))
        return Status::error(
            Errc::not_finite, s.model,
            " gave a score that is not a number; ScoreOptions::check_finite (--check-finite of the "
            "program) names the layer that it comes from");
      s.score += v / static_cast<float>(s.views.size());
    }
    return s;
  }

  /// The input of a member: every view of `face`, which has the member's size.
  const unsigned char* views_of(Member& m, const Image& face) {
    if (options_.views.size() == 1 && options_.views[0] == View::identity) return face.rgb.data();
    const Stopwatch watch(time_.resize_s);
    m.levels.clear();
    for (const View view : options_.views) {
      const auto add = [&](const Image& seen) {
        m.levels.insert(m.levels.end(), seen.rgb.begin(), seen.rgb.end());
      };
      if (view == View::identity)
        add(face);
      else
        add(apply_view(face, view, options_.seed));
    }
    return m.levels.data();
  }

  InUse in_use_;
  ScoreOptions options_;
  std::vector<Member> members_;
  std::optional<BandLimits> limits_;
  ScoreTime time_;
};

TINYFIQA_END
