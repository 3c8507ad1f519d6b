// The program's command line. CLI11 parses it. Only command_line.cpp and command_description.cpp include CLI11:
// every file that does takes seconds more to compile.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI
struct CommandDescription;

/// One option of a command. Every function returns the option again, so that calls can be chained.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  /// Sets what the help calls the value, such as FILE.
  Option type_name(const std::string& name) const;
  Option description(const std::string& text) const;
  /// Shows the present value of the option's variable as the default in the help.
  Option show_default() const;
  Option required(bool yes = true) const;

  /// Accepts values from low to high, both included.
  Option range(int low, int high) const;
  Option range(long long low, long long high) const;
  Option range(std::size_t low, std::size_t high) const;
  Option range(double low, double high) const;
  Option positive() const;
  Option not_negative() const;
  Option one_of(const std::vector<std::string>& choices) const;
  /// Names that shells offer to complete. Other values are accepted too.
  Option suggest(const std::vector<std::string>& names) const;

  /// Splits the value at this character into several values.
  Option delimiter(char character) const;
  /// Takes one value per use of the option, which can be given several times.
  Option one_at_a_time() const;
  Option needs(const Option& other) const;
  Option excludes(const Option& other) const;

 private:
  CLI::Option* option_;
};

/// A command (tinyfiqa score), or the program itself.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  /// `name`: "--size", "-k,--best", or a name without dashes for a positional argument. `target` receives the
  /// value and must outlive the parsing. It is a string, a number, or a std::vector or std::optional of one
  /// (command_line.cpp lists the types).
  template <class T>
  Option add_option(const std::string& name, T& target, const std::string& description) const;
  /// `read` receives the value and returns what is wrong with it; an empty text means that it is valid.
  Option add_option(const std::string& name, std::function<std::string(const std::string&)> read,
                    const std::string& description) const;
  /// A flag that calls act() while the command line is read.
  Option add_action(const std::string& name, std::function<void()> act, const std::string& description) const;
  Option add_flag(const std::string& name, bool& target, const std::string& description) const;
  /// The option of this name, which was added before.
  Option option(const std::string& name) const;

  Command add_command(const std::string& name, const std::string& description) const;
  /// The command of this name, which was added before.
  Command command(const std::string& name) const;
  /// Sets the text below the options in the help.
  void footer(const std::string& text) const;
  /// Calls `work` if the command was named and its arguments are valid.
  void on_run(std::function<void()> work) const;
  /// All that the help says (options/command_description.hpp).
  CommandDescription describe() const;

 private:
  CLI::App* app_;
};

/// The parser of a whole command line.
class CommandLine {
 public:
  explicit CommandLine(const std::string& description = {});
  ~CommandLine();

  Command root() const;
  /// Requires that one command is named. `version` gives the text for --version.
  void expect_command(const std::function<std::string()>& version) const;

  /// Parses argv and runs the command; or prints the help, the version or what is wrong with the arguments.
  enum class Outcome { ran, printed, wrong };
  Outcome run(int argc, char** argv) const;
  /// Parses arguments into the options. Returns what is wrong with them, or an empty text.
  std::string read(std::vector<std::string> arguments) const;

 private:
  std::unique_ptr<CLI::App> app_;
};
