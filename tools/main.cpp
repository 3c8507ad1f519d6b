// tinyfiqa: scores face images, evaluates and trains the networks, and inspects and converts their weights.
#include "commands/all_commands.hpp"
#include "decoders/isolated.hpp"

#include <tinyfiqa/base/config.hpp>

#include "options/messages.hpp"

#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
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

/// Reads the command line and runs its command. Returns the exit code.
int run(int argc, char** argv) {
  const CommandLine line(program_description);
  line.expect_command(version_text);
  const Command app = line.root();
  int exit_code = exit_done;
  const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  const std::vector<NamedCommand> commands = all_commands(app, exit_code, arguments);
  // Add only the named command: adding the options of all takes longer than scoring a small image.
  const auto is_named = [&](const NamedCommand& c) { return argc > 1 && std::strcmp(argv[1], c.name) == 0; };
  const bool known = std::any_of(commands.begin(), commands.end(), is_named);
  for (const NamedCommand& c : commands) {
    if (known && !is_named(c)) continue;
    if (c.add) {
      add_command(app, c);
    } else if (known) {
      std::fprintf(
          stderr,
          "tinyfiqa: '%s' is not in this build, which has the scoring commands alone; configure with "
          "-DTINYFIQA_TOOL_COMMANDS=all, or run tools/run %s\n",
          c.name, c.name);
      return exit_usage;
    }
  }
  const CommandLine::Outcome outcome = line.run(argc, argv);
  if (outcome != CommandLine::Outcome::ran)
    return outcome == CommandLine::Outcome::printed ? exit_done : exit_usage;
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = exit_some_failed;
  if (argc == 2 && std::strcmp(argv[1], decoder_process_argument) == 0) return run_decoder_process();
  try {
    exit_code = run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "tinyfiqa: out of memory; close other programs, or give it less at once\n");
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "tinyfiqa: unexpected error: %s\n", problem.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "tinyfiqa: could not write the output (disk full?)\n");
    return exit_some_failed;
  }
  return exit_code;
}
