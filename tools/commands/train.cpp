// tinyfiqa train: trains a network on labelled faces.
#include "commands/commands.hpp"
#include "jobs/training/detector_run.hpp"
#include "jobs/training/ranks.hpp"
#include "jobs/training/train_run.hpp"

#include <memory>
#include <utility>

using namespace tinyfiqa;

namespace {

int train(const Ranks& ranks, TrainArguments arguments, std::vector<std::string> command_line) {
  const Status resumed =
      resume_run(arguments, command_line, [](TrainArguments& a) -> TrainArguments& { return a; });
  if (!resumed) return report_failure(resumed);
  arguments.choose_recipe();
  if (arguments.recipe == "detector") {
    if (ranks.size() > 1)
      return report_failure(Status::error(
          Errc::unsupported, "--recipe detector trains in one process; start it without mpirun"));
    DetectorRun run(std::move(arguments), std::move(command_line));
    if (const Status s = run.prepare(); !s) return report_failure(s);
    return run.train();
  }
  const std::string resume_command = "tinyfiqa train --resume " + arguments.out;
  TrainRun run(ranks, std::move(arguments), std::move(command_line), resume_command);
  if (const Status s = run.prepare(); !s) return report_failure(s);
  return run.train();
}

int run_train(TrainArguments arguments, std::vector<std::string> command_line) {
  Ranks ranks;
  if (const Status s = ranks.join(); !s) return report_failure(s);
  return ranks.finish(train(ranks, std::move(arguments), std::move(command_line)));
}

}  // namespace

void add_train(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto arguments = std::make_shared<TrainArguments>();
  const Command sub =
      app.add_command("train", "Train a network on labelled faces, or a recogniser on faces of known people");
  arguments->add_to(sub);
  sub.footer(
      "80 % of the rows are used to train and 20 % to validate, or as a column split says. The epoch with "
      "the best\n"
      "final score (mean of SRCC and PLCC) on the validation rows is kept. Ctrl-C finishes the step and "
      "saves;\n"
      "--resume continues to a bit-identical result.\n"
      "--recipe recognition needs a column identity (or --folder-identities) and no score. It keeps the "
      "epoch with\n"
      "the best verification accuracy on pairs of validation faces, which show the same people as the "
      "training\n"
      "faces, or other people with --split-by-identity. Give best.safetensors and best_classifier.npy to\n"
      "`label` as --recogniser and --classifier.\n\n"
      "Example:\n"
      "  tinyfiqa train --data examples/faces/labels.csv --model tinyfqnet --epochs 2 --batch 2 "
      "--train-share 0.5 "
      "--out /tmp/tinyfiqa_run");
  sub.on_run([arguments, &exit_code, &command_line] { exit_code = run_train(*arguments, command_line); });
}
