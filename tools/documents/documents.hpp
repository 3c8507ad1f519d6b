// Writes man pages and shell completions from what the commands say in their help.
#pragma once

#include "options/command_description.hpp"

#include <string>

/// tinyfiqa(1). `date` (2026-01-31) and `version` are for the page's foot.
std::string program_page(const CommandDescription& program, const std::string& date,
                         const std::string& version);
/// tinyfiqa-NAME(1).
std::string command_page(const CommandDescription& command, const std::string& date,
                         const std::string& version);

std::string bash_completion(const CommandDescription& program);
std::string zsh_completion(const CommandDescription& program);
std::string fish_completion(const CommandDescription& program);

/// The files that an option or a positional argument takes.
enum class Takes { other, file, folder };
Takes takes(const OptionDescription& option);
/// An option's choices, or its suggestions.
const std::vector<std::string>& offered(const OptionDescription& option);
/// The first part of a description, which fits in a line of a menu.
std::string in_short(const std::string& text);
std::string joined(const std::vector<std::string>& words, const std::string& between);
