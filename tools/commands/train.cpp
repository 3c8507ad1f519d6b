// tinyfiqa train: labelled faces in, a trained network out.
#include "commands/commands.hpp"
#include "jobs/train_run.hpp"

#include <filesystem>
#include <memory>

using namespace tinyfiqa;

namespace {

int run_train(TrainWords words, std::vector<std::string> command_line) {
  const auto fail = [](const Status& status) {
    print_error(status);
    return exit_usage;
  };
  if (!words.resume.empty()) {
    const std::string folder = std::filesystem::absolute(words.resume).string();
    TrainWords begun;
    const Status s = resume_words(
        folder, [&](const Command& app) { begun.add_to(app); }, command_line);
    if (!s) return fail(s);
    begun.out = begun.resume = folder;
    words = begun;
  }
  const std::string go_on = "tinyfiqa train --resume " + words.out;
  TrainRun run(std::move(words), std::move(command_line), go_on);
  if (const Status s = run.prepare(); !s) return fail(s);
  return run.train();
}

}  // namespace

void add_train(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto words = std::make_shared<TrainWords>();
  const Command sub =
      app.add_command("train", "Train a network on labelled faces, or a recogniser on faces of known people");
  words->add_to(sub);
  sub.footer(
      "The rows are split into 80 % to train on and 20 % to validate on, or as a column split says; the "
      "epoch with the\n"
      "best final score (mean of SRCC and PLCC) on the latter is kept. Ctrl-C finishes the step and saves; "
      "--resume goes\n"
      "on to the same result, to the bit, as without the stop.\n"
      "--recipe recognition needs a column identity (or --folder-identities) and no score. The best epoch is "
      "then the\none with the best verification accuracy on pairs of validation faces: of the same people, "
      "or, "
      "with --split-by-\nidentity, of other ones. best.safetensors and best_classifier.npy are what label's "
      "--recogniser and --classifier\ntake.\n\n"
      "Example:\n  tinyfiqa train --data examples/faces/labels.csv --model tinyfqnet --epochs 2 --batch 2 "
      "--train-share 0.5 "
      "--out /tmp/tinyfiqa_run");
  sub.on_run([words, &exit_code, &command_line] { exit_code = run_train(*words, command_line); });
}
