// Notices that a file of --resume was made with other weights or options than those of this run.
#pragma once

#include "jobs/scoring/row_file.hpp"
#include "jobs/scoring/score_photos.hpp"

#include <string>

/// Scores a few photos of the rows again. The rows have no note of weights and options, so their scores must tell.
class DoneCheck {
 public:
  /// `file` is for messages.
  DoneCheck(std::string file, const PhotoJudge& judge) : file_(std::move(file)), judge_(judge) {}

  /// Compares the score of a row with that of its photo now, for the first photos that have both.
  ///   Errors: mismatch, with both scores.
  tinyfiqa::Status compare(const RowFile::Row& row, const PhotoTask& photo);

 private:
  std::string file_;
  const PhotoJudge& judge_;
  int left_ = 5;  ///< every fifth photo has nearly the same score in 8 bits; five in a row hardly have
};
