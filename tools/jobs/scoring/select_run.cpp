#include "jobs/scoring/select_run.hpp"

#include <tinyfiqa/quality/selection.hpp>

#include "jobs/faces/table_faces.hpp"
#include "jobs/guarded.hpp"
#include "jobs/input_list.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"
#include "options/messages.hpp"

#include <cstdio>
#include <filesystem>
#include <unordered_map>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// A template during the run.
struct Group {
  std::size_t left = 0, scored = 0;  ///< images that are still to come, and that have a score
  BestFew<std::size_t> best;         ///< indices of candidates
};

/// Selects from templates whose images come in any order.
class FileSelection {
 public:
  FileSelection(SelectRun& run, const std::vector<Candidate>& all) : run_(run), all_(all) {
    for (const Candidate& c : all)
      ++groups_.try_emplace(c.group, Group{0, 0, BestFew<std::size_t>(run.best)}).first->second.left;
  }

  /// Takes the score of candidate `i`. After the last image of a template, prints and writes its best images.
  void take(std::size_t i, const ScoreRow& row) {
    const Candidate& c = all_[i];
    Group& group = groups_.at(c.group);
    if (row.status.ok()) {
      const double raw = double{row.score.value};
      ++group.scored;
      LiveDecision decision{c.group, c.path, run_.shown(raw), group.best.offer(raw, i), {}};
      for (const auto& entry : group.best.entries()) decision.best.push_back(all_[entry.item].path);
      run_.print(decision);
    } else {
      run_.report(row.status);
    }
    if (--group.left == 0) finish(c.group, group);
  }
  /// The first error of writing an image.
  const Status& written() const { return written_; }

 private:
  void finish(const std::string& name, const Group& group) {
    if (group.scored == 0) print_note("template " + name + ": no image of it could be scored");
    for (std::size_t i = 0; i < group.best.entries().size(); ++i) {
      const auto& [raw, index] = group.best.entries()[i];
      const Candidate& c = all_[index];
      run_.print(ChosenImage{name, i + 1, c.path, run_.shown(raw), raw});
      if (!run_.folder.wanted() || !written_.ok()) continue;
      const auto file = read_file(c.file, FileAccess::copy);
      written_ = file ? run_.folder.write(name, i + 1, fs::path(c.file).filename().string(), {}, file->bytes)
                      : file.status();
    }
  }

  SelectRun& run_;
  const std::vector<Candidate>& all_;
  std::unordered_map<std::string, Group> groups_;
  Status written_;
};

}  // namespace

void SelectRun::report(const Status& status) {
  ++failed;
  print_error(status);
}

void SelectRun::print(const LiveDecision& decision) const {
  if (live) print_line(table.row(decision));
}

void SelectRun::print(const ChosenImage& image) const {
  if (!live) print_line(table.row(image));
}

std::vector<Candidate> list_candidates(const std::vector<std::string>& paths, const Crop& crop) {
  std::vector<Candidate> all;
  std::string left_out;
  for (InputItem& item : list_inputs(paths, &left_out)) {
    const std::string group = fs::path(item.path).parent_path().string();
    all.push_back({group, item.path, item.path, crop, item.status});
  }
  if (!left_out.empty()) print_note(left_out);
  return all;
}

Result<std::vector<Candidate>> read_candidates(SelectRun& run, DataOptions data,
                                               const std::string& template_column) {
  data.faces = run.faces;
  auto rows = read_data(data);
  if (!rows) return rows.status();
  const auto groups = column_by_line(rows->table, template_column, "template");
  if (!groups) return groups.status();
  for (const Sample& s : rows->data.samples) {
    const auto group = groups->find(s.line);
    if (group == groups->end() || group->second.empty())
      return Status::error(Errc::bad_format, data.csv, ":", s.line, ": no template in column ",
                           template_column, "; fill it in");
  }
  const bool aligned = run.source.wants_aligned_faces() && run.faces.choice() != FaceChoice::whole;
  const TableSearch search{data, run.isa, run.threads};
  if (const Status s = find_table_faces(search, aligned, rows->table, rows->data); !s) return s;
  if (aligned) run.faces.face = "whole";  // an image that is an aligned face already has no crop
  if (const Status s = run.source.check_landmarks(rows->data); !s) return s;
  std::vector<Candidate> all;
  for (const Sample& s : rows->data.samples)
    all.push_back({groups->at(s.line), s.path, s.file, run.source.crop_of(s), s.status});
  return all;
}

Status select_files(SelectRun& run, const std::vector<Candidate>& all) {
  FaceOptions faces = run.faces;
  faces.face = faces.choice() == FaceChoice::whole ? "whole" : "auto";  // an image has one rank
  auto judges = photo_judges(run.source, faces, run.isa, run.threads, all.size());
  if (!judges) return judges.status();
  FileSelection selection(run, all);
  const auto judge_one = [&](const PhotoJudge& judge, std::size_t i) {
    if (!all[i].status) return ScoreRow{all[i].file, all[i].status, {}, {}};
    const bool given = all[i].crop.box || all[i].crop.landmarks;
    return guarded(
        all[i].file,
        [&] {
          const ImageFile file = read_image_file(all[i].file, given ? 0 : judge.decoded_side());
          return score_photo(judge, all[i].file, file, all[i].crop, i).front();
        },
        [&](const Status& problem) {
          return ScoreRow{all[i].file, problem, {}, {}};
        });
  };
  Progress progress(all.size(), "images");
  ScoreRun(all.size()).start(*judges, judge_one, [&](std::size_t i, const ScoreRow& row) {
    progress.clear();
    selection.take(i, row);
    progress.show(i + 1);
  });
  return selection.written();
}
