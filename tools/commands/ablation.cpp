// tinyfiqa ablation: Table 2 of Hamidi et al. 2025 on the user's own labels.
#include "jobs/training/ablation.hpp"
#include "commands/commands.hpp"

#include <memory>

void add_ablation(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto arguments = std::make_shared<AblationArguments>();
  const Command sub = app.add_command(
      "ablation",
      "Compare networks, losses, ensemble and views on your labels (Table 2 of Hamidi et al. 2025)");
  arguments->add_to(sub);
  sub.footer(
      "Trains MobileNetV3-Small and ShuffleNetV2, each with MSE and with MSECorrLoss. Compares each network "
      "with\n"
      "MSE, their mean, their mean with MSECorrLoss, and that mean over flipped views too, on the rows of "
      "split\n"
      "test, or on the validation rows if there are none. The settings are those of the recipe ensemble of\n"
      "`train`. After Ctrl-C or a crash, --resume continues to the same table.\n\n"
      "Example:\n"
      "  tinyfiqa ablation --data examples/faces/labels.csv --size 64x64 --epochs 1 --batch 2 "
      "--train-share 0.5 --out /tmp/tinyfiqa_ablation");
  sub.on_run(
      [arguments, &exit_code, &command_line] { exit_code = Ablation(*arguments, command_line).run(); });
}
