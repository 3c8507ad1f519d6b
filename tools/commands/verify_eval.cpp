// tinyfiqa verify-eval: what qualities do for recognition.
#include "commands/commands.hpp"
#include "jobs/embed_run.hpp"
#include "jobs/identities.hpp"
#include "jobs/quality_methods.hpp"
#include "jobs/text_file.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/verify_data.hpp"
#include "reports/verify_discard.hpp"
#include "reports/verify_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <unordered_set>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

struct VerifyCommand {
  DataOptions data;
  EmbedOptions embed;
  std::vector<std::string> qualities = {"random", "blur", "jpeg", "norm", "tinyfqnet"};
  DiscardOptions discard;
  std::string template_column, exclude, out;
  bool folder_identities = false;

  int run();

 private:
  Status work();
  Status leave_out(VerifyFaces& faces) const;
  Status compare_templates(const CsvTable& table, const VerifyFaces& faces,
                           const std::vector<QualityMethod>& methods, VerifyReport& report) const;
  Status write(const VerifyReport& report) const;
};

/// Faces without an embedding, and those that --exclude names.
Status VerifyCommand::leave_out(VerifyFaces& faces) const {
  std::unordered_set<std::string> excluded;
  if (!exclude.empty()) {
    const auto table = read_csv(exclude);
    if (!table) return table.status();
    const auto path = csv_column(*table, "path", "path");
    if (!path) return path.status();
    for (const CsvRow& row : table->rows)
      if (*path < row.fields.size()) excluded.insert(row.fields[*path]);
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < faces.active.size(); ++i)
    if (faces.active[i] && excluded.count(faces.data->samples[i].path) != 0) {
      faces.active[i] = false;
      ++count;
    }
  if (!exclude.empty()) print_note(std::to_string(count) + " images left out because of " + exclude);
  return Status();
}

/// One image of each template, the one with the best quality (the first of equals).
Status VerifyCommand::compare_templates(const CsvTable& table, const VerifyFaces& faces,
                                        const std::vector<QualityMethod>& methods,
                                        VerifyReport& report) const {
  if (template_column.empty()) return Status();
  const auto column = csv_column(table, template_column, "template");
  if (!column) return column.status();
  std::unordered_map<std::size_t, std::string> name_of_line;
  for (const CsvRow& row : table.rows)
    if (*column < row.fields.size()) name_of_line[row.line] = row.fields[*column];
  std::map<std::string, std::vector<std::uint32_t>> templates;
  for (const std::uint32_t i : faces.list()) {
    auto& images = templates[name_of_line[faces.data->samples[i].line]];
    if (!images.empty() && faces.people->of[images[0]] != faces.people->of[i])
      return Status::error(Errc::bad_format, table.path, ":", faces.data->samples[i].line,
                           ": a template with two people: ", faces.people->names[faces.people->of[images[0]]],
                           " and ", faces.people->names[faces.people->of[i]]);
    images.push_back(i);
  }
  report.templates = templates.size();
  report.template_rates = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
  for (const QualityMethod& m : methods) {
    std::vector<std::uint32_t> chosen;
    const auto quality = [&](std::uint32_t i) {
      return std::isfinite(m.values[i]) ? m.values[i] : -HUGE_VAL;
    };
    for (const auto& [name, images] : templates)
      chosen.push_back(*std::max_element(images.begin(), images.end(),
                                         [&](auto a, auto b) { return quality(a) < quality(b); }));
    const auto genuine = genuine_pairs(faces, chosen);
    const auto impostors = impostor_scores(faces, chosen, discard.most_impostors, discard.seed);
    if (genuine.empty())
      return Status::error(Errc::bad_argument, table.path, ": no two templates (column ", template_column,
                           ") show one person, so nothing can be verified");
    report.template_genuine = genuine.size();
    report.template_impostors = impostors.size();
    report.template_results.emplace_back();
    for (const double rate : report.template_rates)
      report.template_results.back().push_back(
          true_positive_rate(genuine, impostors, rate, discard.bootstrap()));
  }
  return Status();
}

Status VerifyCommand::write(const VerifyReport& report) const {
  if (out.empty()) return Status();
  std::error_code error;
  fs::create_directories(out, error);
  Status status = write_text(out + "/verification.md", report.markdown());
  if (status) status = write_text(out + "/verification.csv", report.csv());
  if (status) status = write_text(out + "/verification.svg", report.svg());
  return status;
}

Status VerifyCommand::work() {
  const auto known = read_known_faces(data, folder_identities, embed);
  if (!known) return known.status();
  const auto methods = make_methods(known->data, known->embedded, qualities, embed, discard.seed);
  if (!methods) return methods.status();
  VerifyFaces faces = verify_faces(*known);
  Status status = leave_out(faces);
  VerifyReport report;
  for (const QualityMethod& m : *methods) {
    report.methods.push_back(m.name);
    if (m.missing > 0)
      print_note(m.name + " has no score for " + std::to_string(m.missing) +
                 " images; they count as the worst");
  }
  if (status) status = compare_discarding(faces, *methods, discard, report);
  if (status) status = compare_templates(known->table, faces, *methods, report);
  if (!status) return status;
  std::fputs(report.markdown().c_str(), stdout);
  return write(report);
}

int VerifyCommand::run() {
  const Status status = work();
  if (status) return exit_done;
  print_error(status);
  return status.code() == Errc::cannot_write ? exit_some_failed : exit_usage;
}

void add_protocol_options(const Command& sub, VerifyCommand& command) {
  sub.add_option("--quality", command.qualities,
                 std::string("What to compare: ") + known_methods +
                     ", weight files, CSVs of path and score; NAME=FILE names one")
      .type_name("METHOD")
      .show_default();
  command.discard.add_to(sub);
  sub.add_option("--template-column", command.template_column,
                 "Column of --data that says which template (video, set) an image belongs to")
      .type_name("NAME");
  sub.add_option("--exclude", command.exclude, "CSV whose column path names images to leave out")
      .type_name("CSV");
  sub.add_option("--out", command.out, "Folder for verification.md, .csv and .svg").type_name("DIR");
}

}  // namespace

void add_verify_eval(const Command& app, int& exit_code) {
  auto command = std::make_shared<VerifyCommand>();
  const Command sub = app.add_command(
      "verify-eval", "What qualities do for recognition: error versus discard, accuracy by folds, templates");
  command->data.add_unlabelled_to(sub);
  sub.add_flag("--folder-identities", command->folder_identities,
               "The folder that an image is in says who it shows");
  command->embed.add_to(sub);
  add_protocol_options(sub, *command);
  sub.footer(
      "Thresholds are those of all images and stay while images are discarded. Judge a network by another\n"
      "recogniser than the one that made its labels.\n"
      "Exit status: 0 done, 1 nothing could be written, 2 wrong usage or unusable data.\n\n"
      "Example:\n  tinyfiqa verify-eval --data tests/fixtures/recognition/faces.csv --embeddings "
      "tests/fixtures/recognition/faces.npy --pairs tests/fixtures/recognition/pairs.txt --folds 4 --quality "
      "random norm --out /tmp/verification");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
