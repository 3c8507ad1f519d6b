// tinyfiqa: scores face images, evaluates and trains the networks, and inspects and converts their weights.
#include "commands/commands.hpp"
#include "decoders/isolated.hpp"

#include <tinyfiqa/base/config.hpp>

#include "options/image_options.hpp"

#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
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

/// A command's name, and the function that adds it to the command line; none when this build leaves the command out.
struct NamedCommand {
  const char* name;
  std::function<void()> add;
  bool reads_images = false;  ///< it has --max-pixels and --isolate
};

// TINYFIQA_TOOL_COMMANDS=scoring leaves these commands out.
#ifdef TINYFIQA_SCORING_ONLY
#define TINYFIQA_WHOLE_TOOL(add) nullptr
#define TINYFIQA_SCORING_ONLY_NOTE \
  "\n\nThis build has the scoring commands alone; tools/run builds the others when you call one."
#else
#define TINYFIQA_SCORING_ONLY_NOTE ""
#define TINYFIQA_WHOLE_TOOL(add) add
#endif

/// All commands, in the order of the help. The references must outlive the result.
std::vector<NamedCommand> all_commands(const Command& app, int& exit_code,
                                       const std::vector<std::string>& arguments) {
  const auto plain = [&](void (*add)(const Command&, int&)) { return [&, add] { add(app, exit_code); }; };
  [[maybe_unused]] const auto recorded =
      [&](void (*add)(const Command&, int&, const std::vector<std::string>&)) {
        return [&, add] { add(app, exit_code, arguments); };
      };
  return {{"score", plain(add_score), true},
          {"detect", plain(add_detect), true},
          {"eval", TINYFIQA_WHOLE_TOOL(plain(add_eval)), true},
          {"label", TINYFIQA_WHOLE_TOOL(plain(add_label)), true},
          {"select", TINYFIQA_WHOLE_TOOL(plain(add_select)), true},
          {"sample", TINYFIQA_WHOLE_TOOL(plain(add_sample))},
          {"degrade", TINYFIQA_WHOLE_TOOL(plain(add_degrade)), true},
          {"train-baseline", TINYFIQA_WHOLE_TOOL(plain(add_train_baseline)), true},
          {"verify-eval", TINYFIQA_WHOLE_TOOL(plain(add_verify_eval)), true},
          {"info", plain(add_info)},
          {"bench", TINYFIQA_WHOLE_TOOL(plain(add_bench))},
          {"import", plain(add_import)},
          {"calibrate", TINYFIQA_WHOLE_TOOL(plain(add_calibrate)), true},
          {"verify-weights", plain(add_verify_weights)},
          {"export", TINYFIQA_WHOLE_TOOL(plain(add_export))},
          {"forward", TINYFIQA_WHOLE_TOOL(plain(add_forward))},
          {"gradients", TINYFIQA_WHOLE_TOOL(plain(add_gradients))},
          {"train", TINYFIQA_WHOLE_TOOL(recorded(add_train)), true},
          {"ablation", TINYFIQA_WHOLE_TOOL(recorded(add_ablation)), true},
          {"size-study", TINYFIQA_WHOLE_TOOL(recorded(add_size_study)), true}};
}

/// Reads the command line and runs its command. Returns the exit code.
int run(int argc, char** argv) {
  const CommandLine line(
      "tinyfiqa scores the quality of face photos, on a CPU.\n\nStart with:  tinyfiqa score "
      "photo.jpg" TINYFIQA_SCORING_ONLY_NOTE);
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
      c.add();
      if (c.reads_images) add_image_options(app.command(c.name));
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
