// Scoring many images on several threads, for every command that does.
#pragma once

#include <tinyfiqa/quality/scorer.hpp>

#include "jobs/face_judge.hpp"
#include "jobs/ordered_run.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"

#include <cstddef>
#include <string>

/// --size and --tta.
struct ViewOptions {
  SizeOption size;
  std::string tta;

  void add_to(const Command& command);
};

/// Views and input size as the options have them. Errors: bad_argument for views that nobody knows.
tinyfiqa::Result<tinyfiqa::ScoreOptions> score_options(const ViewOptions& options);

/// A picture file, read and decoded.
struct PictureFile {
  tinyfiqa::Result<tinyfiqa::FileBytes> bytes;
  tinyfiqa::Result<tinyfiqa::Image> image;
  double seconds;  ///< what that took
};
PictureFile read_picture(const std::string& path);

/// One picture's row. `number`: of the image in its list.
ScoreRow score_picture(FaceJudge& judge, const std::string& path, const PictureFile& picture,
                       const tinyfiqa::Crop& crop, std::size_t number);

/// One file's row; a status that is an error already is passed on.
ScoreRow score_file(FaceJudge& judge, const std::string& path, const tinyfiqa::Crop& crop, std::size_t number,
                    const tinyfiqa::Status& status = {});

/// Scores many images on several threads, each with a judge of its own.
using ScoreRun = OrderedRun<ScoreRow>;
