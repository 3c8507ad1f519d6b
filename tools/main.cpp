// tinyfiqa: how good is this face photo? One command line for scoring, looking into networks and moving
// weights.
#include "commands.hpp"

#include <tinyfiqa/base/config.hpp>

#include "backends.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string version_text() {
  std::string compiled, runnable;
  for (const tinyfiqa::Backend* b : tinyfiqa::compiled_backends()) {
    compiled += std::string(compiled.empty() ? "" : " ") + b->isa;
    if (tinyfiqa::cpu_can_run(b->isa)) runnable += std::string(runnable.empty() ? "" : " ") + b->isa;
  }
  std::string text = std::string("tinyfiqa ") + TINYFIQA_VERSION + "\n";
  text += "compiler  " TINYFIQA_COMPILER "\n";
  text += std::string("isa       ") + tinyfiqa::choose_backend("auto")->isa + " (compiled: " + compiled +
          "; this machine runs: " + runnable + ")\n";
  text += "threads   " + std::to_string(std::thread::hardware_concurrency());
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine line(
      "tinyfiqa tells how good a face photo is, on a CPU.\n\nStart with:  tinyfiqa score photo.jpg");
  line.expect_command(version_text);
  const Command app = line.root();
  int exit_code = exit_done;
  add_score(app, exit_code);
  add_eval(app, exit_code);
  add_label(app, exit_code);
  add_select(app, exit_code);
  add_sample(app, exit_code);
  add_degrade(app, exit_code);
  add_train_baseline(app, exit_code);
  add_verify_eval(app, exit_code);
  add_info(app, exit_code);
  add_bench(app, exit_code);
  add_import(app, exit_code);
  add_calibrate(app, exit_code);
  add_verify_weights(app, exit_code);
  add_export(app, exit_code);
  add_forward(app, exit_code);
  add_gradients(app, exit_code);
  const std::vector<std::string> command_line(argv + std::min(argc, 2), argv + argc);
  add_train(app, exit_code, command_line);
  add_ablation(app, exit_code, command_line);
  add_size_study(app, exit_code, command_line);
  const CommandLine::Outcome outcome = line.run(argc, argv);
  if (outcome != CommandLine::Outcome::ran)
    return outcome == CommandLine::Outcome::printed ? exit_done : exit_usage;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "tinyfiqa: could not write the output (disk full?)\n");
    return exit_some_failed;
  }
  return exit_code;
}
