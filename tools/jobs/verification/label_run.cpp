#include "jobs/verification/label_run.hpp"

#include <tinyfiqa/formats/npy.hpp>

#include "jobs/progress.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <utility>

using namespace tinyfiqa;

namespace {

/// The settings that the options mean, without the originals.
Result<LabelOptions> label_options(const LabelRunOptions& o) {
  LabelOptions options;
  const std::string kind = !o.centres.empty() ? o.centres : o.classifier.empty() ? "loo" : "classifier";
  options.centres = kind == "mean" ? Centres::mean : kind == "loo" ? Centres::loo : Centres::classifier;
  options.far_below = o.far_below;
  options.threads = thread_count(o.faces.embed.threads);
  if (options.centres == Centres::classifier && o.classifier.empty())
    return Status::error(Errc::bad_argument,
                         "--centres classifier needs the weights of the classifier: --classifier FILE.npy");
  if (options.centres != Centres::classifier && !o.classifier.empty())
    return Status::error(Errc::bad_argument, "--classifier has no effect with --centres ", kind,
                         "; remove one of them");
  return options;
}

/// The names of the classifier's rows: from the CSV beside it, as `train` writes it, or else those of
/// the people.
Result<std::vector<std::string>> classifier_names(const std::string& classifier, const Identities& people) {
  const std::string csv = std::filesystem::path(classifier).replace_extension(".people.csv").string();
  if (std::error_code ignored; !std::filesystem::exists(csv, ignored)) return people.names;
  const auto table = read_csv(csv);
  if (!table) return table.status();
  const auto column = csv_column(*table, "identity", "identity");
  if (!column) return column.status();
  std::vector<std::string> names;
  for (const CsvRow& row : table->rows)
    names.push_back(*column < row.fields.size() ? row.fields[*column] : "");
  return names;
}

/// The class weights [people, dimension], matched by name. Zeros for people who are not in the classifier.
Result<std::vector<float>> read_classifier(const std::string& classifier, const Identities& people,
                                           std::size_t dimension) {
  const auto array = read_npy(classifier);
  if (!array) return array.status();
  const auto names = classifier_names(classifier, people);
  if (!names) return names.status();
  const std::vector<std::int64_t> wanted = {static_cast<std::int64_t>(names->size()),
                                            static_cast<std::int64_t>(dimension)};
  if (array->shape != wanted)
    return Status::error(Errc::mismatch, classifier, ": its shape is ", shape_text(array->shape), "; ",
                         names->size(), " people and embeddings of ", dimension, " need ", shape_text(wanted),
                         ": a row for each person, in the order of their names or of the CSV beside it");
  std::vector<float> weights(people.names.size() * dimension);
  for (std::size_t row = 0; row < names->size(); ++row) {
    const auto at = std::lower_bound(people.names.begin(), people.names.end(), (*names)[row]);
    if (at == people.names.end() || *at != (*names)[row]) continue;
    const auto to = static_cast<std::size_t>(at - people.names.begin()) * dimension;
    std::copy_n(array->values.data() + row * dimension, dimension, weights.data() + to);
  }
  return weights;
}

/// The original of each face that is a changed copy, otherwise the face itself. Empty without a column
/// of originals.
Result<std::vector<std::size_t>> find_originals(const std::string& original_column, const KnownFaces& faces) {
  if (original_column.empty() && faces.table.column("original") == CsvTable::npos)
    return std::vector<std::size_t>();
  const auto paths = column_by_line(faces.table, original_column.empty() ? "original" : original_column,
                                    "--original-column");
  if (!paths) return paths.status();
  const auto& samples = faces.data.samples;
  std::unordered_map<std::string_view, std::size_t> by_path;
  for (std::size_t i = 0; i < samples.size(); ++i) by_path[samples[i].path] = i;
  std::vector<std::size_t> originals;
  for (const Sample& sample : samples) {
    const auto given = paths->find(sample.line);
    const bool copy = given != paths->end() && !given->second.empty();
    const auto at = by_path.find(copy ? given->second : sample.path);
    if (at == by_path.end())
      return Status::error(Errc::bad_argument, faces.data.path, ":", sample.line, ": its original, ",
                           given->second, ", is not among the usable rows; add it or correct the path");
    originals.push_back(at->second);
  }
  return originals;
}

/// The memory that labels take, about: docs/scaling.md says how it was measured.
std::size_t label_bytes(std::size_t faces, std::size_t people, std::size_t dimension) {
  constexpr std::size_t fixed = std::size_t{64} << 20u, a_face = 800, a_person = 150;
  return fixed + faces * a_face + people * (12 * dimension + a_person);
}

void note_memory(const KnownFaces& known) {
  const std::size_t faces = known.data.samples.size(), people = known.people.names.size(),
                    dimension = known.embedded.rows.dimension();
  const double gigabytes = static_cast<double>(label_bytes(faces, people, dimension)) / 1e9;
  if (gigabytes >= 1)
    print_note("this takes about " + decimal_text(gigabytes, 1) + " GB of memory: " + std::to_string(faces) +
               " faces, and centres of " + std::to_string(people) + " people in " +
               std::to_string(dimension) + " dimensions");
}

}  // namespace

std::pair<std::size_t, std::size_t> LabelRunOptions::range(const KnownFaces& known) const {
  return (shard ? *shard : Shard()).range(known.data.samples.size());
}

Status check_label_options(const LabelRunOptions& options) {
  if (options.shard && !options.faces.embed.saved())
    return Status::error(Errc::bad_argument,
                         "--shard labels a part of faces whose embeddings are there: name them with "
                         "--embeddings, or compute a part of them with --embed-only");
  if (options.shard && !options.faces.data.save_faces.empty())
    return Status::error(
        Errc::bad_argument,
        "--shard labels a part and would search all faces for --save-faces; find them before, "
        "with detect --data, or with --embed-only");
  return label_options(options).status();
}

Result<std::vector<FaceLabel>> make_labels(const LabelRunOptions& o, const KnownFaces& known) {
  const Identities& people = known.people;
  auto options = label_options(o);
  if (!options) return options.status();
  const auto backend = backend_option(o.faces.embed.isa);
  if (!backend) return backend.status();
  auto originals = find_originals(o.original_column, known);
  if (!originals) return originals.status();
  options->originals = std::move(*originals);
  options->dot_products = (*backend)->embeddings.dot_products;
  options->nearest = !o.no_nearest;
  const auto [first, last] = o.range(known);
  options->first = first;
  options->count = last - first;
  std::vector<float> weights;
  if (options->centres == Centres::classifier) {
    auto read = read_classifier(o.classifier, people, known.embedded.rows.dimension());
    if (!read) return read.status();
    weights = std::move(*read);
  }
  note_memory(known);
  Progress progress(last - first, "labels");
  options->progress = [&, faces = last - first](std::size_t done, std::size_t) {
    progress.show(std::min(done, faces));
  };
  return label_faces(known.embedded.rows, people.of, people.names.size(), *options, weights);
}
