// tinyfiqa verify-weights: are weight files what they say they are?
#include "commands/commands.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"
#include "reports/weight_facts.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct VerifyWeightsCommand {
  std::vector<std::string> files;
  std::string isa = "auto";

  int run() const;
};

/// Prints one line about the file, and tells whether all checks passed.
bool verify(const std::string& path, const Backend& backend) {
  const auto file = read_weight_file(path);
  const Result<std::string> found = file ? check_weights(*file, backend) : Result<std::string>(file.status());
  if (found) {
    std::printf("%s: pass (%s)\n", path.c_str(), found->c_str());
    return true;
  }
  const std::string message = short_message(found.status(), path);
  const char* verdict = found.status().code() == Errc::not_found && file ? "not verified" : "FAILED";
  std::printf("%s: %s: %s\n", path.c_str(), verdict, message.c_str());
  return false;
}

int VerifyWeightsCommand::run() const {
  const auto backend = backend_option(isa);
  if (!backend) {
    print_error(backend.status());
    return exit_usage;
  }
  bool good = true;
  for (const std::string& path : files) good = verify(path, **backend) && good;
  return good ? exit_done : exit_some_failed;
}

}  // namespace

void add_verify_weights(const Command& app, int& exit_code) {
  auto command = std::make_shared<VerifyWeightsCommand>();
  const Command sub =
      app.add_command("verify-weights",
                      "Check weight files: what they say about themselves, and outputs that they must give");
  sub.add_option("files", command->files, "Weight files that tinyfiqa calibrate wrote")
      .type_name("FILE")
      .required();
  sub.add_option("--isa", command->isa, "Instruction set to run them on (see --version)")
      .type_name("NAME")
      .show_default();
  sub.footer(
      "One line for each file: pass, the check that failed, or that there is no test vector to check by.\n"
      "The outputs for the test vector's inputs must agree within 1e-4.\n"
      "Exit status: 0 all pass, 1 one does not, 2 wrong usage.\n\n"
      "Example:\n  tinyfiqa verify-weights weights/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
