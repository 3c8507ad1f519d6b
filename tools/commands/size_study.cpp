// tinyfiqa size-study: Table 6 of Peng et al. on the user's own labels.
#include "jobs/training/size_study.hpp"
#include "commands/commands.hpp"

#include <memory>

void add_size_study(const Command& app, int& exit_code, const std::vector<std::string>& command_line) {
  auto arguments = std::make_shared<SizeStudyArguments>();
  const Command sub = app.add_command(
      "size-study", "Compare sizes of the tinyFQnet family on your labels (Table 6 of Peng et al.)");
  arguments->add_to(sub);
  sub.footer(
      "Trains each network with the recipe tinyfqnet of `train` and the same seed, split by identity. "
      "Compares\n"
      "parameters, multiply-adds, time and rank correlation on the rows of split test, or on the validation "
      "rows\n"
      "if there are none. With --faces, also compares error versus discard on the faces of other people, "
      "judged\n"
      "by --recogniser. After Ctrl-C or a crash, --resume continues to the same table, except for the "
      "times.\n\n"
      "Example:\n"
      "  tinyfiqa size-study --data examples/faces/labels.csv --members tinyfqnet --epochs 1 --batch 2 "
      "--train-share 0.5 --out /tmp/tinyfiqa_sizes\n"
      "  tinyfiqa size-study --data labels.csv --images faces/ --epochs 20 --batch 64 --lr 0.05 --faces "
      "lfw.csv "
      "--recogniser other.safetensors --embeddings lfw.npy --pairs pairs.txt --out sizes");
  sub.on_run(
      [arguments, &exit_code, &command_line] { exit_code = SizeStudy(*arguments, command_line).run(); });
}
