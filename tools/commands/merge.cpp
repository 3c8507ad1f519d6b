// tinyfiqa merge: joins the files of `score --shard` and of `label --shard`.
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/scoring/merge_shards.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

using namespace tinyfiqa;

namespace {

struct MergeCommand {
  std::vector<std::string> files;
  std::string out;

  Status run() const {
    std::error_code ignored;
    if (!out.empty() && std::filesystem::is_regular_file(out, ignored))
      return Status::error(Errc::bad_argument, out, ": exists; remove it, or name another file");
    if (out.empty()) return merge_shards(files, out).status();
    if (const Status s = check_output_file(out); !s) return s;
    const auto merged = merge_shards(files, out);
    if (!merged) return merged.status();
    print_note(out + ": " + std::to_string(merged->images) + " images of " + std::to_string(merged->shards) +
               " shards");
    return Status();
  }
};

}  // namespace

void add_merge(const Command& app, int& exit_code) {
  auto command = std::make_shared<MergeCommand>();
  const Command sub = app.add_command(
      "merge",
      "Join the files that score --shard or label --shard wrote to the file that one run would have written");
  sub.add_option("files", command->files,
                 "Join these files, in any order: all shards of a run, as in scores.3-of-8.csv")
      .required();
  sub.add_option("--out", command->out, "Write the rows to this new file (default: standard output)")
      .type_name("FILE");
  sub.footer(
      "All shards must be there, with the same columns, of the same list of images. Nothing is written to "
      "--out\n"
      "otherwise.\n"
      "Exit status: 0 joined, 1 the file can't be written, 2 shards are missing or do not belong "
      "together.\n\n"
      "Example:\n"
      "  tinyfiqa score examples/faces --face whole --shard 1/2 --resume /tmp/scores.csv\n"
      "  tinyfiqa score examples/faces --face whole --shard 2/2 --resume /tmp/scores.csv\n"
      "  tinyfiqa merge /tmp/scores.*-of-2.csv");
  sub.on_run([command, &exit_code] { exit_code = report_result(command->run()); });
}
