// tinyfiqa degrade: degrades images on purpose, to see which quality method notices.
#include "commands/commands.hpp"
#include "jobs/degrade_run.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <tinyfiqa/image/degradation.hpp>

#include <memory>

using namespace tinyfiqa;

namespace {

/// One line per kind of degradation.
std::string kinds_text() {
  std::string text;
  for (const Degradation& d : degradations())
    text += format_text("  %-10s %g to %g: %s\n", d.name, static_cast<double>(d.low),
                        static_cast<double>(d.high), d.strength);
  return text;
}

int run_degrade(const DegradeOptions& options) {
  const Status status = degrade_images(options);
  if (status) return exit_done;
  const bool usage = status.code() == Errc::bad_argument || status.code() == Errc::not_found;
  return report_failure(status, usage ? exit_usage : exit_some_failed);
}

void add_degradation_options(const Command& sub, DegradeOptions& options) {
  sub.add_option("--share", options.share, "Degrade this share of the images, and copy the others")
      .range(0.0, 1.0)
      .show_default();
  sub.add_option("--copies", options.copies,
                 "Keep every image, and add this many degraded copies of it (image~1.jpg, ...); the column "
                 "original names the image; --share has no effect (default: no copies)")
      .range(1, 100);
  for (const Degradation& d : degradations()) options.kinds.push_back(d.name);
  const std::vector<std::string> all = options.kinds;
  sub.add_option("--kinds", options.kinds, "Use only these kinds of degradation, listed below (default: all)")
      .delimiter(',')
      .one_of(all)
      .type_name("NAME");
  sub.add_flag(
      "--gmsd", options.with_gmsd,
      "Add a column gmsd, the gradient magnitude similarity deviation from the original image (Xue et "
      "al. 2014): 0 for no change, about 0.35 for a ruined image");
  sub.add_option("--seed", options.seed, "Seed the choice of images, kinds and strengths").show_default();
  add_threads_option(sub, options.threads);
}

}  // namespace

void add_degrade(const Command& app, int& exit_code) {
  auto options = std::make_shared<DegradeOptions>();
  const Command sub =
      app.add_command("degrade", "Degrade images on purpose, for experiments with quality methods");
  options->data.add_unlabelled_to(sub);
  sub.add_option("--out", options->out,
                 "Write the images to this folder, under the paths of the CSV, and faces.csv: the same rows "
                 "with a column degradation")
      .type_name("DIR")
      .required();
  add_degradation_options(sub, *options);
  sub.footer(
      "Each degraded image gets one of these degradations, with a random strength. All kinds are equally\n"
      "likely, and so are all strengths of a kind:\n" +
      kinds_text() +
      "The size of an image does not change, so landmarks and boxes stay valid, except that they do not\n"
      "follow a rotation.\n"
      "Exit status: 0 done, 1 some images failed, 2 wrong usage or unusable data.\n\n"
      "Example:\n"
      "  tinyfiqa degrade --data examples/faces/labels.csv --out /tmp/degraded");
  sub.on_run([options, &exit_code] { exit_code = run_degrade(*options); });
}
