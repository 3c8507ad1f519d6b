// tinyfiqa verify-weights: checks the metadata and the outputs of weight files.
#include "commands/commands.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"
#include "reports/text.hpp"
#include "reports/weight_facts.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct VerifyWeightsCommand {
  std::vector<std::string> files;
  std::string isa = "auto";

  int run() const;
};

/// Prints one line about the file. Returns true if all checks pass.
bool verify(const std::string& path, const Backend& backend) {
  const auto file = read_weight_file(path);
  const Result<std::string> found = file ? check_weights(*file, backend) : Result<std::string>(file.status());
  if (found) {
    std::printf("%s: pass (%s)\n", shown_text(path).c_str(), found->c_str());
    return true;
  }
  const std::string message = shown_text(short_message(found.status(), path));
  const char* verdict = found.status().code() == Errc::not_found && file ? "not verified" : "FAILED";
  std::printf("%s: %s: %s\n", shown_text(path).c_str(), verdict, message.c_str());
  return false;
}

int VerifyWeightsCommand::run() const {
  const auto backend = backend_option(isa);
  if (!backend) return report_failure(backend.status());
  bool good = true;
  for (const std::string& path : files) good = verify(path, **backend) && good;
  return good ? exit_done : exit_some_failed;
}

}  // namespace

void add_verify_weights(const Command& app, int& exit_code) {
  auto command = std::make_shared<VerifyWeightsCommand>();
  const Command sub = app.add_command(
      "verify-weights", "Check the metadata of weight files, and the outputs that they must give");
  sub.add_option("files", command->files, "Check these weight files, written by `tinyfiqa calibrate`")
      .type_name("FILE")
      .required();
  add_isa_option(sub, command->isa);
  sub.footer(
      "Prints one line per file: pass, the check that failed, or that the file has no test vector.\n"
      "The outputs for the inputs of the test vector must agree within 1e-4.\n"
      "Exit status: 0 all pass, 1 one does not, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa verify-weights weights/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
