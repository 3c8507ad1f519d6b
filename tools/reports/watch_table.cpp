#include "reports/watch_table.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/explanation_columns.hpp"
#include "reports/face_columns.hpp"
#include "reports/json_line.hpp"
#include "reports/text.hpp"

#include <vector>

using namespace tinyfiqa;

namespace {

std::vector<std::string> reasons_in(const WatchRow& row) {
  return row.score.explanation ? reason_texts(*row.score.explanation) : std::vector<std::string>();
}

std::string band_text(const WatchRow& row) {
  if (row.score.status.code() == Errc::no_face) return "no face";
  return row.score.score.band ? band_name(*row.score.score.band) : "";
}

}  // namespace

std::string quality_text(const WatchRow& row) {
  return format_text("%3d  %-7s", whole_quality(row.quality), band_text(row).c_str());
}

std::string advice_of(const WatchRow& row) {
  const auto reasons = reasons_in(row);
  return reasons.empty() ? "" : reasons.front();
}

std::string WatchTable::header() const {
  if (format_ != TableFormat::csv) return "";
  return "time_s,frame,quality,band,score,error," + face_columns() + ",reasons,dropped,delay_ms";
}

std::string WatchTable::csv_row(const WatchRow& row) {
  const bool good = row.score.status.ok();
  return format_text("%.3f,%zu,", row.time_s, row.frame) +
         (good ? std::to_string(whole_quality(row.quality)) : "") + "," + band_text(row) + "," +
         (good ? decimal_text(double{row.score.score.value}) : "") + "," +
         (good ? "" : csv_field(short_message(row.score.status, row.score.path))) + "," +
         face_fields(row.score.face ? &*row.score.face : nullptr) + "," +
         csv_field(join_text(reasons_in(row), "; ")) + "," + std::to_string(row.dropped) + "," +
         decimal_text(row.delay_s * 1000, 1);
}

std::string WatchTable::json_row(const WatchRow& row) {
  nlohmann::ordered_json json{{"time_s", rounded(row.time_s, 1000)}, {"frame", row.frame}};
  if (row.score.status.ok()) json["quality"] = whole_quality(row.quality);
  if (const std::string band = band_text(row); !band.empty()) json["band"] = band;
  if (row.score.status.ok()) {
    json["score"] = row.score.score.value;
    if (row.score.face) add_face(json, *row.score.face);
    json["reasons"] = reasons_in(row);
  } else {
    json["error"] = short_message(row.score.status, row.score.path);
    json["code"] = errc_name(row.score.status.code());
  }
  json["dropped"] = row.dropped;
  json["delay_ms"] = rounded(row.delay_s * 1000, 10);
  return json_line(json);
}

std::string WatchTable::row(const WatchRow& row) const {
  if (format_ == TableFormat::csv) return csv_row(row);
  if (format_ == TableFormat::jsonl) return json_row(row);
  const std::string advice = advice_of(row);
  return quality_text(row) + format_text("  %6.2f s  frame %zu", row.time_s, row.frame) +
         (advice.empty() ? "" : "  " + advice);
}
