#include "reports/label_table.hpp"

#include "reports/label_columns.hpp"
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
  const auto begin = labels_.begin();
  return static_cast<std::size_t>(std::count_if(begin + static_cast<std::ptrdiff_t>(first_),
                                                begin + static_cast<std::ptrdiff_t>(last_),
                                                [&](const FaceLabel& l) { return l.missing == reason; }));
}

std::string LabelTable::reason(std::size_t sample) const {
  if (labels_[sample].missing == NoLabel::no_embedding) {
    const std::string problem = faces_.embedded.problem(faces_.data, sample);
    return problem.empty() ? "the embedding has no direction" : problem;
  }
  if (labels_[sample].missing == NoLabel::no_centre) return "the classifier has no weights of this person";
  return "the only image of this person";
}

std::vector<std::string> LabelTable::csv() const {
  constexpr std::size_t piece_bytes = std::size_t{1} << 22u;
  const CsvTable& table = faces_.table;
  std::vector<std::size_t> columns;
  std::vector<std::string> pieces = {"path,score"};
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (is_replaced(table.header[c])) continue;
    columns.push_back(c);
    pieces[0] += "," + csv_field(table.header[c]);
  }
  const bool named = table.column("identity") != CsvTable::npos;
  pieces[0] += std::string(named ? "" : ",identity") + "," + label_columns + "\n";
  auto given = table.rows.begin();  // samples are some of the rows, in their order
  for (std::size_t i = first_; i < last_; ++i) {
    if (labels_[i].missing != NoLabel::none) continue;
    while (given->line != faces_.data.samples[i].line) ++given;
    if (pieces.back().size() > piece_bytes) {
      pieces.back().shrink_to_fit();
      pieces.emplace_back();
    }
    pieces.back() += row(i, *given, columns, named);
  }
  return pieces;
}

std::string LabelTable::row(std::size_t i, const CsvRow& given, const std::vector<std::size_t>& columns,
                            bool named) const {
  const FaceLabel& l = labels_[i];
  const Sample& sample = faces_.data.samples[i];
  std::string text = csv_field(sample.path) + "," + decimal_text(l.quality);
  for (const std::size_t c : columns) text += "," + csv_field(given.fields[c]);
  if (!named) text += "," + csv_field(sample.identity);
  return text + "," + (has_nearest_ ? csv_field(faces_.people.names[l.nearest]) : "") + "," +
         (has_nearest_ ? decimal_text(l.nearest_cosine) : "") + "," + decimal_text(l.norm) + "," +
         suspect_name(l.suspect) + "\n";
}

std::string LabelTable::skipped_csv() const {
  std::string text = skipped_columns + "\n";
  for (std::size_t i = first_; i < last_; ++i)
    if (labels_[i].missing != NoLabel::none)
      text += csv_line({faces_.data.samples[i].path, faces_.data.samples[i].identity, reason(i)});
  return text;
}

void LabelTable::print_summary() const {
  std::size_t suspects[4] = {}, shown = 0;
  for (std::size_t i = first_; i < last_; ++i) {
    ++suspects[static_cast<std::size_t>(labels_[i].suspect)];
    if (labels_[i].missing == NoLabel::none || shown++ >= 10) continue;
    std::fprintf(stderr, "%s: skipped: %s\n", shown_text(faces_.data.samples[i].path).c_str(),
                 reason(i).c_str());
  }
  if (shown > 10) std::fprintf(stderr, "and %zu more (--skipped FILE lists them all)\n", shown - 10);
  std::fprintf(
      stderr,
      "tinyfiqa: %zu of %zu faces of %zu people labelled; not labelled: %zu are the only image of a person, "
      "%zu show people who are not in the classifier, %zu are unusable; suspect: %zu other_person, "
      "%zu stranger, %zu copy\n",
      labelled(), last_ - first_, faces_.people.names.size(), count(NoLabel::one_image),
      count(NoLabel::no_centre), unusable(), suspects[1], suspects[2], suspects[3]);
}
