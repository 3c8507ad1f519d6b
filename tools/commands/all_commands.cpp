#include "commands/all_commands.hpp"

#include "commands/commands.hpp"
#include "options/image_options.hpp"

// TINYFIQA_TOOL_COMMANDS=scoring leaves these commands out.
#ifdef TINYFIQA_SCORING_ONLY
#define TINYFIQA_WHOLE_TOOL(add) nullptr
#define TINYFIQA_SCORING_ONLY_NOTE \
  "\n\nThis build has the scoring commands alone; tools/run builds the others when you call one."
#else
#define TINYFIQA_SCORING_ONLY_NOTE ""
#define TINYFIQA_WHOLE_TOOL(add) add
#endif

const char* const program_description =
    "tinyfiqa scores the quality of face photos, on a CPU.\n\nStart with:  tinyfiqa score "
    "photo.jpg" TINYFIQA_SCORING_ONLY_NOTE;

std::vector<NamedCommand> all_commands(const Command& app, int& exit_code,
                                       const std::vector<std::string>& arguments) {
  const auto plain = [&](void (*add)(const Command&, int&)) { return [&, add] { add(app, exit_code); }; };
  [[maybe_unused]] const auto recorded =
      [&](void (*add)(const Command&, int&, const std::vector<std::string>&)) {
        return [&, add] { add(app, exit_code, arguments); };
      };
  return {{"score", plain(add_score), true},
          {"detect", plain(add_detect), true},
          {"explain", TINYFIQA_WHOLE_TOOL(plain(add_explain)), true},
          {"merge", plain(add_merge)},
          {"report", TINYFIQA_WHOLE_TOOL(plain(add_report)), true},
          {"eval", TINYFIQA_WHOLE_TOOL(plain(add_eval)), true},
          {"label", TINYFIQA_WHOLE_TOOL(plain(add_label)), true},
          {"select", TINYFIQA_WHOLE_TOOL(plain(add_select)), true},
          {"watch", TINYFIQA_WHOLE_TOOL(plain(add_watch)), true},
          {"sample", TINYFIQA_WHOLE_TOOL(plain(add_sample))},
          {"degrade", TINYFIQA_WHOLE_TOOL(plain(add_degrade)), true},
          {"train-baseline", TINYFIQA_WHOLE_TOOL(plain(add_train_baseline)), true},
          {"verify-eval", TINYFIQA_WHOLE_TOOL(plain(add_verify_eval)), true},
          {"plot", TINYFIQA_WHOLE_TOOL(plain(add_plot))},
          {"info", plain(add_info)},
          {"bench", TINYFIQA_WHOLE_TOOL(plain(add_bench))},
          {"import", plain(add_import)},
          {"calibrate", TINYFIQA_WHOLE_TOOL(plain(add_calibrate)), true},
          {"quantize", TINYFIQA_WHOLE_TOOL(plain(add_quantize)), true},
          {"verify-weights", plain(add_verify_weights)},
          {"export", TINYFIQA_WHOLE_TOOL(plain(add_export))},
          {"forward", TINYFIQA_WHOLE_TOOL(plain(add_forward))},
          {"gradients", TINYFIQA_WHOLE_TOOL(plain(add_gradients))},
          {"train", TINYFIQA_WHOLE_TOOL(recorded(add_train)), true},
          {"ablation", TINYFIQA_WHOLE_TOOL(recorded(add_ablation)), true},
          {"size-study", TINYFIQA_WHOLE_TOOL(recorded(add_size_study)), true}};
}

void add_command(const Command& app, const NamedCommand& command) {
  command.add();
  if (command.reads_images) add_image_options(app.command(command.name));
}
