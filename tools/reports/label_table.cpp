#include "reports/label_table.hpp"

#include "options/data_options.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>

using namespace tinyfiqa;

namespace {

/// True for the columns of --data that the columns of the result replace.
bool is_replaced(const std::string& name) {
  for (const char* own : {"path", "score", "nearest_identity", "nearest_cosine", "norm", "suspect"})
    if (name == own) return true;
  return false;
}

}  // namespace

std::size_t LabelTable::count(NoLabel reason) const {
  return static_cast<std::size_t>(
      std::count_if(labels_.begin(), labels_.end(), [&](const FaceLabel& l) { return l.missing == reason; }));
}

std::string LabelTable::reason(std::size_t sample) const {
  if (labels_[sample].missing == NoLabel::no_embedding)
    return problems_[sample].empty() ? "the embedding has no direction" : problems_[sample];
  if (labels_[sample].missing == NoLabel::no_centre) return "the classifier has no weights of this person";
  return "the only image of this person";
}

std::string LabelTable::csv() const {
  std::vector<std::size_t> columns;
  std::string text = "path,score";
  for (std::size_t c = 0; c < table_.header.size(); ++c) {
    if (is_replaced(table_.header[c])) continue;
    columns.push_back(c);
    text += "," + csv_field(table_.header[c]);
  }
  const bool named = table_.column("identity") != CsvTable::npos;
  text += std::string(named ? "" : ",identity") + ",nearest_identity,nearest_cosine,norm,suspect\n";
  const auto rows = rows_by_line(table_);
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const FaceLabel& l = labels_[i];
    const Sample& sample = data_.samples[i];
    if (l.missing != NoLabel::none) continue;
    text += csv_field(sample.path) + "," + decimal_text(l.quality);
    for (const std::size_t c : columns) text += "," + csv_field(rows.at(sample.line)->fields[c]);
    if (!named) text += "," + csv_field(sample.identity);
    const bool others = people_.names.size() > 1;
    text += "," + (others ? csv_field(people_.names[l.nearest]) : "") + "," +
            (others ? decimal_text(l.nearest_cosine) : "") + "," + decimal_text(l.norm) + "," +
            suspect_name(l.suspect) + "\n";
  }
  return text;
}

std::string LabelTable::skipped_csv() const {
  std::string text = "path,identity,reason\n";
  for (std::size_t i = 0; i < labels_.size(); ++i)
    if (labels_[i].missing != NoLabel::none)
      text += csv_field(data_.samples[i].path) + "," + csv_field(data_.samples[i].identity) + "," +
              csv_field(reason(i)) + "\n";
  return text;
}

void LabelTable::print_summary() const {
  std::size_t suspects[4] = {}, shown = 0;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    ++suspects[static_cast<std::size_t>(labels_[i].suspect)];
    if (labels_[i].missing == NoLabel::none || shown++ >= 10) continue;
    std::fprintf(stderr, "%s: skipped: %s\n", shown_text(data_.samples[i].path).c_str(), reason(i).c_str());
  }
  if (shown > 10) std::fprintf(stderr, "and %zu more (--skipped FILE lists them all)\n", shown - 10);
  std::fprintf(
      stderr,
      "tinyfiqa: %zu of %zu faces of %zu people labelled; not labelled: %zu are the only image of a person, "
      "%zu show people who are not in the classifier, %zu are unusable; suspect: %zu other_person, "
      "%zu stranger, %zu copy\n",
      labelled(), labels_.size(), people_.names.size(), count(NoLabel::one_image), count(NoLabel::no_centre),
      unusable(), suspects[1], suspects[2], suspects[3]);
}
