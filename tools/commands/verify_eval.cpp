// tinyfiqa verify-eval: how discarding or choosing images by quality changes recognition errors.
#include "commands/commands.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/output_path.hpp"
#include "jobs/text_file.hpp"
#include "jobs/verification/verify_templates.hpp"

#include <cstdio>
#include <memory>
#include <unordered_set>

using namespace tinyfiqa;

namespace {

struct VerifyCommand {
  KnownFacesOptions faces;
  std::vector<std::string> qualities = {"random", "blur", "jpeg", "norm", "tinyfqnet_m"};
  DiscardOptions discard;
  std::string template_column, exclude, out;

  Status run() const;

 private:
  Status leave_out(VerifyFaces& active) const;
  Status write(const VerifyReport& report) const;
};

/// Deactivates the faces that --exclude names.
Status VerifyCommand::leave_out(VerifyFaces& active) const {
  if (exclude.empty()) return Status();
  const auto table = read_csv(exclude);
  if (!table) return table.status();
  const auto path = csv_column(*table, "path", "path");
  if (!path) return path.status();
  std::unordered_set<std::string> excluded;
  for (const CsvRow& row : table->rows)
    if (*path < row.fields.size()) excluded.insert(row.fields[*path]);
  std::size_t count = 0;
  for (std::size_t i = 0; i < active.active.size(); ++i)
    if (active.active[i] && excluded.count(active.data->samples[i].path) != 0) {
      active.active[i] = false;
      ++count;
    }
  print_note(std::to_string(count) + " images left out because of " + exclude);
  return Status();
}

Status VerifyCommand::write(const VerifyReport& report) const {
  if (out.empty()) return Status();
  Status status = write_text(out + "/verification.md", report.markdown());
  if (status) status = write_text(out + "/verification.csv", report.csv());
  if (status) status = write_text(out + "/verification.svg", report.svg());
  return status;
}

Status VerifyCommand::run() const {
  if (!out.empty())
    if (const Status s = make_output_folder(out, "verification.md"); !s) return s;
  auto known = read_known_faces(faces);
  if (!known) return known.status();
  const auto methods = make_methods(*known, qualities, discard.seed);
  if (!methods) return methods.status();
  if (!faces.embed.recogniser.empty()) print_faceless(known->data);
  VerifyFaces active = verify_faces(*known);
  if (const Status s = leave_out(active); !s) return s;
  VerifyReport report;
  for (const QualityMethod& m : *methods) {
    report.methods.push_back(m.name);
    if (m.missing > 0)
      print_note(m.name + " has no score for " + std::to_string(m.missing) +
                 " images; they count as the worst");
  }
  if (const Status s = compare_discarding(active, *methods, discard, report); !s) return s;
  if (!template_column.empty()) {
    const Status s = compare_templates(known->table, template_column, active, *methods, discard, report);
    if (!s) return s;
  }
  std::fputs(report.markdown().c_str(), stdout);
  return write(report);
}

void add_protocol_options(const Command& sub, VerifyCommand& command) {
  sub.add_option("--quality", command.qualities,
                 std::string("Compare these quality methods: ") + known_methods +
                     ", weight files, or CSVs with columns path and score; NAME=FILE gives a name")
      .type_name("METHOD")
      .show_default();
  command.discard.add_to(sub);
  sub.add_option("--template-column", command.template_column,
                 "Compare the best image of each template (video, set), which this column of --data names "
                 "(default: no templates)")
      .type_name("NAME");
  sub.add_option("--exclude", command.exclude, "Leave out the images in the column path of this CSV")
      .type_name("CSV");
  sub.add_option("--out", command.out,
                 "Write verification.md, verification.csv and verification.svg to this folder")
      .type_name("DIR");
}

}  // namespace

void add_verify_eval(const Command& app, int& exit_code) {
  auto command = std::make_shared<VerifyCommand>();
  const Command sub = app.add_command("verify-eval",
                                      "Measure how quality methods reduce recognition errors: error versus "
                                      "discard, accuracy by folds, templates");
  command->faces.add_to(sub);
  add_protocol_options(sub, *command);
  sub.footer(
      "The thresholds are computed from all images and do not change while images are discarded. Judge a "
      "network\n"
      "with another recogniser than the one that made its labels.\n"
      "Exit status: 0 done, 1 nothing could be written, 2 wrong usage or unusable data.\n\n"
      "Example:\n"
      "  tinyfiqa verify-eval --data tests/fixtures/recognition/faces.csv --embeddings "
      "tests/fixtures/recognition/faces.npy --pairs tests/fixtures/recognition/pairs.txt --folds 4 --quality "
      "random norm --out /tmp/verification");
  sub.on_run([command, &exit_code] { exit_code = report_result(command->run()); });
}
