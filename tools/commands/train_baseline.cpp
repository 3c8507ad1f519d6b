// tinyfiqa train-baseline: trains the learned baselines of Peng et al. on labelled faces.
#include "commands/commands.hpp"
#include "jobs/training/baseline_training.hpp"

#include <memory>

namespace {

void add_learning_options(const Command& sub, BaselineTrainingOptions& options) {
  sub.add_option("--cost", options.cost, "Set the cost of errors (default: svm 1, rqs 300)").range(1e-6, 1e9);
  sub.add_option("--gamma", options.gamma,
                 "svm: set the gamma of the radial kernel, for embeddings of mean length 1")
      .range(1e-6, 1e6)
      .show_default();
  sub.add_option("--tube", options.tube, "svm: ignore errors up to this").range(0.0, 1e6).show_default();
  sub.add_option("--pairs", options.pairs, "rqs: learn each level from this many pairs of faces")
      .range(1, 10'000'000)
      .show_default();
  sub.add_option("--gap", options.gap, "rqs: use pairs whose labels differ by at least this")
      .range(0.0, 1e6)
      .show_default();
  sub.add_option("--seed", options.seed, "rqs: seed the pairs and their order").show_default();
}

}  // namespace

void add_train_baseline(const Command& app, int& exit_code) {
  auto options = std::make_shared<BaselineTrainingOptions>();
  const Command sub =
      app.add_command("train-baseline", "Train the learned baselines SVM and RQS on labelled faces");
  sub.add_option(
         "--method", options->method,
         "Train svm (support vector regression on the embedding of a recogniser) or rqs (a ranking by "
         "HoG, LBP, Gabor and Gist features)")
      .one_of({"svm", "rqs"})
      .required();
  options->data.add_to(sub);
  options->embed.add_to(sub);
  options->data.add_faces_to(sub);
  sub.add_option("--out", options->out,
                 "Write the baseline to this file, for --weights and verify-eval --quality")
      .type_name("FILE.safetensors")
      .required();
  add_learning_options(sub, *options);
  sub.footer(
      "The file of an svm contains the recogniser and embeddings of training faces. Protect it as you "
      "protect\n"
      "them.\n"
      "Exit status: 0 done, 1 nothing could be written, 2 wrong usage or unusable data.\n\n"
      "Example:\n"
      "  tinyfiqa train-baseline --method rqs --data examples/faces/labels.csv --out /tmp/rqs.safetensors\n"
      "  tinyfiqa score examples/faces --weights /tmp/rqs.safetensors");
  sub.on_run([options, &exit_code] { exit_code = report_result(train_baseline(*options)); });
}
