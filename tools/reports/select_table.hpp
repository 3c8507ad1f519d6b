// The output of `tinyfiqa select`: its rows, and the folder of chosen images.
#pragma once

#include "reports/score_table.hpp"

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

/// One chosen image.
struct ChosenImage {
  std::string group;     ///< its template; empty for a video
  std::size_t rank = 0;  ///< from 1
  std::string path;      ///< for a video "frame 17"
  double score = 0, raw = 0;
};

/// A row of --live: one image, its rank among the best so far (0: not among them), and the best so far.
struct LiveDecision {
  std::string group, path;
  double score = 0;
  std::size_t rank = 0;
  std::vector<std::string> best;  ///< paths, best first
};

/// Formats rows as text, CSV or JSON lines.
class SelectTable {
 public:
  SelectTable(TableFormat format, bool live) : format_(format), live_(live) {}

  /// The first line, without its newline; empty if there is none.
  std::string header() const;
  std::string row(const ChosenImage& image) const;
  std::string row(const LiveDecision& decision) const;

 private:
  TableFormat format_;
  bool live_;
};

/// The folder of --out. It has a folder for each template, with files named by rank.
class SelectFolder {
 public:
  /// Creates the folder, if the path is not empty. Errors: cannot_write.
  tinyfiqa::Status open(const std::string& path);
  bool wanted() const { return !path_.empty(); }
  /// Writes `head` and `bytes` to DIR/TEMPLATE/RANK_NAME. Replaces characters of the template's name that are
  /// not possible in a file name, and numbers templates that have the same name then. Errors: cannot_write.
  tinyfiqa::Status write(const std::string& group, std::size_t rank, const std::string& name,
                         tinyfiqa::Bytes head, tinyfiqa::Bytes bytes);

 private:
  std::string folder_of(const std::string& group);

  std::string path_, last_group_, last_folder_;
  std::unordered_set<std::string> taken_;
};
