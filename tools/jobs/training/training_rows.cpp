#include "jobs/training/training_rows.hpp"

#include "jobs/faces/table_faces.hpp"
#include "options/option_texts.hpp"
#include "reports/text.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace fs = std::filesystem;
using namespace tinyfiqa;

namespace {

/// Gives samples without a face the one that their row has in the table `found`.
Status take_found_faces(DataOptions options, const std::string& found, Dataset& data) {
  options.dataset.check_files = false;
  options.dataset.skip_bad = true;
  const auto before = read_dataset(found, options.dataset);
  if (!before) return before.status();
  std::unordered_map<std::string, const Sample*> by_path;
  for (const Sample& s : before->samples) by_path.emplace(s.path, &s);
  for (Sample& s : data.samples) {
    const auto at = by_path.find(s.path);
    if (s.has_face() || at == by_path.end()) continue;
    s.crop = at->second->crop;
    s.is_face = at->second->is_face;
    s.landmarks = at->second->landmarks;
  }
  return {};
}

/// Brings labels of the range LOW,HIGH to 0..1. Errors: bad_argument for another text, and for a label outside the range.
Status scale_labels(const std::string& range, Dataset& data) {
  if (range.empty()) return Status();
  const auto ends = read_label_range(range);
  if (!ends) return ends.status();
  const auto [low, high] = *ends;
  for (Sample& s : data.samples) {
    if (s.score < low || s.score > high)
      return Status::error(Errc::bad_argument, data.path, ":", s.line, ": the label ",
                           format_text("%g", s.score), " is outside --label-range ", range);
    s.score = (s.score - low) / (high - low);
  }
  return Status();
}

}  // namespace

Result<Dataset> read_training_rows(const TrainArguments& arguments, FaceCrop wanted,
                                   const std::function<Status(Dataset&)>& check) {
  const bool aligned = wanted == FaceCrop::aligned;
  const std::string found = arguments.out + "/found_faces.csv";
  const bool resumed = !arguments.resume.empty();
  std::error_code ignored;  // of files that are not there
  if (!resumed && !fs::equivalent(found, arguments.data.csv, ignored)) fs::remove(found, ignored);
  DataOptions options = arguments.data;
  if (resumed) options.save_faces.clear();
  auto rows = read_data(options);
  if (!rows) return rows.status();
  if (const Status s = scale_labels(arguments.label_range, rows->data); !s) return s;
  if (resumed && !fs::exists(found)) return std::move(rows->data);  // nothing was searched at the start
  if (resumed)
    if (const Status s = take_found_faces(options, found, rows->data); !s) return s;
  if (will_search(options, aligned, rows->data))
    if (const Status s = check(rows->data); !s) return s;
  const TableSearch search{options, arguments.isa, arguments.threads, resumed ? "" : found};
  if (const Status s = find_table_faces(search, aligned, rows->table, rows->data); !s) return s;
  if (const Status s = leave_out_faceless(rows->data); !s) return s;
  return std::move(rows->data);
}
