#include "reports/select_table.hpp"

#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/write_file.hpp>

#include "jobs/output_path.hpp"
#include "reports/json_line.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <filesystem>

using namespace tinyfiqa;
namespace fs = std::filesystem;

std::string SelectTable::header() const {
  if (format_ != TableFormat::csv) return "";
  return live_ ? "template,path,score,rank,best" : "template,rank,path,score,raw";
}

std::string SelectTable::row(const ChosenImage& image) const {
  const std::string rank = std::to_string(image.rank);
  if (format_ == TableFormat::csv)
    return csv_field(image.group) + "," + rank + "," + csv_field(image.path) + "," +
           decimal_text(image.score, 4) + "," + decimal_text(image.raw);
  if (format_ == TableFormat::jsonl)
    return json_line({{"template", image.group},
                      {"rank", image.rank},
                      {"path", image.path},
                      {"score", image.score},
                      {"raw", image.raw}});
  return (image.group.empty() ? "" : shown_text(image.group) + "  ") + "#" + rank + "  " +
         decimal_text(image.score, 2) + "  " + shown_text(image.path);
}

std::string SelectTable::row(const LiveDecision& d) const {
  if (format_ == TableFormat::csv)
    return csv_field(d.group) + "," + csv_field(d.path) + "," + decimal_text(d.score, 4) + "," +
           std::to_string(d.rank) + "," + csv_field(join_text(d.best, "|"));
  if (format_ == TableFormat::jsonl)
    return json_line({{"template", d.group},
                      {"path", d.path},
                      {"score", d.score},
                      {"rank", d.rank},
                      {"is_best", d.rank == 1},
                      {"best", d.best}});
  return (d.group.empty() ? "" : shown_text(d.group) + "  ") + shown_text(d.path) + "  " +
         decimal_text(d.score, 2) + "  " +
         (d.rank == 1  ? "best so far"
          : d.rank > 1 ? "#" + std::to_string(d.rank)
                       : "no") +
         "  [" + shown_text(join_text(d.best, ", ")) + "]";
}

Status SelectFolder::open(const std::string& path) {
  path_ = path;
  return wanted() ? make_output_folder(path_, "1") : Status();
}

std::string SelectFolder::folder_of(const std::string& group) {
  if (group.empty()) return path_;
  if (group == last_group_ && !last_folder_.empty()) return last_folder_;
  std::string name = group;
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  if (name == "." || name == "..") name = "_";
  std::string unique = name;
  for (int i = 2; !taken_.insert(unique).second; ++i) unique = name + "_" + std::to_string(i);
  last_group_ = group;
  return last_folder_ = path_ + "/" + unique;
}

Status SelectFolder::write(const std::string& group, std::size_t rank, const std::string& name, Bytes head,
                           Bytes bytes) {
  const std::string folder = folder_of(group);
  std::error_code ignored;  // write_file() reports a missing folder
  fs::create_directories(folder, ignored);
  const Bytes parts[] = {head, bytes};
  return write_file(folder + "/" + std::to_string(rank) + "_" + name, {parts, 2});
}
