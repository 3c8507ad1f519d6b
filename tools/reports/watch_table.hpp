// The rows of `tinyfiqa watch`.
#pragma once

#include "reports/score_table.hpp"

#include <cstddef>
#include <string>

/// One frame that was looked at.
struct WatchRow {
  std::size_t frame = 0;    ///< in the source, from 1
  std::size_t dropped = 0;  ///< frames of the source up to this one that nobody looked at
  double time_s = 0;        ///< when the frame was complete, since the watching began
  double delay_s = 0;       ///< from then to this row
  float quality = 0;        ///< 0..100, if score.status is good
  ScoreRow score;
};

/// The quality as it is shown, and the band: "83  good". Without a calibration there is no band.
std::string quality_text(const WatchRow& row);
/// The worst reason with what to do; empty for a good frame.
std::string advice_of(const WatchRow& row);

/// Formats rows as text, CSV or JSON lines.
class WatchTable {
 public:
  explicit WatchTable(TableFormat format) : format_(format) {}

  /// The first line, without its newline; empty if there is none.
  std::string header() const;
  std::string row(const WatchRow& row) const;

 private:
  static std::string csv_row(const WatchRow& row);
  static std::string json_row(const WatchRow& row);

  TableFormat format_;
};
