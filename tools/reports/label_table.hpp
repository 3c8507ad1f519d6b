// The CSV that `tinyfiqa label` writes.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/recognition/labels.hpp>

#include "jobs/verification/identities.hpp"

#include <string>
#include <vector>

/// Joins labels with the rows of the CSV that they belong to. Refers to its arguments.
class LabelTable {
 public:
  LabelTable(const tinyfiqa::CsvTable& table, const tinyfiqa::Dataset& data, const Identities& people,
             const std::vector<tinyfiqa::FaceLabel>& labels, const std::vector<std::string>& problems)
      : table_(table), data_(data), people_(people), labels_(labels), problems_(problems) {}

  /// The labelled images: path, score, the other columns of the table, and details of the label.
  std::string csv() const;
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

  const tinyfiqa::CsvTable& table_;
  const tinyfiqa::Dataset& data_;
  const Identities& people_;
  const std::vector<tinyfiqa::FaceLabel>& labels_;
  const std::vector<std::string>& problems_;
};
