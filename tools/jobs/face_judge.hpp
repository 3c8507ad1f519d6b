// Whatever gives a face a quality, be it a network or a baseline, behind one interface.
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

/// The names that --model takes beside networks, without those that are learned.
extern const char* const baseline_names;
bool is_baseline(const std::string& name);
/// The quality "random" of image `number`, 0..1.
double random_quality(std::uint64_t seed, std::size_t number);
/// What --model takes, for --help.
std::string model_choices();
/// True if a row has landmarks.
bool any_landmarks(const tinyfiqa::Dataset& data);

/// A decoded picture with what is known about it.
struct FaceInput {
  tinyfiqa::ImageView image;
  const tinyfiqa::Crop& crop;
  tinyfiqa::Bytes file = {};  ///< that the picture was decoded from; empty for raw pixels
  std::size_t number = 0;     ///< of the picture in its list: what `random` draws by
};

/// Judges one face after the other; one for each thread.
class FaceJudge {
 public:
  FaceJudge() = default;
  FaceJudge(const FaceJudge&) = delete;
  FaceJudge& operator=(const FaceJudge&) = delete;
  virtual ~FaceJudge() = default;

  /// Higher is better. Errors: bad_argument (box, landmarks that are needed and missing), not_finite.
  virtual tinyfiqa::Result<tinyfiqa::Score> judge(const FaceInput& face) = 0;

  /// Where its time went; zeros for baselines.
  virtual tinyfiqa::ScoreTime time() const { return {}; }
  double decode_s = 0;  ///< what score_file() took to read and decode pictures for it
};

/// A score of one part; an error if it is not a number.
tinyfiqa::Result<tinyfiqa::Score> single_score(const std::string& name, double quality);

/// A baseline that needs no weights, or a recogniser's.
struct Baseline;
class LearnedBaseline;

/// What --model and --weights ask for, read and checked once, for as many judges as there are threads.
class QualitySource {
 public:
  /// Networks, or a baseline. `threads` as for read_models(). Errors: those of reading weights; bad_argument
  /// for views and sizes that a baseline can't have.
  static tinyfiqa::Result<QualitySource> open(const ModelOptions& model,
                                              const tinyfiqa::ScoreOptions& options, int threads = 0);
  /// These networks. Errors: those of default_views().
  static tinyfiqa::Result<QualitySource> of(std::vector<std::shared_ptr<const tinyfiqa::Model>> networks,
                                            tinyfiqa::ScoreOptions options);

  /// As many as threads are worth having; one that uses all of them when there is a single image.
  /// `threads` below 1: one for each core. Errors: those of Scorer and Embedder.
  tinyfiqa::Result<std::vector<std::unique_ptr<FaceJudge>>> judges(int threads, std::size_t images) const;

  /// The parts of a score: networks (or the baseline's name) and views.
  std::vector<std::string> models() const;
  std::vector<std::string> views() const;

  /// Quality on 0..100: of one calibrated network by its map, else as P2 gives it; not a number where scores
  /// have no known range (has_percent() is false).
  double percent(double score) const;
  bool has_percent() const { return std::isfinite(percent(0)); }

  /// True if scores have a quality of 0..100 and a band: networks, and each of them is calibrated.
  bool calibrated() const;
  /// Names of networks that lack a calibration; none for baselines, which can't have one.
  std::vector<std::string> uncalibrated() const;

  /// True if the views are those that the networks were calibrated with.
  bool sees_calibrated_views() const;

  /// True if a face without landmarks has no quality.
  bool needs_landmarks() const;
  /// Fails if landmarks are needed and no sample has any; `data` is the file to blame.
  tinyfiqa::Status check_landmarks(const std::string& data, bool any_landmarks) const;

 private:
  tinyfiqa::Result<std::unique_ptr<FaceJudge>> judge(int threads) const;

  std::vector<std::shared_ptr<const tinyfiqa::Model>> networks_;  // of norm: the recogniser
  const Baseline* baseline_ = nullptr;
  std::shared_ptr<const LearnedBaseline> learned_;
  tinyfiqa::ScoreOptions options_;
};
