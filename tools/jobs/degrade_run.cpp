#include "jobs/degrade_run.hpp"

#include <tinyfiqa/baselines/perceptual.hpp>
#include <tinyfiqa/evaluation/similarity.hpp>
#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/degradation.hpp>

#include "decoders/photo.hpp"
#include "jobs/guarded.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/text_file.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// One image to write: the sample's own, or a degraded copy of it.
struct DegradeJob {
  std::size_t sample = 0;
  int copy = 0;  ///< 0: under the sample's own path
};

/// What was done to one image.
struct Degraded {
  Status status;
  std::string path, what = "none", gmsd = "0";
};

bool leads_out(const fs::path& path) {
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
}

Status write_bytes(const std::string& path, Bytes bytes) {
  std::error_code ignored;  // write_file() reports a missing folder
  fs::create_directories(fs::path(path).parent_path(), ignored);
  return write_file(path, {&bytes, 1});
}

/// "a/b.jpg" -> "a/b~2.jpg"
std::string copy_path(const std::string& path, int copy) {
  const fs::path p(path);
  return (p.parent_path() / (p.stem().string() + "~" + std::to_string(copy) + p.extension().string()))
      .string();
}

class DegradeRun {
 public:
  DegradeRun(const DegradeOptions& options, const CsvTable& table, const Dataset& set,
             std::size_t path_column)
      : options_(options), table_(table), set_(set), path_column_(path_column) {}

  Status check_paths() const;
  Status run() const;

 private:
  Status degrade(const Sample& sample, Rng& rng, Degraded& result) const;
  Degraded make(const DegradeJob& job) const;
  std::vector<DegradeJob> jobs() const;
  std::string header() const;
  std::string row(const CsvRow& row, const DegradeJob& job, const Degraded& done) const;

  const DegradeOptions& options_;
  const CsvTable& table_;
  const Dataset& set_;
  std::size_t path_column_;
};

Status DegradeRun::check_paths() const {
  for (const Sample& s : set_.samples)
    if (leads_out(s.path))
      return Status::error(Errc::bad_argument, options_.data.csv, ":", s.line, ": ", s.path,
                           " would not lie below --out; give paths below --images, without ..");
  return {};
}

/// Degrades one image and saves it with the quality of its own file, so that the JPEG tables don't reveal the
/// other degradations.
Status DegradeRun::degrade(const Sample& sample, Rng& rng, Degraded& result) const {
  const auto file = read_photo_file(sample.file);
  if (!file) return file.status();
  const auto& kinds = options_.kinds;
  const Degradation& d = *find_degradation(kinds[rng.below(static_cast<std::uint32_t>(kinds.size()))]);
  const float strength = rng.uniform(d.low, d.high);
  const auto original = decode_photo(file->bytes);
  if (!original) return original.status();
  Image image = original->image;
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
  if (options_.with_gmsd) {
    const auto degraded = decode_photo({jpeg->data(), jpeg->size()});
    const auto difference =
        degraded ? gmsd(original->image, degraded->image) : Result<double>(degraded.status());
    if (!difference) return difference.status();
    result.gmsd = decimal_text(*difference, 6);
  }
  result.what = std::string(d.name) + " " + decimal_text(double{strength}, 2);
  return write_bytes(options_.out + "/" + result.path, {jpeg->data(), jpeg->size()});
}

Degraded DegradeRun::make(const DegradeJob& job) const {
  const Sample& sample = set_.samples[job.sample];
  Degraded result;
  result.path = job.copy == 0 ? sample.path : copy_path(sample.path, job.copy);
  // Each copy has its own stream of random numbers. Without copies, they depend on the sample alone.
  Rng rng(detail::mix_seed(options_.seed, job.sample), static_cast<std::uint64_t>(job.copy));
  if (job.copy > 0 || (options_.copies == 0 && double{rng.uniform()} < options_.share)) {
    result.status = degrade(sample, rng, result);
  } else {
    const auto file = read_file(sample.file, FileAccess::copy);
    result.status = file ? write_bytes(options_.out + "/" + result.path, file->bytes) : file.status();
  }
  result.status = result.status.prefixed(sample.file, ": ");
  return result;
}

std::vector<DegradeJob> DegradeRun::jobs() const {
  std::vector<DegradeJob> all;
  for (std::size_t i = 0; i < set_.samples.size(); ++i)
    for (int copy = 0; copy <= options_.copies; ++copy) all.push_back({i, copy});
  return all;
}

std::string DegradeRun::header() const {
  std::string text;
  for (const std::string& name : table_.header) text += csv_field(name) + ",";
  return text + (options_.copies > 0 ? "original," : "") + "degradation" +
         (options_.with_gmsd ? ",gmsd\n" : "\n");
}

std::string DegradeRun::row(const CsvRow& row, const DegradeJob& job, const Degraded& done) const {
  std::string text;
  for (std::size_t c = 0; c < row.fields.size(); ++c)
    text += csv_field(c == path_column_ ? done.path : row.fields[c]) + ",";
  if (options_.copies > 0) text += (job.copy > 0 ? csv_field(row.fields[path_column_]) : "") + ",";
  return text + done.what + (options_.with_gmsd ? "," + done.gmsd : "") + "\n";
}

Status DegradeRun::run() const {
  const auto rows = rows_by_line(table_);
  const std::vector<DegradeJob> all = jobs();
  std::string text = header();
  Status first_problem;
  std::vector<int> workers(static_cast<std::size_t>(thread_count(options_.threads)));
  Progress progress(all.size(), "images");
  const auto failed_job = [](const Status& problem) {
    Degraded failed;
    failed.status = problem;
    return failed;
  };
  OrderedRun<Degraded>(all.size())
      .start(
          workers,
          [&](int, std::size_t i) {
            const std::string& path = set_.samples[all[i].sample].file;
            return guarded(
                path, [&] { return make(all[i]); }, failed_job);
          },
          [&](std::size_t i, const Degraded& done) {
            if (done.status.ok()) text += row(*rows.at(set_.samples[all[i].sample].line), all[i], done);
            if (first_problem.ok()) first_problem = done.status;
            progress.show(i + 1);
          });
  const Status written = write_text(options_.out + "/faces.csv", text);
  return written ? first_problem : written;
}

}  // namespace

Status degrade_images(const DegradeOptions& options) {
  if (const Status s = make_output_folder(options.out, "faces.csv"); !s) return s;
  const auto table = read_csv(options.data.csv);
  if (!table) return table.status();
  const auto set = read_data(options.data, *table);
  if (!set) return set.status();
  const auto path_column = csv_column(*table, options.data.dataset.columns.path, "path");
  if (!path_column) return path_column.status();
  const DegradeRun run(options, *table, *set, *path_column);
  if (const Status s = run.check_paths(); !s) return s;
  return run.run();
}
