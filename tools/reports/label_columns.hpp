// The columns of the tables that `tinyfiqa label` writes.
#pragma once

#include <string>

/// Of the labelled images, behind path, score and the columns of --data.
inline const std::string label_columns = "nearest_identity,nearest_cosine,norm,suspect";
/// Of the images without a label.
inline const std::string skipped_columns = "path,identity,reason";

/// Whether a file with this header was written by `tinyfiqa label`.
inline bool is_label_table(const std::string& header) {
  const std::string end = "," + label_columns;
  return header == skipped_columns ||
         (header.size() > end.size() && header.compare(header.size() - end.size(), end.size(), end) == 0);
}
