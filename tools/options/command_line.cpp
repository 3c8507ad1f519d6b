#include "options/command_line.hpp"

#include "options/command_description.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

Option Option::type_name(const std::string& name) const { return Option(option_->type_name(name)); }
Option Option::description(const std::string& text) const { return Option(option_->description(text)); }
Option Option::show_default() const { return Option(option_->capture_default_str()); }
Option Option::required(bool yes) const { return Option(option_->required(yes)); }

Option Option::range(int low, int high) const { return Option(option_->check(CLI::Range(low, high))); }
Option Option::range(long long low, long long high) const {
  return Option(option_->check(CLI::Range(low, high)));
}
Option Option::range(std::size_t low, std::size_t high) const {
  return Option(option_->check(CLI::Range(low, high)));
}
Option Option::range(double low, double high) const { return Option(option_->check(CLI::Range(low, high))); }
Option Option::positive() const { return Option(option_->check(CLI::PositiveNumber)); }
Option Option::not_negative() const { return Option(option_->check(CLI::NonNegativeNumber)); }
Option Option::one_of(const std::vector<std::string>& choices) const {
  CLI::IsMember check(choices);
  check.name(choices_name);
  return Option(option_->check(std::move(check)));
}
Option Option::suggest(const std::vector<std::string>& names) const {
  // CLI11 keeps nothing for others beside an option, but validators. This one accepts everything, and its
  // description, which the help would show, is empty: the names are in its name.
  std::string joined = suggestions_prefix;
  for (const std::string& name : names) joined += name + ",";
  return Option(option_->check([](const std::string&) { return std::string(); }, "", joined));
}

Option Option::delimiter(char character) const { return Option(option_->delimiter(character)); }
Option Option::one_at_a_time() const { return Option(option_->allow_extra_args(false)); }
Option Option::needs(const Option& other) const { return Option(option_->needs(other.option_)); }
Option Option::excludes(const Option& other) const { return Option(option_->excludes(other.option_)); }

template <class T>
Option Command::add_option(const std::string& name, T& target, const std::string& description) const {
  return Option(app_->add_option(name, target, description));
}

// NOLINTBEGIN(bugprone-macro-parentheses): a type in parentheses is no type
#define TINYFIQA_OPTION(T) \
  template Option Command::add_option(const std::string&, T&, const std::string&) const;
// NOLINTEND(bugprone-macro-parentheses)
TINYFIQA_OPTION(std::string)
TINYFIQA_OPTION(int)
TINYFIQA_OPTION(long long)
TINYFIQA_OPTION(std::size_t)
TINYFIQA_OPTION(float)
TINYFIQA_OPTION(double)
TINYFIQA_OPTION(std::optional<std::string>)
TINYFIQA_OPTION(std::optional<int>)
TINYFIQA_OPTION(std::optional<float>)
TINYFIQA_OPTION(std::optional<double>)
TINYFIQA_OPTION(std::vector<std::string>)
TINYFIQA_OPTION(std::vector<int>)
#undef TINYFIQA_OPTION

Option Command::add_option(const std::string& name, std::function<std::string(const std::string&)> read,
                           const std::string& description) const {
  const auto check = [name, read = std::move(read)](const std::string& text) {
    const std::string wrong = read(text);
    if (!wrong.empty()) throw CLI::ValidationError(name, wrong);
  };
  return Option(app_->add_option_function<std::string>(name, check, description));
}

Option Command::add_action(const std::string& name, std::function<void()> act,
                           const std::string& description) const {
  return Option(app_->add_flag_callback(name, std::move(act), description));
}

Option Command::add_flag(const std::string& name, bool& target, const std::string& description) const {
  return Option(app_->add_flag(name, target, description));
}

Option Command::option(const std::string& name) const { return Option(app_->get_option(name)); }

Command Command::add_command(const std::string& name, const std::string& description) const {
  return Command(app_->add_subcommand(name, description));
}

Command Command::command(const std::string& name) const { return Command(app_->get_subcommand(name)); }

void Command::footer(const std::string& text) const { app_->footer(text); }
void Command::on_run(std::function<void()> work) const { app_->callback(std::move(work)); }

CommandLine::CommandLine(const std::string& description) : app_(std::make_unique<CLI::App>(description)) {}
CommandLine::~CommandLine() = default;

Command CommandLine::root() const { return Command(app_.get()); }

void CommandLine::expect_command(const std::function<std::string()>& version) const {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
}

CommandLine::Outcome CommandLine::run(int argc, char** argv) const {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has its own code for each kind of mistake, and 0 for --help and --version.
    return app_->exit(error) == 0 ? Outcome::printed : Outcome::wrong;
  }
  return Outcome::ran;
}

std::string CommandLine::read(std::vector<std::string> arguments) const {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 expects the last argument first
  try {
    app_->parse(arguments);
  } catch (const CLI::Success&) {
    return "asks for help, and starts nothing";
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return {};
}
