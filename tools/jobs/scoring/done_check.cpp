#include "jobs/scoring/done_check.hpp"

#include "jobs/guarded.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Another instruction set moves landmarks, and so the crop, in their last digits: 300 photos of faces changed their scores by
/// 4e-4 at most. 8 bits change them by 3e-3 in the median, other weights by more.
constexpr double tolerance = 1e-3;

}  // namespace

Status DoneCheck::compare(const RowFile::Row& row, const PhotoTask& photo) {
  if (left_ == 0 || !row.score || !photo.status.ok()) return {};
  const auto rows = guarded(
      photo.path, [&] { return score_task(judge_, photo, read_task(judge_, photo)); },
      [](const Status&) { return std::vector<ScoreRow>(); });
  if (rows.empty() || rows[0].status.code() == Errc::not_found) return {};  // another one will do
  --left_;
  if (!rows[0].status.ok()) return {};
  const double score = double{rows[0].score.value};
  if (std::fabs(score - *row.score) <= tolerance * std::max(1.0, std::fabs(score))) return {};
  return Status::error(Errc::mismatch, file_, ": has the raw score ", decimal_text(*row.score), " for ",
                       photo.path, ", which now has ", decimal_text(score),
                       "; go on with the same weights and options (--weights, --precision, --tta, --size) "
                       "and the same photos, or write to another file");
}
