// The words after the program's name. CLI11 reads them; only command_line.cpp sees it, as every file that
// includes it takes seconds more to compile.
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

/// One option of a command, for saying more about it.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  /// What stands for its value in the help, such as FILE.
  Option type_name(const std::string& name) const;
  Option description(const std::string& text) const;
  /// The value that its variable has now is the default, which the help shows.
  Option show_default() const;
  Option required(bool yes = true) const;

  /// The value lies in low..high, ends included.
  Option range(int low, int high) const;
  Option range(long long low, long long high) const;
  Option range(std::size_t low, std::size_t high) const;
  Option range(double low, double high) const;
  Option positive() const;
  Option not_negative() const;
  Option one_of(const std::vector<std::string>& words) const;

  /// Several values, with this character between them.
  Option delimiter(char character) const;
  /// One value each time that it is given, of an option that can be given several times.
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

  /// `name`: "--size", "-k,--best", or without dashes a word by its place. `target`, which takes the value,
  /// must outlive the parsing: a string, a number, or a vector or std::optional of either (command_line.cpp
  /// lists them).
  template <class T>
  Option add_option(const std::string& name, T& target, const std::string& description) const;
  /// `read` takes the value, and says what is wrong with it; nothing: all is well.
  Option add_option(const std::string& name, std::function<std::string(const std::string&)> read,
                    const std::string& description) const;
  Option add_flag(const std::string& name, bool& target, const std::string& description) const;
  /// One that was added before.
  Option option(const std::string& name) const;

  Command add_command(const std::string& name, const std::string& description) const;
  /// Stands below the options in the help.
  void footer(const std::string& text) const;
  /// Done when the command was named and its words are right.
  void on_run(std::function<void()> work) const;

 private:
  CLI::App* app_;
};

/// Everything that can be said to a program.
class CommandLine {
 public:
  explicit CommandLine(const std::string& description = {});
  ~CommandLine();

  Command root() const;
  /// One command must be named; `version` is what --version prints.
  void expect_command(const std::function<std::string()>& version) const;

  /// Reads argv and runs the command, or prints help, the version, or what is wrong with the words.
  enum class Outcome { ran, printed, wrong };
  Outcome run(int argc, char** argv) const;
  /// Reads words into the options; what is wrong with them, or nothing.
  std::string read(std::vector<std::string> words) const;

 private:
  std::unique_ptr<CLI::App> app_;
};
