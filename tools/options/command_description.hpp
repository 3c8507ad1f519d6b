// What the help of a command says, as data: man pages and shell completions are made of it (tools/documents).
#pragma once

#include <string>
#include <vector>

struct OptionDescription {
  std::vector<std::string> names;  ///< --size, -k; one name without dashes for a positional argument
  std::string value;               ///< what the help calls the value, such as FILE; empty for a flag
  std::string text, default_value;
  std::string low, high;                     ///< the ends of its range; empty if it has none
  std::vector<std::string> choices;          ///< the only values; empty if there are others
  std::vector<std::string> suggestions;      ///< some of the values
  std::vector<std::string> needs, excludes;  ///< names of other options
  bool required = false;
  bool repeats = false;  ///< takes several values

  bool is_positional() const { return names.front().compare(0, 1, "-") != 0; }
};

struct CommandDescription {
  std::string name, text, footer;
  std::vector<OptionDescription> options;
  std::vector<CommandDescription> commands;
};

/// Names of the validators of Option::one_of() and Option::suggest(), by which they are found again.
inline constexpr const char* choices_name = "choices";
inline constexpr const char* suggestions_prefix = "suggestions:";
