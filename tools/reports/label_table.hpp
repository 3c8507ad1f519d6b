// The CSV that `tinyfiqa label` writes.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/recognition/labels.hpp>

#include "jobs/identities.hpp"

#include <string>
#include <vector>

/// Joins labels to the rows that they came from; refers to its arguments.
class LabelTable {
 public:
  LabelTable(const tinyfiqa::CsvTable& table, const tinyfiqa::Dataset& data, const Identities& people,
             const std::vector<tinyfiqa::FaceLabel>& labels, const std::vector<std::string>& problems)
      : table_(table), data_(data), people_(people), labels_(labels), problems_(problems) {}

  /// path, score, the table's other columns, what else is known of the label; labelled images only.
  std::string csv() const;
  /// path, identity, reason: the images without a label.
  std::string skipped_csv() const;
  /// Counts, and the first ten images without a label, to stderr.
  void print_summary() const;

  std::size_t labelled() const { return count(tinyfiqa::NoLabel::none); }
  /// Images that have no embedding.
  std::size_t unusable() const { return count(tinyfiqa::NoLabel::no_embedding); }

 private:
  std::size_t count(tinyfiqa::NoLabel reason) const;
  std::string reason(std::size_t sample) const;

  const tinyfiqa::CsvTable& table_;
  const tinyfiqa::Dataset& data_;
  const Identities& people_;
  const std::vector<tinyfiqa::FaceLabel>& labels_;
  const std::vector<std::string>& problems_;
};
