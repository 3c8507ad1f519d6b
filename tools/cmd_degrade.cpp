// tinyfiqa degrade: photos made worse on purpose, to see which quality notices.
#include "commands.hpp"
#include "data_options.hpp"
#include "identities.hpp"
#include "model_options.hpp"
#include "ordered_run.hpp"
#include "progress.hpp"

#include <tinyfiqa/fiqa/augment.hpp>
#include <tinyfiqa/fiqa/perceptual.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unordered_map>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// One way to make a photo worse; the strength is drawn evenly from low..high.
struct Degradation {
  const char* name;
  float low, high;
  void (*apply)(Image& image, float strength, Rng& rng);
};

void blur(Image& image, float sigma, Rng&) { gaussian_blur(image, sigma); }

/// Brought to 1/factor of its sides, and back.
void shrink(Image& image, float factor, Rng&) {
  const auto part = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) / factor)));
  };
  image = resize_image(resize_image(image, part(image.height), part(image.width)), image.height, image.width);
}

void darken(Image& image, float factor, Rng&) { adjust_brightness(image, factor); }

void add_noise(Image& image, float sigma, Rng& rng) {
  for (unsigned char& level : image.rgb)
    level = static_cast<unsigned char>(
        std::clamp(static_cast<float>(level) + sigma * rng.normal() + 0.5f, 0.0f, 255.0f));
}

/// Compression happens when the file is written, to the quality that is the strength.
constexpr Degradation degradations[] = {{"blur", 1, 4, blur},
                                        {"small", 3, 8, shrink},
                                        {"dark", 0.08f, 0.4f, darken},
                                        {"noise", 10, 45, add_noise},
                                        {"jpeg", 3, 20, nullptr}};

/// What was done to one row's photo.
struct Degraded {
  Status status;
  std::string what = "none";
};

struct DegradeCommand {
  DataOptions data;
  std::string out;
  double share = 0.7;
  std::uint64_t seed = 1;
  int threads = 0;

  int run();

 private:
  Status work();
  Degraded make(const Sample& sample, std::size_t number) const;
};

bool leads_out(const fs::path& path) {
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
}

Status write_bytes(const std::string& path, Bytes bytes) {
  std::error_code ignored;  // the file can't be written then, which is told
  fs::create_directories(fs::path(path).parent_path(), ignored);
  return write_file(path, {&bytes, 1});
}

/// Photos that stay are copied; the others are saved as their own file was, so that the JPEG's tables tell
/// nothing of what else was done.
Degraded DegradeCommand::make(const Sample& sample, std::size_t number) const {
  Degraded result;
  const auto fail = [&](const Status& status) {
    result.status = status.prefixed(sample.file, ": ");
    return result;
  };
  const std::string to = out + "/" + sample.path;
  const auto file = read_file(sample.file, FileAccess::copy);
  if (!file) return {file.status(), ""};
  Rng rng(detail::mix_seed(seed, number));
  if (double{rng.uniform()} >= share) return {write_bytes(to, file->bytes), "none"};
  const Degradation& d = degradations[rng.below(static_cast<std::uint32_t>(std::size(degradations)))];
  const float strength = rng.uniform(d.low, d.high);
  auto image = decode_image(file->bytes);
  if (!image) return fail(image.status());
  int quality = static_cast<int>(std::lround(std::min(95.0, saved_quality(file->bytes))));
  if (d.apply != nullptr)
    d.apply(*image, strength, rng);
  else
    quality = static_cast<int>(std::lround(strength));
  const auto jpeg = encode_jpeg(*image, quality);
  if (!jpeg) return fail(jpeg.status());
  char text[32];
  std::snprintf(text, sizeof text, "%s %.2f", d.name, static_cast<double>(strength));
  return {write_bytes(to, {jpeg->data(), jpeg->size()}), text};
}

Status DegradeCommand::work() {
  const auto table = read_csv(data.csv);
  if (!table) return table.status();
  const auto set = read_data(data, *table);
  if (!set) return set.status();
  for (const Sample& s : set->samples)
    if (leads_out(s.path))
      return Status::error(Errc::bad_argument, data.csv, ":", s.line, ": ", s.path,
                           " would not lie below --out; give paths below --images, without ..");
  const auto line = [](const std::vector<std::string>& fields, const std::string& last) {
    std::string text;
    for (const std::string& field : fields) text += csv_field(field) + ",";
    return text + csv_field(last) + "\n";
  };
  std::unordered_map<std::size_t, const CsvRow*> rows;
  for (const CsvRow& row : table->rows) rows[row.line] = &row;
  std::string text = line(table->header, "degradation");
  Status first_problem;
  std::vector<int> workers(static_cast<std::size_t>(
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))));
  Progress progress(set->samples.size(), "images");
  OrderedRun<Degraded>(set->samples.size())
      .start(
          workers, [&](int, std::size_t i) { return make(set->samples[i], i); },
          [&](std::size_t i, const Degraded& done) {
            if (done.status.ok()) text += line(rows.at(set->samples[i].line)->fields, done.what);
            if (first_problem.ok()) first_problem = done.status;
            progress.show(i + 1);
          });
  const Status written = write_text_file(out + "/faces.csv", text);
  return written ? first_problem : written;
}

int DegradeCommand::run() {
  const Status status = work();
  if (status) return exit_done;
  print_error(status);
  const bool usage = status.code() == Errc::bad_argument || status.code() == Errc::not_found;
  return usage ? exit_usage : exit_some_failed;
}

}  // namespace

void add_degrade(CLI::App& app, int& exit_code) {
  auto command = std::make_shared<DegradeCommand>();
  CLI::App* sub =
      app.add_subcommand("degrade", "Photos made worse on purpose, for experiments with qualities");
  command->data.add_unlabelled_to(*sub);
  sub->add_option(
         "--out", command->out,
         "Folder for the photos, under the CSV's paths, and for faces.csv: the same rows and a column "
         "degradation")
      ->type_name("DIR")
      ->required();
  sub->add_option("--share", command->share, "Of the photos that are made worse; the others are copied")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub->add_option("--seed", command->seed, "Seed of which and how")->capture_default_str();
  sub->add_option("--threads", command->threads, "Threads; default: one for each core")
      ->check(CLI::Range(1, 1024));
  sub->footer(
      "One of these befalls a photo, each as often, with a strength drawn evenly: blur (Gaussian, 1 to 4 "
      "pixels),\n"
      "small (brought to 1/3 to 1/8 and back), dark (levels times 0.08 to 0.4), noise (deviation 10 to 45 "
      "levels),\n"
      "jpeg (quality 3 to 20). Sizes stay, so landmarks and boxes do.\n"
      "Exit status: 0 done, 1 some photos failed, 2 wrong usage or unusable data.\n\n"
      "Example:\n  tinyfiqa degrade --data examples/faces/labels.csv --out /tmp/degraded");
  sub->callback([command, &exit_code] { exit_code = command->run(); });
}
