// tinyfiqa_documents FOLDER VERSION DATE: writes the man pages and the shell completions of this build's commands into
//   FOLDER/man/man1/tinyfiqa.1, tinyfiqa-COMMAND.1
//   FOLDER/completions/tinyfiqa (bash), _tinyfiqa (zsh), tinyfiqa.fish
#include "commands/all_commands.hpp"
#include "documents/documents.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw std::runtime_error(path.string() + " can't be written");
}

CommandDescription describe_program() {
  const CommandLine line(program_description);
  line.expect_command([] { return std::string(); });
  const Command app = line.root();
  int exit_code = 0;
  const std::vector<std::string> arguments;
  for (const NamedCommand& c : all_commands(app, exit_code, arguments))
    if (c.add) add_command(app, c);
  return app.describe();
}

void write_documents(const fs::path& folder, const std::string& version, const std::string& date) {
  const CommandDescription program = describe_program();
  const fs::path pages = folder / "man" / "man1", completions = folder / "completions";
  fs::create_directories(pages);
  fs::create_directories(completions);
  write(pages / "tinyfiqa.1", program_page(program, date, version));
  for (const CommandDescription& c : program.commands)
    write(pages / ("tinyfiqa-" + c.name + ".1"), command_page(c, date, version));
  write(completions / "tinyfiqa", bash_completion(program));
  write(completions / "_tinyfiqa", zsh_completion(program));
  write(completions / "tinyfiqa.fish", fish_completion(program));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: tinyfiqa_documents FOLDER VERSION DATE\n"), 2;
  try {
    write_documents(argv[1], argv[2], argv[3]);
  } catch (const std::exception& problem) {
    return std::fprintf(stderr, "tinyfiqa_documents: %s\n", problem.what()), 1;
  }
  return 0;
}
