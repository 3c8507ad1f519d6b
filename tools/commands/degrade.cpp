// tinyfiqa degrade: photos made worse on purpose, to see which quality notices.
#include "commands/commands.hpp"
#include "jobs/identities.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"
#include "jobs/text_file.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"

#include <tinyfiqa/baselines/perceptual.hpp>
#include <tinyfiqa/evaluation/similarity.hpp>
#include <tinyfiqa/image/degradation.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unordered_map>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// A photo to be written: the sample's own, or a copy of it that is made worse.
struct Job {
  std::size_t sample = 0;
  int copy = 0;  ///< 0: under the sample's own path
};

/// What was done to one photo.
struct Degraded {
  Status status;
  std::string path, what = "none", gmsd = "0";
};

struct DegradeCommand {
  DataOptions data;
  std::string out;
  std::vector<std::string> kinds;
  double share = 0.7;
  int copies = 0, threads = 0;
  bool with_gmsd = false;
  std::uint64_t seed = 1;

  int run();

 private:
  Status check(const Dataset& set) const;
  Status work();
  Degraded make(const Dataset& set, const Job& job) const;
  Status make_worse(const Sample& sample, Rng& rng, Degraded& result) const;
  std::string header(const CsvTable& table) const;
  std::string row(const CsvRow& row, std::size_t path_column, const Job& job, const Degraded& done) const;
};

bool leads_out(const fs::path& path) {
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
}

Status write_bytes(const std::string& path, Bytes bytes) {
  std::error_code ignored;  // the file can't be written then, which is told
  fs::create_directories(fs::path(path).parent_path(), ignored);
  return write_file(path, {&bytes, 1});
}

/// "a/b.jpg" -> "a/b~2.jpg"
std::string copy_path(const std::string& path, int copy) {
  const fs::path p(path);
  return (p.parent_path() / (p.stem().string() + "~" + std::to_string(copy) + p.extension().string()))
      .string();
}

/// Saved as the photo's own file was, so that the JPEG's tables tell nothing of what else was done.
Status DegradeCommand::make_worse(const Sample& sample, Rng& rng, Degraded& result) const {
  const auto file = read_file(sample.file);
  if (!file) return file.status();
  const Degradation& d = *find_degradation(kinds[rng.below(static_cast<std::uint32_t>(kinds.size()))]);
  const float strength = rng.uniform(d.low, d.high);
  const auto original = decode_image(file->bytes);
  if (!original) return original.status();
  Image image = *original;
  int quality = static_cast<int>(std::lround(std::min(95.0, saved_quality(file->bytes))));
  if (d.apply == nullptr) {
    quality = static_cast<int>(std::lround(strength));
  } else {
    const auto face = face_region(image, sample.crop);
    if (!face) return face.status();
    d.apply(image, *face, strength, rng);
  }
  const auto jpeg = encode_jpeg(image, quality);
  if (!jpeg) return jpeg.status();
  if (with_gmsd) {
    const auto seen = decode_image({jpeg->data(), jpeg->size()});
    const auto difference = seen ? gmsd(*original, *seen) : Result<double>(seen.status());
    if (!difference) return difference.status();
    result.gmsd = decimal_text(*difference, 6);
  }
  result.what = std::string(d.name) + " " + decimal_text(double{strength}, 2);
  return write_bytes(out + "/" + result.path, {jpeg->data(), jpeg->size()});
}

Degraded DegradeCommand::make(const Dataset& set, const Job& job) const {
  const Sample& sample = set.samples[job.sample];
  Degraded result;
  result.path = job.copy == 0 ? sample.path : copy_path(sample.path, job.copy);
  // Without copies the numbers depend on the sample alone; copies have streams of their own.
  Rng rng(detail::mix_seed(seed, job.sample), static_cast<std::uint64_t>(job.copy));
  if (job.copy > 0 || (copies == 0 && double{rng.uniform()} < share)) {
    result.status = make_worse(sample, rng, result);
  } else {
    const auto file = read_file(sample.file, FileAccess::copy);
    result.status = file ? write_bytes(out + "/" + result.path, file->bytes) : file.status();
  }
  result.status = result.status.prefixed(sample.file, ": ");
  return result;
}

Status DegradeCommand::check(const Dataset& set) const {
  for (const Sample& s : set.samples)
    if (leads_out(s.path))
      return Status::error(Errc::bad_argument, data.csv, ":", s.line, ": ", s.path,
                           " would not lie below --out; give paths below --images, without ..");
  return {};
}

std::string DegradeCommand::header(const CsvTable& table) const {
  std::string text;
  for (const std::string& name : table.header) text += csv_field(name) + ",";
  return text + (copies > 0 ? "original," : "") + "degradation" + (with_gmsd ? ",gmsd\n" : "\n");
}

std::string DegradeCommand::row(const CsvRow& row, std::size_t path_column, const Job& job,
                                const Degraded& done) const {
  std::string text;
  for (std::size_t c = 0; c < row.fields.size(); ++c)
    text += csv_field(c == path_column ? done.path : row.fields[c]) + ",";
  if (copies > 0) text += (job.copy > 0 ? csv_field(row.fields[path_column]) : "") + ",";
  return text + done.what + (with_gmsd ? "," + done.gmsd : "") + "\n";
}

Status DegradeCommand::work() {
  const auto table = read_csv(data.csv);
  if (!table) return table.status();
  const auto set = read_data(data, *table);
  if (!set) return set.status();
  if (const Status status = check(*set); !status) return status;
  std::error_code ignored;  // what is wrong shows in the next line
  fs::create_directories(out, ignored);
  if (const Status status = check_writable(out + "/faces.csv"); !status) return status;
  const auto path_column = csv_column(*table, data.dataset.columns.path, "path");
  if (!path_column) return path_column.status();
  std::unordered_map<std::size_t, const CsvRow*> rows;
  for (const CsvRow& row : table->rows) rows[row.line] = &row;
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < set->samples.size(); ++i)
    for (int copy = 0; copy <= copies; ++copy) jobs.push_back({i, copy});
  std::string text = header(*table);
  Status first_problem;
  std::vector<int> workers(static_cast<std::size_t>(
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))));
  Progress progress(jobs.size(), "images");
  OrderedRun<Degraded>(jobs.size())
      .start(
          workers, [&](int, std::size_t i) { return make(*set, jobs[i]); },
          [&](std::size_t i, const Degraded& done) {
            if (done.status.ok())
              text += row(*rows.at(set->samples[jobs[i].sample].line), *path_column, jobs[i], done);
            if (first_problem.ok()) first_problem = done.status;
            progress.show(i + 1);
          });
  const Status written = write_text(out + "/faces.csv", text);
  return written ? first_problem : written;
}

/// A line for each way.
std::string ways_text() {
  std::string text;
  for (const Degradation& d : degradations()) {
    char line[128];
    std::snprintf(line, sizeof line, "  %-10s %g to %g: %s\n", d.name, static_cast<double>(d.low),
                  static_cast<double>(d.high), d.strength);
    text += line;
  }
  return text;
}

int DegradeCommand::run() {
  const Status status = work();
  if (status) return exit_done;
  print_error(status);
  const bool usage = status.code() == Errc::bad_argument || status.code() == Errc::not_found;
  return usage ? exit_usage : exit_some_failed;
}

}  // namespace

void add_degrade(const Command& app, int& exit_code) {
  auto command = std::make_shared<DegradeCommand>();
  const Command sub =
      app.add_command("degrade", "Photos made worse on purpose, for experiments with qualities");
  command->data.add_unlabelled_to(sub);
  sub.add_option(
         "--out", command->out,
         "Folder for the photos, under the CSV's paths, and for faces.csv: the same rows and a column "
         "degradation")
      .type_name("DIR")
      .required();
  sub.add_option("--share", command->share, "Of the photos that are made worse; the others are copied")
      .range(0.0, 1.0)
      .show_default();
  sub.add_option(
         "--copies", command->copies,
         "Leave every photo as it is and put this many copies beside it, made worse each in its own way "
         "(photo~1.jpg, ...; a column original tells of which photo); --share then means nothing")
      .range(1, 100);
  for (const Degradation& d : degradations()) command->kinds.push_back(d.name);
  const std::vector<std::string> all = command->kinds;
  sub.add_option("--kinds", command->kinds, "Which of the ways below; default: all")
      .delimiter(',')
      .one_of(all)
      .type_name("NAME");
  sub.add_flag(
      "--gmsd", command->with_gmsd,
      "A column gmsd: gradient magnitude similarity deviation from the photo as it was (Xue and others "
      "2014): 0 unchanged, 0.35 ruined");
  sub.add_option("--seed", command->seed, "Seed of which and how").show_default();
  sub.add_option("--threads", command->threads, "Threads; default: one for each core").range(1, 1024);
  sub.footer("One of these befalls a photo, each as often, with a strength drawn evenly:\n" + ways_text() +
             "Sizes stay, so landmarks and boxes do; a rotated face lies askew in them.\n"
             "Exit status: 0 done, 1 some photos failed, 2 wrong usage or unusable data.\n\n"
             "Example:\n  tinyfiqa degrade --data examples/faces/labels.csv --out /tmp/degraded");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
