#include "jobs/verification/verify_data.hpp"

#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "options/messages.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string_view>
#include <unordered_map>

using namespace tinyfiqa;

std::vector<std::uint32_t> VerifyFaces::list() const {
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < active.size(); ++i)
    if (active[i]) numbers.push_back(static_cast<std::uint32_t>(i));
  return numbers;
}

VerifyFaces verify_faces(const KnownFaces& known) {
  const EmbeddingRows& rows = known.embedded.rows;
  VerifyFaces faces{&known.data, &known.people, UnitRows(rows), {}};
  std::vector<float> face(rows.dimension());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows.read(i, face.data());
    const double norm = normalise(face);
    faces.active.push_back(std::isfinite(norm) && norm > 0);
  }
  return faces;
}

namespace {

/// One line: two paths, a label and optionally a fold (from 1).
struct PairLine {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

Result<std::vector<PairLine>> read_pair_table(const std::string& path) {
  const auto table = read_csv(path);
  if (!table) return table.status();
  std::vector<std::size_t> columns;
  for (const char* name : {"path1", "path2", "same"}) {
    const auto column = csv_column(*table, name, "pairs");
    if (!column) return column.status();
    columns.push_back(*column);
  }
  if (table->column("fold") != CsvTable::npos) columns.push_back(table->column("fold"));
  std::vector<PairLine> lines;
  for (const CsvRow& row : table->rows) {
    PairLine line{row.line, {}};
    for (const std::size_t c : columns) line.fields.push_back(c < row.fields.size() ? row.fields[c] : "");
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<std::vector<PairLine>> read_pair_lines(const std::string& path) {
  if (std::filesystem::path(path).extension() == ".csv") return read_pair_table(path);
  const auto file = read_file(path, FileAccess::copy);
  if (!file) return file.status();
  std::istringstream text(std::string(reinterpret_cast<const char*>(file->bytes.data), file->bytes.size));
  std::vector<PairLine> lines;
  std::size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    PairLine pair{++number, {}};
    std::istringstream fields(line);
    for (std::string field; fields >> field;) pair.fields.push_back(field);
    if (!pair.fields.empty()) lines.push_back(std::move(pair));
  }
  return lines;
}

/// Reads lines into pairs; `problem` says what is wrong with a line.
class PairReader {
 public:
  explicit PairReader(const VerifyFaces& faces) {
    for (std::size_t i = 0; i < faces.data->samples.size(); ++i)
      known_.emplace(faces.data->samples[i].path, static_cast<std::uint32_t>(i));
  }
  std::string problem;
  std::uint32_t face[2] = {};
  LabelledPair pair;
  bool has_fold = false;

  bool read(const PairLine& line, const std::string& root) {
    if (line.fields.size() < 3 || line.fields.size() > 4) return fail("not 'path1 path2 label [fold]'");
    for (std::size_t side = 0; side < 2; ++side) {
      const auto at = known_.find(root + line.fields[side]);
      if (at == known_.end())
        return fail(root + line.fields[side] +
                    " is not a path of --data; --pairs-root sets the text before each path");
      face[side] = at->second;
    }
    const std::string& label = line.fields[2];
    if (label != "1" && label != "0" && label != "-1")
      return fail("the label '" + label + "' is not 1 (one person), 0 or -1 (two)");
    pair = {0, label == "1", 0};
    has_fold = line.fields.size() == 4;
    if (!has_fold) return true;
    double fold = 0;
    if (!parse_number(line.fields[3], "the fold", fold, problem)) return false;
    pair.fold = static_cast<int>(std::clamp(fold, 0.0, 10000.0)) - 1;
    return pair.fold >= 0 || fail("folds are numbered from 1");
  }

 private:
  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }
  std::unordered_map<std::string_view, std::uint32_t> known_;  // the paths are those of the samples
};

}  // namespace

Result<PairsFile> read_pairs(const std::string& path, const std::string& root, int folds,
                             const VerifyFaces& faces) {
  const auto lines = read_pair_lines(path);
  if (!lines) return lines.status();
  PairsFile result;
  PairReader reader(faces);
  for (std::size_t i = 0; i < lines->size(); ++i) {
    const PairLine& line = (*lines)[i];
    if (!reader.read(line, root))
      return Status::error(Errc::bad_format, path, ":", line.line, ": ", reader.problem);
    const std::uint32_t a = reader.face[0], b = reader.face[1];
    if (!faces.active[a] || !faces.active[b]) {
      ++result.left_out;
      continue;
    }
    LabelledPair pair = reader.pair;
    if (!reader.has_fold) pair.fold = static_cast<int>(i * static_cast<std::size_t>(folds) / lines->size());
    pair.score = double{faces.cosine(a, b)};
    result.pairs.push_back(pair);
    if (pair.same) result.genuine.push_back({a, b, faces.people->of[a], faces.cosine(a, b)});
  }
  if (result.pairs.empty()) return Status::error(Errc::bad_format, path, ": no pair of two usable faces");
  return result;
}

namespace {

/// Draws `most` of `all` items that come one after the other, each set of them with the same probability (Knuth 1997,
/// algorithm S of section 3.4.2).
class Draw {
 public:
  Draw(std::uint64_t all, std::uint64_t most, std::uint64_t seed)
      : left_(all), wanted_(std::min(all, most)), rng_(seed) {}

  /// Whether the next item is drawn.
  bool next() {
    const std::uint64_t left = left_--;
    if (wanted_ == left) return wanted_-- > 0;  // all of the rest
    const double uniform = (rng_.next() * 0x1p-32 + rng_.next()) * 0x1p-32;
    if (uniform * static_cast<double>(left) >= static_cast<double>(wanted_)) return false;
    --wanted_;
    return true;
  }

 private:
  std::uint64_t left_, wanted_;
  Rng rng_;
};

}  // namespace

std::vector<ComparedPair> genuine_pairs(const VerifyFaces& faces, const std::vector<std::uint32_t>& chosen,
                                        std::size_t most, std::uint64_t seed) {
  const std::vector<std::uint32_t>& people = faces.people->of;
  std::vector<std::uint32_t> images = chosen;
  std::stable_sort(images.begin(), images.end(), [&](auto a, auto b) { return people[a] < people[b]; });
  // Calls each(first, last) for the images of each person.
  const auto for_each_person = [&](const auto& each) {
    for (std::size_t first = 0, last = 0; first < images.size(); first = last) {
      while (last < images.size() && people[images[last]] == people[images[first]]) ++last;
      each(first, last);
    }
  };
  std::uint64_t all = 0;
  for_each_person([&](std::size_t first, std::size_t last) {
    all += std::uint64_t{last - first} * (last - first - 1) / 2;
  });
  if (all > most)
    print_note(std::to_string(most) + " of " + std::to_string(all) +
               " pairs of one person are compared, drawn at random; --most-genuine sets the number");
  std::vector<ComparedPair> pairs;
  pairs.reserve(std::min<std::uint64_t>(all, most));
  Draw draw(all, most, seed);
  for_each_person([&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      for (std::size_t j = i + 1; j < last; ++j)
        if (draw.next())
          pairs.push_back({images[i], images[j], people[images[i]], faces.cosine(images[i], images[j])});
  });
  return pairs;
}

std::vector<float> impostor_scores(const VerifyFaces& faces, const std::vector<std::uint32_t>& chosen,
                                   std::size_t most, std::uint64_t seed) {
  std::vector<float> scores;
  const auto add = [&](std::uint32_t a, std::uint32_t b) {
    if (faces.people->of[a] != faces.people->of[b]) scores.push_back(faces.cosine(a, b));
  };
  const double all = static_cast<double>(chosen.size()) * (static_cast<double>(chosen.size()) - 1) / 2;
  if (all <= static_cast<double>(most)) {
    for (std::size_t i = 0; i < chosen.size(); ++i)
      for (std::size_t j = i + 1; j < chosen.size(); ++j) add(chosen[i], chosen[j]);
  } else {
    Rng rng(seed);
    const auto draw = [&] { return chosen[rng.below(static_cast<std::uint32_t>(chosen.size()))]; };
    for (std::size_t i = 0; i < most; ++i) {
      const std::uint32_t a = draw();
      add(a, draw());
    }
  }
  std::sort(scores.begin(), scores.end(), std::greater<float>());
  return scores;
}
