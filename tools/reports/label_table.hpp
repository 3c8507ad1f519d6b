// The CSV that `tinyfiqa label` writes.
#pragma once

#include <tinyfiqa/recognition/labels.hpp>

#include "jobs/verification/known_faces.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// Joins labels with the rows of the CSV that they belong to. Refers to its arguments.
class LabelTable {
 public:
  /// Of the faces `range`.first to the one before `range`.second.
  LabelTable(const KnownFaces& faces, const std::vector<tinyfiqa::FaceLabel>& labels,
             std::pair<std::size_t, std::size_t> range, bool has_nearest)
      : faces_(faces),
        labels_(labels),
        first_(range.first),
        last_(range.second),
        has_nearest_(has_nearest && faces.people.names.size() > 1) {}

  /// The labelled images: path, score, the other columns of the table, and details of the label. In pieces of some
  /// megabytes.
  std::vector<std::string> csv() const;
  /// The images without a label: path, identity, reason.
  std::string skipped_csv() const;
  /// Prints counts and the first ten images without a label to stderr.
  void print_summary() const;

  /// The number of images with a label.
  std::size_t labelled() const { return count(tinyfiqa::NoLabel::none); }
  /// The number of images without an embedding.
  std::size_t unusable() const { return count(tinyfiqa::NoLabel::no_embedding); }

 private:
  std::size_t count(tinyfiqa::NoLabel reason) const;
  std::string reason(std::size_t sample) const;
  std::string row(std::size_t sample, const tinyfiqa::CsvRow& given, const std::vector<std::size_t>& columns,
                  bool named) const;

  const KnownFaces& faces_;
  const std::vector<tinyfiqa::FaceLabel>& labels_;
  std::size_t first_, last_;
  bool has_nearest_;
};
