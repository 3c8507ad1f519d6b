#include "jobs/faces/table_faces.hpp"

#include "jobs/faces/box_note.hpp"
#include "jobs/faces/face_finder.hpp"
#include "jobs/faces/face_pixels.hpp"
#include "jobs/guarded.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"
#include "jobs/text_file.hpp"
#include "options/model_options.hpp"
#include "reports/face_table.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>
#include <unordered_map>
#include <utility>

using namespace tinyfiqa;

namespace {

/// The largest face of a file, in pixels of the full photo, or why there is none.
struct FileFace {
  Status status;
  FoundFace found;
};

bool is_faceless(const Sample& sample) { return sample.status.code() == Errc::no_face; }

/// The samples without a face, and their files, each once. (`sample` writes rows several times.)
struct Missing {
  std::vector<std::size_t> samples;
  std::vector<std::size_t> file_of;  ///< for each of them, its index in `files`
  std::vector<std::string> files;

  explicit Missing(const Dataset& data) {
    std::unordered_map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < data.samples.size(); ++i) {
      const Sample& s = data.samples[i];
      if (s.has_face() || !s.status.ok()) continue;
      const auto [at, is_new] = known.emplace(s.file, files.size());
      if (is_new) files.push_back(s.file);
      samples.push_back(i);
      file_of.push_back(at->second);
    }
  }
};

FileFace largest_face(FaceFinder& finder, const std::string& path) {
  const auto file = read_image_file(path, finder.decoded_side());
  if (!file.photo) return {file.photo.status(), {}};
  const auto faces = finder.find(file.photo->image, file.photo->scale_y);
  if (!faces) return {faces.status().prefixed(path, ": "), {}};
  if (faces->empty())
    return {Status::error(
                Errc::no_face, path,
                ": no face found; give its landmarks in the CSV, or take whole images with --whole-image"),
            {}};
  FoundFace found = faces->front();
  found.face = in_full_photo(*file.photo, found.face);
  return {{}, found};
}

Result<std::vector<FileFace>> search_files(const TableSearch& search, const std::vector<std::string>& files) {
  const auto backend = backend_option(search.isa);
  if (!backend) return backend.status();
  FaceOptions options = search.options.faces;
  options.face = "auto";
  const auto threads = static_cast<std::size_t>(thread_count(search.threads));
  auto finders = options.finders(**backend, std::min(threads, files.size()), 1);
  if (!finders) return finders.status();
  std::vector<FileFace> all;
  Progress progress(files.size(), "images searched");
  const auto work = [&](const std::unique_ptr<FaceFinder>& finder, std::size_t i) {
    return guarded(
        files[i], [&] { return largest_face(*finder, files[i]); },
        [](const Status& problem) {
          return FileFace{problem, {}};
        });
  };
  OrderedRun<FileFace>(files.size()).start(*finders, work, [&](std::size_t i, FileFace face) {
    all.push_back(std::move(face));
    progress.show(i + 1);
  });
  return all;
}

/// Refuses columns of --data that the columns of the faces would replace.
Status check_columns(const DataOptions& options) {
  const std::vector<std::string> added = split_text(face_columns(), ',');
  const DatasetColumns& c = options.dataset.columns;
  for (const std::string& name : {c.path, c.score, c.split, c.identity})
    if (std::find(added.begin(), added.end(), name) != added.end())
      return Status::error(Errc::bad_argument, options.csv, ": the column '", name,
                           "' would be replaced by that of the found faces; rename it");
  return {};
}

void print_search(const DataOptions& options, const Dataset& data, const Missing& missing) {
  const std::size_t rows = missing.samples.size(), all = data.samples.size();
  const std::string some =
      rows < all ? " in " + std::to_string(rows) + " of " + std::to_string(all) + " rows" : "";
  const std::string kept =
      options.save_faces.empty() ? "--save-faces FILE keeps them" : options.save_faces + " will have them";
  print_note(data.path + " has no landmarks" + some + ": finding the faces of " +
             std::to_string(missing.files.size()) + " images; " + kept +
             ", --whole-image takes whole images");
}

/// What the sample is when it is read from the table that has this face.
void set_face(Sample& sample, const FileFace& face) {
  sample.status = face.status;
  if (!face.status.ok()) return;
  sample.is_face = face.found.framing == Framing::aligned;
  (sample.is_face ? sample.landmarks : sample.crop.landmarks) = written_landmarks(face.found.face);
}

void add_columns(CsvTable& table, const std::unordered_map<std::size_t, const FoundFace*>& by_line) {
  const FaceTable faced(table);
  std::vector<CsvRow> rows;
  for (const CsvRow& row : table.rows) {
    if (row.fields.size() != table.header.size()) continue;
    const auto found = by_line.find(row.line);
    rows.push_back({row.line, found == by_line.end() ? faced.row(row) : faced.row(row, found->second)});
  }
  table.header = faced.header();
  table.rows = std::move(rows);
}

Status write_table(const std::string& path, const CsvTable& table) {
  std::string text = csv_line(table.header);
  for (const CsvRow& row : table.rows) text += csv_line(row.fields);
  return write_text(path, text);
}

}  // namespace

bool will_search(const DataOptions& options, bool wanted, const Dataset& data) {
  return will_search(options, wanted, data, 0, data.samples.size());
}

bool will_search(const DataOptions& options, bool wanted, const Dataset& data, std::size_t first,
                 std::size_t last) {
  const auto lacks_face = [](const Sample& s) { return !s.has_face() && s.status.ok(); };
  const auto begin = data.samples.begin();
  return wanted && !options.whole_image &&
         std::any_of(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last),
                     lacks_face);
}

Status find_table_faces(const TableSearch& search, bool wanted, CsvTable& table, Dataset& data) {
  const DataOptions& options = search.options;
  if (!wanted && !options.save_faces.empty())
    print_note(options.save_faces +
               " is not written: nothing is searched, because the network takes other crops or whole images");
  if (!wanted || options.whole_image) return {};
  print_boxes(data);
  if (will_search(options, wanted, data)) {
    const Missing missing(data);
    if (const Status s = check_columns(options); !s) return s;
    print_search(options, data, missing);
    const auto faces = search_files(search, missing.files);
    if (!faces) return faces.status();
    std::unordered_map<std::size_t, const FoundFace*> by_line;
    for (std::size_t i = 0; i < missing.samples.size(); ++i) {
      Sample& sample = data.samples[missing.samples[i]];
      const FileFace& face = (*faces)[missing.file_of[i]];
      set_face(sample, face);
      if (face.status.ok()) by_line[sample.line] = &face.found;
    }
    add_columns(table, by_line);
    if (!search.copy.empty())
      if (const Status s = write_table(search.copy, table); !s) return s;
  }
  return options.save_faces.empty() ? Status() : write_table(options.save_faces, table);
}

std::size_t print_faceless(const Dataset& data) {
  DatasetReport report;
  report.path = data.path;
  for (const Sample& s : data.samples)
    if (is_faceless(s)) report.bad.push_back({s.line, s.status.message()});
  print_problems(report.path, report.bad);
  const std::size_t count = report.bad.size();
  if (count > 0)
    print_note(data.path + ": no face in " + std::to_string(count) + " of " +
               std::to_string(data.samples.size()) + " images; they are left out");
  return count;
}

Status leave_out_faceless(Dataset& data) {
  auto& samples = data.samples;
  if (print_faceless(data) == samples.size())
    return Status::error(Errc::no_face, data.path, ": no face found in any of its ", samples.size(),
                         " images; if they are crops of faces, take whole images with --whole-image");
  samples.erase(std::remove_if(samples.begin(), samples.end(), is_faceless), samples.end());
  return {};
}
