#include "options/command_description.hpp"

#include "options/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <sstream>

namespace {

std::vector<std::string> comma_separated(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

/// CLI11 asks for validators by number or name, and throws behind the last one.
std::vector<const CLI::Validator*> validators(CLI::Option& option) {
  std::vector<const CLI::Validator*> all;
  try {
    for (int i = 0;; ++i) all.push_back(option.get_validator(i));
  } catch (const CLI::OptionNotFound&) {
  }
  return all;
}

/// Reads the description of CLI::Range: "INT in [1 - 1024]".
void read_range(const std::string& text, OptionDescription& d) {
  const std::size_t open = text.find(" in ["), middle = text.find(" - ", open);
  if (open == std::string::npos || middle == std::string::npos || text.back() != ']') return;
  d.low = text.substr(open + 5, middle - open - 5);
  d.high = text.substr(middle + 3, text.size() - middle - 4);
}

/// CLI11 writes several values as [a,b].
std::string shown_default(const std::string& text) {
  if (text.empty() || text.front() != '[') return text;
  std::string values;
  for (const std::string& value : comma_separated(text.substr(1, text.size() - 2)))
    values += (values.empty() ? "" : ", ") + value;
  return values;
}

std::vector<std::string> names_of(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) names.push_back(option->get_name());
  std::sort(names.begin(), names.end());  // the set is in the order of addresses
  return names;
}

OptionDescription describe(CLI::Option& option) {
  OptionDescription d;
  for (const std::string& name : option.get_snames()) d.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) d.names.push_back("--" + name);
  if (d.names.empty()) d.names.push_back(option.get_single_name());
  // The type name is followed by the descriptions of validators, as in TEXT:{text,csv}.
  if (option.get_items_expected_max() > 0) d.value = option.get_type_name();
  d.value.resize(std::min(d.value.size(), d.value.find(':')));
  d.text = option.get_description();
  d.default_value = shown_default(option.get_default_str());
  d.needs = names_of(option.get_needs());
  d.excludes = names_of(option.get_excludes());
  d.required = option.get_required();
  d.repeats = option.get_items_expected_max() > 1;
  const std::string prefix = suggestions_prefix;
  for (const CLI::Validator* v : validators(option)) {
    const std::string text = v->get_description();  // of choices: {a,b,c}
    read_range(text, d);
    if (v->get_name() == choices_name) d.choices = comma_separated(text.substr(1, text.size() - 2));
    if (v->get_name().compare(0, prefix.size(), prefix) == 0)
      d.suggestions = comma_separated(v->get_name().substr(prefix.size()));
  }
  return d;
}

CommandDescription describe_app(CLI::App& app) {
  CommandDescription d;
  d.name = app.get_name();
  d.text = app.get_description();
  d.footer = app.get_footer();
  for (CLI::Option* option : app.get_options()) d.options.push_back(describe(*option));
  for (CLI::App* command : app.get_subcommands({})) d.commands.push_back(describe_app(*command));
  return d;
}

}  // namespace

CommandDescription Command::describe() const { return describe_app(*app_); }
