// One interface for everything that gives a face a quality: networks and baselines.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include "options/model_options.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// The names of the baselines that --model accepts, without the learned ones.
extern const char* const baseline_names;
bool is_baseline(const std::string& name);
/// The quality 0..1 that the baseline "random" gives to image `number`.
double random_quality(std::uint64_t seed, std::size_t number);
/// The description of --model for the help.
std::string model_choices();

/// A decoded image, and what is known about it.
struct FaceInput {
  tinyfiqa::ImageView image;
  const tinyfiqa::Crop& crop;
  tinyfiqa::Bytes file = {};  ///< the file that the image was decoded from; empty for raw pixels
  std::size_t number = 0;     ///< position of the image in its list, which decides its "random" quality
  /// A face that was found, of which each network takes the crop that it wants. `crop` has its landmarks.
  const tinyfiqa::Face* face = nullptr;
};

/// Gives faces a quality, one after the other. Not thread-safe: each thread needs its own judge.
class FaceJudge {
 public:
  FaceJudge() = default;
  FaceJudge(const FaceJudge&) = delete;
  FaceJudge& operator=(const FaceJudge&) = delete;
  virtual ~FaceJudge() = default;

  /// The score; higher is better. Errors: bad_argument for a bad box or missing landmarks; not_finite.
  virtual tinyfiqa::Result<tinyfiqa::Score> judge(const FaceInput& face) = 0;

  /// The longer side that a loose crop of the face should have, in pixels (Scorer::wanted_crop_side()).
  virtual int wanted_crop_side() const { return 160; }

  /// The time spent in resizing and in the network; zeros for baselines.
  virtual tinyfiqa::ScoreTime time() const { return {}; }
  double decode_s = 0;  ///< time that score_file() spent on reading and decoding for this judge
};

/// A score of one part. Errors: not_finite.
tinyfiqa::Result<tinyfiqa::Score> single_score(const std::string& name, double quality);

/// A baseline that needs no weights, or only those of a recogniser.
struct Baseline;
class LearnedBaseline;

/// The source of qualities that --model and --weights name. It is read and checked once, and makes a judge
/// for each thread.
class QualitySource {
 public:
  /// Reads networks, or a baseline. `threads` and `use` as for read_models(). Errors: those of reading weights;
  /// bad_argument for views and sizes that a baseline can't have.
  static tinyfiqa::Result<QualitySource> open(const ModelOptions& model,
                                              const tinyfiqa::ScoreOptions& options, int threads = 0,
                                              tinyfiqa::Use use = tinyfiqa::Use::run);
  /// Uses these networks. Errors: those of default_views().
  static tinyfiqa::Result<QualitySource> of(std::vector<std::shared_ptr<const tinyfiqa::Model>> networks,
                                            tinyfiqa::ScoreOptions options);

  /// One judge per thread, but not more than images. A single judge uses all threads itself. `threads` below
  /// 1 means one per core. Errors: those of Scorer and Embedder.
  tinyfiqa::Result<std::vector<std::unique_ptr<FaceJudge>>> judges(int threads, std::size_t images) const;

  /// The networks that score; empty for a baseline.
  std::vector<std::shared_ptr<const tinyfiqa::Model>> networks() const {
    return baseline_ == nullptr ? networks_ : std::vector<std::shared_ptr<const tinyfiqa::Model>>();
  }
  /// The options of its scorers, with the views in use.
  const tinyfiqa::ScoreOptions& options() const { return options_; }

  /// The parts of a score: the names of the networks (or of the baseline) and of the views.
  std::vector<std::string> models() const;
  std::vector<std::string> views() const;

  /// The quality on 0..100: by the calibration of a single calibrated network, otherwise as Peng et al.
  /// define it. NaN if the scores have no known range; has_percent() is then false.
  double percent(double score) const;
  bool has_percent() const { return std::isfinite(percent(0)); }

  /// True if scores have a quality of 0..100 and a band, that is, if all networks are calibrated.
  bool calibrated() const;
  /// The names of the networks that have no calibration. Empty for baselines.
  std::vector<std::string> uncalibrated() const;

  /// A note for qualities that are not exact, because a network was calibrated at another size or with other views.
  /// Empty if they are exact, or if there are none.
  std::string inexact() const;

  /// True if all networks, or the baseline, see a face that is aligned by its landmarks.
  bool wants_aligned_faces() const;
  /// True if only faces with landmarks have a quality.
  bool needs_landmarks() const;
  /// Fails if landmarks are needed but no sample has any and none were searched.
  tinyfiqa::Status check_landmarks(const tinyfiqa::Dataset& data) const;
  /// The crop in which the sample is judged. If landmarks are needed, it has them for an aligned face, too.
  tinyfiqa::Crop crop_of(const tinyfiqa::Sample& sample) const;

 private:
  tinyfiqa::Result<std::unique_ptr<FaceJudge>> judge(int threads) const;

  std::vector<std::shared_ptr<const tinyfiqa::Model>> networks_;  // for "norm": the recogniser
  const Baseline* baseline_ = nullptr;
  std::shared_ptr<const LearnedBaseline> learned_;
  tinyfiqa::ScoreOptions options_;
};
