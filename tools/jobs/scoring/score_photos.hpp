// The run of `score`: photos come one after the other, are scored on several threads, and leave as rows in the same order.
#pragma once

#include <tinyfiqa/threads/processor.hpp>

#include "jobs/faces/draw_faces.hpp"
#include "jobs/row_output.hpp"
#include "jobs/scoring/contact_sheet.hpp"
#include "jobs/scoring/score_run.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// One photo to score.
struct PhotoTask {
  std::string path;         ///< as it was given: rows show it
  std::string file;         ///< what is read
  tinyfiqa::Status status;  ///< why there is nothing to read
  tinyfiqa::Crop crop;      ///< the face, if it is given
  bool is_face = false;     ///< the whole image is the face
  std::size_t number = 0;   ///< its position in the list of all photos
};

/// The photos of a run; none at the end.
using NextPhoto = std::function<std::optional<PhotoTask>()>;

/// Reads the file of a photo, at the size that its judge needs.
ImageFile read_task(const PhotoJudge& judge, const PhotoTask& task);
/// Scores the photo in this file. Errors in its rows name the file.
std::vector<ScoreRow> score_task(const PhotoJudge& judge, const PhotoTask& task, const ImageFile& file);

/// How the rows of a run look, and what is drawn.
struct ScoreOutput {
  ScoreTable table;
  ShownScore shown;
  bool sort = false;      ///< best first, errors last, all at the end
  std::string draw;       ///< folder of --draw; empty: nothing is drawn
  PictureNames pictures;  ///< of --draw
  bool sheet = false;     ///< collect the faces of ScoredPhotos::sheet
  std::size_t total = 0;  ///< number of photos, for the progress; 0 if it is not known
};

/// What became of a run.
struct ScoredPhotos {
  std::size_t photos = 0, failed = 0, undrawn = 0;
  ContactSheet sheet;
  tinyfiqa::Status written;  ///< cannot_write: the run ended early
};

/// Scores the photos. A picture that ends in an error or an exception of the standard library gives a row that says so.
/// `first`, if valid, is the file of the first photo.
ScoredPhotos score_photos(std::vector<PhotoJudge>& judges, const NextPhoto& next,
                          tinyfiqa::Aside<ImageFile>& first, const ScoreOutput& output, RowOutput& rows);
