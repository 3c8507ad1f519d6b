// Scores many images on several threads.
#pragma once

#include <tinyfiqa/quality/scorer.hpp>

#include "decoders/photo.hpp"
#include "jobs/faces/face_finder.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/scoring/explain_faces.hpp"
#include "jobs/scoring/face_judge.hpp"
#include "options/face_options.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"

#include <cstddef>
#include <functional>
#include <string>

/// --size, --tta, and what is checked while the networks run.
struct ViewOptions {
  SizeOption size;
  std::string tta;
  NetworkChecks checks;

  void add_to(const Command& command);
};

/// The views and the input size that the options ask for. Errors: bad_argument for unknown views.
tinyfiqa::Result<tinyfiqa::ScoreOptions> score_options(const ViewOptions& options);

/// Shows qualities if the networks are calibrated and `raw` (--raw) is false. Prints a note that says how to calibrate
/// networks that are not, or that qualities are not exact.
ShownScore shown_score(const QualitySource& source, bool raw);

/// An image file, read and decoded.
struct ImageFile {
  tinyfiqa::Result<tinyfiqa::FileBytes> bytes;
  tinyfiqa::Result<Photo> photo;
  double seconds;  ///< time for reading and decoding
};
/// `longest_side`: see DecodeRequest; 0 for the full size.
ImageFile read_image_file(const std::string& path, int longest_side = 0);

/// Scores one image. `number` is its position in the list of images. An explainer, if there is one, explains the face.
ScoreRow score_image(FaceJudge& judge, const std::string& path, const ImageFile& file,
                     const tinyfiqa::Crop& crop, std::size_t number, FaceExplainer* explainer = nullptr);

/// Finds the faces of one image and scores each: a row a face, or one row with an error. An image that is an aligned
/// face is scored as it is. A face that was decoded too small for the judge is decoded again. Faces in the rows are in
/// pixels of the full photo.
std::vector<ScoreRow> score_faces(FaceJudge& judge, FaceFinder& finder, const std::string& path,
                                  const ImageFile& file, std::size_t number,
                                  FaceExplainer* explainer = nullptr);

/// What one thread scores photos with. Without a finder, the whole image or the given crop is the face.
struct PhotoJudge {
  std::unique_ptr<FaceJudge> judge;
  std::unique_ptr<FaceFinder> finder;
  std::unique_ptr<FaceExplainer> explainer = nullptr;  ///< for --explain

  /// The size at which photos are decoded for it, unless their crops are given.
  int decoded_side() const { return finder == nullptr ? 0 : finder->decoded_side(); }
};

/// One for each thread, but not more than images; with `explain`, they explain faces too. Errors: those of
/// QualitySource::judges() and FaceOptions::finders().
tinyfiqa::Result<std::vector<PhotoJudge>> photo_judges(const QualitySource& source, const FaceOptions& faces,
                                                       const std::string& isa, int threads,
                                                       std::size_t images, bool explain = false);

/// Scores the face that `crop` gives. If it gives none and there is a finder, finds faces: a row for each.
std::vector<ScoreRow> score_photo(const PhotoJudge& judge, const std::string& path, const ImageFile& file,
                                  const tinyfiqa::Crop& crop, std::size_t number);

/// Reads and scores one file. An error in `status` goes into the row, and the file is not read.
ScoreRow score_file(FaceJudge& judge, const std::string& path, const tinyfiqa::Crop& crop, std::size_t number,
                    const tinyfiqa::Status& status = {});

/// Scores many images on several threads. Each thread has its own judge.
using ScoreRun = OrderedRun<ScoreRow>;

/// Scores all samples of a data set, each with its own crop, and passes the rows to sink(index, row) in
/// order. Shows the progress. Errors: those of QualitySource::judges().
tinyfiqa::Status score_samples(const QualitySource& source, const tinyfiqa::Dataset& data, int threads,
                               const std::function<void(std::size_t, const ScoreRow&)>& sink);
