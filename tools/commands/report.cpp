// tinyfiqa report: one HTML file that shows faces by their scores.
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/scoring/report_pictures.hpp"
#include "jobs/scoring/report_run.hpp"
#include "jobs/scoring/report_table.hpp"
#include "jobs/text_file.hpp"
#include "jobs/verification/same_faces.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

using namespace tinyfiqa;

namespace {

/// Bytes that each face's JSON may grow by when it gets a picture, beside the picture.
constexpr std::size_t picture_json_bytes = 260;
/// The same for a heat map.
constexpr std::size_t heat_json_bytes = 840;

struct ReportCommand {
  ReportScoring scoring;
  EmbedOptions embed;
  std::string out = "report.html", images;
  double same_face = default_same_face, max_mb = 10;
  bool no_heat_maps = false;

  int run();

 private:
  bool from_table() const { return scoring.paths.size() == 1 && is_report_table(scoring.paths[0]); }
  Status check_options();
  Status check_out() const;
  Status check_table_options() const;
  Result<Report> read() const;
  std::string title() const;
  int write(Report& report) const;
};

/// A file that is there is replaced only if it is a report.
Status ReportCommand::check_out() const {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(out, ignored) && std::filesystem::file_size(out, ignored) > 0) {
    const auto old = read_file(out);
    if (!old) return old.status();
    const std::size_t head = std::min<std::size_t>(old->bytes.size, 4096);
    if (!is_report_page(std::string(reinterpret_cast<const char*>(old->bytes.data), head)))
      return Status::error(
          Errc::cannot_write, out,
          ": exists and is no report of tinyfiqa; remove it, or name another file with --out");
  }
  return check_output_file(out);
}

/// Scores of a table are shown as they are.
Status ReportCommand::check_table_options() const {
  const bool scores = !scoring.model.model.empty() || !scoring.model.weights.empty() || scoring.raw ||
                      !scoring.views.tta.empty() || scoring.views.size.height > 0 ||
                      scoring.faces.face != "auto";
  if (!from_table())
    return images.empty()
               ? Status()
               : Status::error(Errc::bad_argument,
                               "--images is for the paths of a table; give scores.csv, or remove it");
  if (!scores) return Status();
  return Status::error(
      Errc::bad_argument, scoring.paths[0],
      ": has its scores already; remove --model, --weights, --size, --tta, --face and --raw, or give "
      "the photos instead of the table");
}

/// Errors: bad_argument for options that do not go together; cannot_write.
Status ReportCommand::check_options() {
  for (std::string& path : scoring.model.take_stray_inputs()) scoring.paths.push_back(std::move(path));
  if (scoring.paths.empty())
    return Status::error(Errc::bad_argument,
                         "nothing to show; give photos or folders, or a table of scores (see tinyfiqa report "
                         "--help)");
  if (!from_table())
    for (const std::string& path : scoring.paths)
      if (is_report_table(path))
        return Status::error(Errc::bad_argument, path,
                             ": give one table of scores and nothing else, or photos");
  if (const Status s = check_table_options(); !s) return s;
  scoring.heat_maps = !no_heat_maps;
  if (const Status s = check_out(); !s) return s;
  return embed.check_output();
}

std::string ReportCommand::title() const {
  const std::string& first = scoring.paths[0];
  const std::size_t more = scoring.paths.size() - 1;
  return (first == "-" ? "photos of a list" : first) +
         (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

Result<Report> ReportCommand::read() const {
  auto report = from_table() ? read_report_table(scoring.paths[0], images) : score_for_report(scoring);
  if (!report) return report;
  report->title = title();
  if (!report->explained)
    print_note(scoring.paths[0] + ": has no reasons; score with --explain to have them in the report");
  if (embed.recogniser.empty() && embed.embeddings.empty()) return report;
  EmbedOptions with_machine = embed;
  with_machine.isa = scoring.model.isa;
  with_machine.threads = scoring.threads;
  if (const Status s = add_persons(*report, with_machine, same_face); !s) return s;
  return report;
}

/// Adds the pictures and writes the file. Returns the exit code.
int ReportCommand::write(Report& report) const {
  const std::size_t count = report.faces.size();
  const auto maps = static_cast<std::size_t>(std::count_if(
      report.faces.begin(), report.faces.end(), [](const ReportFace& face) { return face.map.has_value(); }));
  const std::size_t without =
      report_page(report, out).size() + count * picture_json_bytes + maps * heat_json_bytes;
  const auto allowed = static_cast<std::size_t>(max_mb * 1e6);
  const PictureLimits limits = picture_limits(allowed > without ? allowed - without : 0, count);
  const std::size_t missing = add_pictures(report, limits, scoring.threads);
  const std::string page = report_page(report, out);
  if (const Status s = write_text(out, page); !s) return report_failure(s, exit_some_failed);
  const auto failed = static_cast<std::size_t>(std::count_if(
      report.faces.begin(), report.faces.end(), [](const ReportFace& face) { return !face.scored(); }));
  std::printf("%s: %s, %s without a score, images of %d pixels, %.1f MB\n", shown_text(out).c_str(),
              count_text(count - failed, "face").c_str(), count_text(failed, "photo").c_str(), limits.side,
              static_cast<double>(page.size()) / 1e6);
  if (page.size() > allowed)
    print_note(out +
               ": is larger than --max-mb asks for, though its images are as small as they get; give fewer "
               "photos");
  if (missing > 0)
    print_note(out + ": no image of " + count_text(missing, "face") + ", because " +
               (missing == 1 ? "its photo" : "their photos") + " can't be read; the report has a note");
  if (!has_chart_library()) print_note(chart_library_advice);
  return failed + missing > 0 ? exit_some_failed : exit_done;
}

int ReportCommand::run() {
  if (const Status s = check_options(); !s) return report_failure(s);
  auto report = read();
  if (!report) return report_failure(report.status());
  return write(*report);
}

}  // namespace

void add_report(const Command& app, int& exit_code) {
  auto command = std::make_shared<ReportCommand>();
  const Command sub = app.add_command(
      "report",
      "Show faces by their scores in one HTML file: histogram, threshold, reasons, list of the kept");
  sub.add_option(
      "paths", command->scoring.paths,
      "Score and show these images, folders (with all folders inside them) and patterns; - reads a list "
      "from standard input. Or show one table that `score` wrote: .csv or .jsonl");
  sub.add_option("--out", command->out, "Write this HTML file; a report that is there is replaced")
      .type_name("FILE")
      .show_default();
  sub.add_option("--max-mb", command->max_mb,
                 "Make the images in the file so small that it has at most this many megabytes")
      .range(1.0, 1000.0)
      .show_default();
  sub.add_option(
         "--images", command->images,
         "Resolve relative paths of the table from this folder (default: the current folder, then the folder "
         "of the table)")
      .type_name("DIR");
  command->embed.add_files_to(sub);
  sub.add_option("--same-face", command->same_face,
                 "Group faces whose embeddings have at least this cosine as one person (with --recogniser or "
                 "--embeddings)")
      .range(-1.0, 1.0)
      .show_default();
  command->scoring.model.add_to(sub, model_choices());
  command->scoring.views.add_to(sub);
  command->scoring.faces.add_to(sub);
  add_threads_option(sub, command->scoring.threads);
  sub.add_flag("--no-heat-maps", command->no_heat_maps,
               "Leave out the heat maps, which take most of the time; a table has none");
  sub.add_flag("--raw", command->scoring.raw, "Show raw scores instead of the quality 0..100");
  sub.footer(
      "The file needs no server and no network: open it in a browser. It shows faces: give it away only as "
      "you\n"
      "would give the photos. Move the threshold, look at what it leaves out, and save the list of the kept\n"
      "faces. To look several times, score once with `score --explain --out scores.csv` and give that "
      "table.\n"
      "Exit status: 0 all photos are scored and shown, 1 some are not, or a file could not be written, 2 "
      "wrong\n"
      "usage.\n\n"
      "Example:\n"
      "  tinyfiqa report examples/faces --face whole --out /tmp/report.html");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
