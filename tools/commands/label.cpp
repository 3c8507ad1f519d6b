// tinyfiqa label: quality of faces of known people, from a face recogniser (P2, equation 1).
#include "commands/commands.hpp"
#include "jobs/embed_run.hpp"
#include "jobs/text_file.hpp"
#include "options/model_options.hpp"
#include "reports/label_table.hpp"

#include <tinyfiqa/formats/npy.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unordered_map>

using namespace tinyfiqa;

namespace {

struct LabelCommand {
  DataOptions data;
  EmbedOptions embed;
  std::string centres, classifier, original_column, out, skipped;
  bool folder_identities = false;
  double far_below = LabelOptions().far_below;

  int run();

 private:
  Result<LabelOptions> label_options() const;
  Result<std::vector<std::string>> classifier_names(const Identities& people) const;
  Result<std::vector<float>> read_classifier(const Identities& people, std::size_t dimension) const;
  Result<std::vector<std::size_t>> find_originals(const KnownFaces& faces) const;
  Result<std::vector<FaceLabel>> make_labels(const KnownFaces& known) const;
  Status work(std::size_t& unusable);
};

Result<LabelOptions> LabelCommand::label_options() const {
  LabelOptions options;
  const std::string kind = !centres.empty() ? centres : classifier.empty() ? "loo" : "classifier";
  options.centres = kind == "mean" ? Centres::mean : kind == "loo" ? Centres::loo : Centres::classifier;
  options.far_below = far_below;
  options.threads = embed.thread_count();
  if (options.centres == Centres::classifier && classifier.empty())
    return Status::error(Errc::bad_argument,
                         "--centres classifier needs the classifier's weights: ", "--classifier FILE.npy");
  if (options.centres != Centres::classifier && !classifier.empty())
    return Status::error(Errc::bad_argument, "--classifier is of no use with --centres ", kind);
  return options;
}

/// The names of the classifier's rows: of the CSV beside it, as train leaves one, or the people's own.
Result<std::vector<std::string>> LabelCommand::classifier_names(const Identities& people) const {
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

/// Weights for each person, by name; zeros for who is not in the classifier.
Result<std::vector<float>> LabelCommand::read_classifier(const Identities& people,
                                                         std::size_t dimension) const {
  const auto array = read_npy(classifier);
  if (!array) return array.status();
  const auto names = classifier_names(people);
  if (!names) return names.status();
  const std::vector<std::int64_t> wanted = {static_cast<std::int64_t>(names->size()),
                                            static_cast<std::int64_t>(dimension)};
  if (array->shape != wanted)
    return Status::error(Errc::mismatch, classifier, ": its shape is ", shape_text(array->shape), "; ",
                         names->size(), " people and embeddings of ", dimension, " need ", shape_text(wanted),
                         " with a row for each person, in the order of their names or of the CSV beside it");
  std::vector<float> weights(people.names.size() * dimension);
  for (std::size_t row = 0; row < names->size(); ++row) {
    const auto at = std::lower_bound(people.names.begin(), people.names.end(), (*names)[row]);
    if (at == people.names.end() || *at != (*names)[row]) continue;
    const auto to = static_cast<std::size_t>(at - people.names.begin()) * dimension;
    std::copy_n(array->values.data() + row * dimension, dimension, weights.data() + to);
  }
  return weights;
}

/// The face that each face is a changed copy of, itself where it is none; empty without such a column.
Result<std::vector<std::size_t>> LabelCommand::find_originals(const KnownFaces& faces) const {
  if (original_column.empty() && faces.table.column("original") == CsvTable::npos)
    return std::vector<std::size_t>();
  const auto column =
      csv_column(faces.table, original_column.empty() ? "original" : original_column, "--original-column");
  if (!column) return column.status();
  std::unordered_map<std::size_t, std::string> paths;  // of the original, by line
  for (const CsvRow& row : faces.table.rows)
    if (*column < row.fields.size()) paths[row.line] = row.fields[*column];
  std::unordered_map<std::string, std::size_t> by_path;
  for (std::size_t i = 0; i < faces.data.samples.size(); ++i) by_path[faces.data.samples[i].path] = i;
  std::vector<std::size_t> originals;
  for (std::size_t i = 0; i < faces.data.samples.size(); ++i) {
    const std::string& path = paths[faces.data.samples[i].line];
    const auto at = path.empty() ? by_path.find(faces.data.samples[i].path) : by_path.find(path);
    if (at == by_path.end())
      return Status::error(Errc::bad_argument, data.csv, ":", faces.data.samples[i].line, ": its original, ",
                           path, ", is not among the rows that can be used");
    originals.push_back(at->second);
  }
  return originals;
}

Result<std::vector<FaceLabel>> LabelCommand::make_labels(const KnownFaces& known) const {
  const Identities& people = known.people;
  const FaceEmbeddings& faces = known.embedded;
  auto options = label_options();
  if (!options) return options.status();
  auto originals = find_originals(known);
  if (!originals) return originals.status();
  options->originals = std::move(*originals);
  std::vector<float> weights;
  if (options->centres == Centres::classifier) {
    auto read = read_classifier(people, faces.dimension);
    if (!read) return read.status();
    weights = std::move(*read);
  }
  return label_faces(faces.raw, faces.dimension, people.of, people.names.size(), *options, weights);
}

Status LabelCommand::work(std::size_t& unusable) {
  if (const auto options = label_options(); !options) return options.status();
  for (const std::string& file : {out, skipped})
    if (const Status status = file.empty() ? Status() : check_writable(file); !status) return status;
  const auto faces = read_known_faces(data, folder_identities, embed);
  if (!faces) return faces.status();
  const auto labels = make_labels(*faces);
  if (!labels) return labels.status();
  const LabelTable result(faces->table, faces->data, faces->people, *labels, faces->embedded.problems);
  result.print_summary();
  unusable = result.unusable();
  const Status listed = skipped.empty() ? Status() : write_text(skipped, result.skipped_csv());
  if (!listed) return listed;
  if (result.labelled() == 0)
    return Status::error(Errc::bad_argument, data.csv, ": not one face could be labelled");
  if (!out.empty()) return write_text(out, result.csv());
  std::fputs(result.csv().c_str(), stdout);
  return Status();
}

int LabelCommand::run() {
  std::size_t unusable = 0;
  const Status status = work(unusable);
  if (!status) {
    print_error(status);
    return exit_usage;
  }
  return unusable > 0 ? exit_some_failed : exit_done;
}

}  // namespace

void add_label(const Command& app, int& exit_code) {
  auto command = std::make_shared<LabelCommand>();
  const Command sub = app.add_command(
      "label", "Quality labels from a face recogniser: how near each face is to its person's centre");
  command->data.add_unlabelled_to(sub);
  sub.add_flag("--folder-identities", command->folder_identities,
               "The folder that an image is in says who it shows");
  command->embed.add_to(sub);
  sub.add_option("--centres", command->centres,
                 "loo (mean of the person's other images), mean (of all of them) or classifier; default: "
                 "classifier if its weights are given, else loo")
      .one_of({"loo", "mean", "classifier"});
  sub.add_option("--classifier", command->classifier,
                 "The recogniser's classifier weights, as train leaves them: one row for each person, in the "
                 "order of the CSV FILE.people.csv beside it (column identity), or else of their names")
      .type_name("FILE.npy");
  sub.add_option(
         "--original-column", command->original_column,
         "Column with the path of the photo that a row's is a changed copy of (degrade --copies): such "
         "copies count in no centre; default: original if there is one")
      .type_name("NAME");
  sub.add_option("--far", command->far_below, "A face with a smaller cosine is far from its centre")
      .range(-1.0, 1.0)
      .show_default();
  sub.add_option("--out", command->out, "CSV to write; default: standard output").type_name("CSV");
  sub.add_option("--skipped", command->skipped, "CSV of the images that got no label, and why")
      .type_name("CSV");
  sub.footer(
      "The result has the columns of --data and score, nearest_identity, nearest_cosine, norm and suspect, "
      "rows\nin the same order: train --data reads it. suspect says which labels to distrust: other_person "
      "(far from its\nown centre, near another one's), stranger (far from its own, though no bad picture), "
      "copy (the same "
      "picture under\nanother name). People with one image get no label.\n"
      "Exit status: 0 done, 1 some images could not be used, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa label --data tests/fixtures/recognition/faces.csv --embeddings "
      "tests/fixtures/recognition/faces.npy --out /tmp/labels.csv\n"
      "  tinyfiqa label --data faces.csv --recogniser mobilefacenet.safetensors --embeddings faces.npy --out "
      "labels.csv\n"
      "  tinyfiqa label --data faces.csv --recogniser run1/best.safetensors --classifier "
      "run1/best_classifier.npy --out labels.csv");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
