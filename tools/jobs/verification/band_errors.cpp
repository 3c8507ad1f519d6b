#include "jobs/verification/band_errors.hpp"

#include "jobs/verification/verify_data.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tinyfiqa;

void BandErrorOptions::add_to(const Command& command) {
  const Option file =
      command
          .add_option(
              "--pairs", pairs,
              "Measure how often a recogniser fails in each band on the pairs of this file: 'path1 path2 "
              "label' per line, label 1 for one person, 0 for two")
          .type_name("FILE");
  command.add_option("--pairs-root", root, "Put this text before the paths of --pairs, such as lfw/")
      .type_name("TEXT")
      .needs(file);
  const Option faces =
      command
          .add_option(
              "--pairs-data", csv,
              "Read the images of --pairs from this CSV: columns path and identity; optional: a box or "
              "five landmarks; paths start from --images")
          .type_name("CSV")
          .needs(file);
  file.needs(faces);
  embed.add_files_to(command);
}

Result<KnownFaces> read_pair_faces(const BandErrorOptions& options, DataOptions data) {
  data.csv = options.csv;
  data.save_faces.clear();  // it is for the population
  return read_known_faces({std::move(data), options.embed, false});
}

Result<std::array<BandErrors, 4>> band_errors(const BandErrorOptions& options, const KnownFaces& known,
                                              const Calibration& calibration, const std::vector<float>& raw) {
  VerifyFaces faces = verify_faces(known);
  for (std::size_t i = 0; i < raw.size(); ++i)
    if (!std::isfinite(raw[i])) faces.active[i] = false;
  const auto pairs = read_pairs(options.pairs, options.root, 1, faces);
  if (!pairs) return pairs.status();
  const auto impostors = impostor_scores(faces, faces.list(), options.most_impostors, 1);
  const double threshold = threshold_for_rate(impostors, 1e-3);
  if (std::isnan(threshold))
    return Status::error(Errc::bad_argument, options.csv, ": a false match rate of 1e-3 needs ",
                         static_cast<int>(least_expected_errors * 1000), " pairs of two people; there are ",
                         impostors.size(), "; add faces");
  std::array<BandErrors, 4> errors;
  for (const ComparedPair& p : pairs->genuine) {
    const Band band = calibration.limits.of(calibration.quality_number(std::min(raw[p.a], raw[p.b])));
    BandErrors& e = errors[static_cast<std::size_t>(band)];
    ++e.pairs;
    e.failed += double{p.score} <= threshold;
  }
  return errors;
}
