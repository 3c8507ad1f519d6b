#include "jobs/verification/verify_discard.hpp"

#include "options/model_options.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

using namespace tinyfiqa;

void DiscardOptions::add_pairs_to(const Command& sub) {
  sub.add_option(
         "--pairs", pairs,
         "Read the pairs for the accuracy by folds and the genuine pairs of error versus discard from this "
         "file: 'path1 path2 label [fold]' per line, or a .csv with path1, path2, same, fold (default: no "
         "accuracy, and all pairs of one person)")
      .type_name("FILE");
  sub.add_option("--pairs-root", pairs_root, "Put this text before the paths of --pairs, such as lfw/")
      .type_name("TEXT");
  sub.add_option("--folds", folds, "Divide --pairs into this many equal folds, if it names none")
      .range(2, 1000)
      .show_default();
}

void DiscardOptions::add_to(const Command& sub) {
  add_pairs_to(sub);
  add_resamples_option(sub, resamples);
  sub.add_option("--most-impostors", most_impostors,
                 "Compare at most this many pairs of two people, drawn at random if there are more")
      .show_default();
  sub.add_option(
         "--most-genuine", most_genuine,
         "Compare at most this many pairs of one person, drawn at random if there are more; each takes "
         "16 bytes of memory")
      .show_default();
  sub.add_option("--seed", seed, "Seed the random draws and resamples").show_default();
}

BootstrapOptions DiscardOptions::bootstrap() const {
  BootstrapOptions options;
  options.resamples = resamples;
  options.seed = seed;
  return options;
}

namespace {

/// The images and the genuine pairs to compare. Pairs number their images by their place in `chosen`.
struct Comparison {
  std::vector<std::uint32_t> chosen;
  std::vector<ComparedPair> genuine;
};

/// The genuine pairs of options.pairs. Fills the accuracy of the report.
Result<std::vector<ComparedPair>> read_genuine(const VerifyFaces& faces, const DiscardOptions& options,
                                               VerifyReport& report) {
  const auto file = read_pairs(options.pairs, options.pairs_root, options.folds, faces);
  if (!file) return file.status();
  if (file->left_out > 0)
    print_note(std::to_string(file->left_out) +
               " pairs left out, because one of their faces has no embedding or is excluded");
  auto accuracy = fold_accuracy(file->pairs);
  if (!accuracy) return accuracy.status().prefixed(options.pairs, ": ");
  report.accuracy = std::move(*accuracy);
  report.pairs = file->pairs.size();
  if (auto roc = roc_curve(file->pairs)) report.roc = std::move(*roc);  // pairs of one kind have none
  return file->genuine;
}

Result<Comparison> make_comparison(const VerifyFaces& faces, const DiscardOptions& options,
                                   VerifyReport& report) {
  Comparison c{faces.list(), {}};
  if (options.pairs.empty()) {
    c.genuine = genuine_pairs(faces, c.chosen, options.most_genuine, options.seed);
  } else {
    auto genuine = read_genuine(faces, options, report);
    if (!genuine) return genuine.status();
    c.genuine = std::move(*genuine);
    // Discarding an image without a genuine pair would change no result.
    std::unordered_set<std::uint32_t> used;
    for (const ComparedPair& p : c.genuine) used.insert({p.a, p.b});
    c.chosen.erase(
        std::remove_if(c.chosen.begin(), c.chosen.end(), [&](auto i) { return used.count(i) == 0; }),
        c.chosen.end());
  }
  std::vector<std::uint32_t> place(faces.active.size());
  for (std::size_t i = 0; i < c.chosen.size(); ++i) place[c.chosen[i]] = static_cast<std::uint32_t>(i);
  for (ComparedPair& p : c.genuine) p.a = place[p.a], p.b = place[p.b];
  return c;
}

/// The curves of all methods at one false match rate.
Result<DiscardTable> make_table(const Comparison& c, const std::vector<float>& impostors, double rate,
                                const std::vector<QualityMethod>& methods, const DiscardOptions& options) {
  const double threshold = threshold_for_rate(impostors, rate);
  DiscardTable table{rate, !std::isnan(threshold), {}};
  if (!table.supported) return table;
  for (const QualityMethod& m : methods) {
    std::vector<double> quality;
    for (const std::uint32_t i : c.chosen) quality.push_back(m.values[i]);
    auto curve = discard_curve(c.genuine, threshold, quality, options.bootstrap());
    if (!curve) return curve.status();
    table.curves.push_back(std::move(*curve));
  }
  return table;
}

}  // namespace

Status compare_discarding(const VerifyFaces& faces, const std::vector<QualityMethod>& methods,
                          const DiscardOptions& options, VerifyReport& report) {
  const auto c = make_comparison(faces, options, report);
  if (!c) return c.status();
  const auto impostors = impostor_scores(faces, c->chosen, options.most_impostors, options.seed);
  report.images = c->chosen.size();
  report.genuine = c->genuine.size();
  report.impostors = impostors.size();
  for (const double rate : {1e-2, 1e-3, 1e-4}) {
    auto table = make_table(*c, impostors, rate, methods, options);
    if (!table) return table.status().prefixed(faces.data->path, ": ");
    report.discard.push_back(std::move(*table));
  }
  return Status();
}
