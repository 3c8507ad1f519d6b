// Selects the best images of templates or of a video, for `tinyfiqa select`.
#pragma once

#include <tinyfiqa/image/preprocess.hpp>

#include "jobs/frame_source.hpp"
#include "jobs/scoring/face_judge.hpp"
#include "options/data_options.hpp"
#include "options/face_options.hpp"
#include "reports/select_table.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// What a selection needs, and how many images failed so far. Rows go to stdout, errors and progress
/// to stderr.
struct SelectRun {
  QualitySource source;
  std::size_t best = 1;  ///< images to choose from each template
  int threads = 0;
  bool live = false;  ///< print a row after each image, instead of the chosen images at the end
  SelectTable table{TableFormat::text, false};
  SelectFolder folder;
  FaceOptions faces;
  std::string isa = "auto";  ///< of the detector
  std::size_t failed = 0;

  /// The score to show: on 0..100 if the source has such a scale, otherwise the raw score.
  double shown(double raw) const { return source.has_percent() ? source.percent(raw) : raw; }
  /// Prints an error and counts it. The run continues.
  void report(const tinyfiqa::Status& status);
  /// Prints a row of --live.
  void print(const LiveDecision& decision) const;
  /// Prints a row of a chosen image, unless --live is given.
  void print(const ChosenImage& image) const;
};

/// One image of a template.
struct Candidate {
  std::string group, path, file;
  tinyfiqa::Crop crop;
  tinyfiqa::Status status;
};

/// The images of files and folders. Each folder is a template. `crop` is the face in each image.
std::vector<Candidate> list_candidates(const std::vector<std::string>& paths, const tinyfiqa::Crop& crop);

/// The images of a CSV, whose column `template_column` names the templates. If the source wants aligned faces, those
/// that the CSV does not give are found now, as run.faces says, and are then no longer searched. Errors: those of
/// reading the CSV and of find_table_faces(); bad_format for a row without a template.
tinyfiqa::Result<std::vector<Candidate>> read_candidates(SelectRun& run, DataOptions data,
                                                         const std::string& template_column);

/// Selects from each template. Errors: those of QualitySource::judges(); cannot_write.
tinyfiqa::Status select_files(SelectRun& run, const std::vector<Candidate>& all);

/// Selects from the video on standard input. Without `crop`, which is the face in each frame, faces are found and
/// followed, and each person (a track of faces) is a template; with it, or for --face whole, the video is one template.
/// Holds only the best frames of each template in memory. Errors: those of QualitySource::judges(); cannot_write.
tinyfiqa::Status select_frames(SelectRun& run, const FrameFormat& format, const tinyfiqa::Crop& crop);
