// The list of all commands: what the program adds to its command line, and what man pages and shell completions describe.
#pragma once

#include "options/command_line.hpp"

#include <functional>
#include <string>
#include <vector>

/// A command's name, and the function that adds it to the command line; none when this build leaves the command out.
struct NamedCommand {
  const char* name;
  std::function<void()> add;
  bool reads_images = false;  ///< it has --max-pixels and --isolate
};

/// What the program's help begins with.
extern const char* const program_description;

/// All commands, in the order of the help. The references must outlive the result.
std::vector<NamedCommand> all_commands(const Command& app, int& exit_code,
                                       const std::vector<std::string>& arguments);

/// Adds a command of this build with all its options.
void add_command(const Command& app, const NamedCommand& command);
