// What `tinyfiqa select` prints, and where it puts the images that it chose.
#pragma once

#include "reports/score_table.hpp"

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

/// One chosen image.
struct ChosenImage {
  std::string group;     ///< template; empty for a stream
  std::size_t rank = 0;  ///< from 1
  std::string path;      ///< or "frame 17"
  double score = 0, raw = 0;
};

/// One image's arrival in --live mode: its rank among those so far (0: not among the best few), and those.
struct LiveDecision {
  std::string group, path;
  double score = 0;
  std::size_t rank = 0;
  std::vector<std::string> best;  ///< paths, best first
};

/// Rows as text, CSV or JSON lines.
class SelectTable {
 public:
  SelectTable(TableFormat format, bool live) : format_(format), live_(live) {}

  /// The line before all rows, without its newline; empty for none.
  std::string header() const;
  std::string row(const ChosenImage& image) const;
  std::string row(const LiveDecision& decision) const;

 private:
  TableFormat format_;
  bool live_;
};

/// The folder of --out: a folder in it for each template, files named by their rank.
class SelectFolder {
 public:
  /// Errors: cannot_write.
  tinyfiqa::Status open(const std::string& path);
  bool wanted() const { return !path_.empty(); }
  /// Writes DIR/<template>/<rank>_<name>; templates whose names need other characters get such, and numbers
  /// if that makes two the same. Errors: cannot_write.
  tinyfiqa::Status write(const std::string& group, std::size_t rank, const std::string& name,
                         tinyfiqa::Bytes head, tinyfiqa::Bytes bytes);

 private:
  std::string folder_of(const std::string& group);

  std::string path_, last_group_, last_folder_;
  std::unordered_set<std::string> taken_;
};
