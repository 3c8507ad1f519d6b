// Completions of commands, options and their values. The scripts are data for three shells: each has the same facts.
#include "documents/documents.hpp"

namespace {

/// In single quotes, for bash and zsh.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// In single quotes, for fish.
std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// A text inside a specification of zsh's _arguments, where : and brackets have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool has_files(const CommandDescription& command) {
  for (const OptionDescription& o : command.options)
    if (o.is_positional()) return true;
  return false;
}

std::string all_option_names(const CommandDescription& command) {
  std::vector<std::string> names;
  for (const OptionDescription& o : command.options)
    if (!o.is_positional()) names.insert(names.end(), o.names.begin(), o.names.end());
  return joined(names, " ");
}

/// A line of bash's case for the value of an option: what to offer, "files" or "folders", or nothing.
std::string bash_value(const std::string& command, const OptionDescription& o) {
  if (o.is_positional() || o.value.empty()) return "";
  std::vector<std::string> patterns;
  for (const std::string& name : o.names) patterns.push_back(command + ":" + name);
  std::string action = "return 0";
  if (takes(o) == Takes::file) action = "_tinyfiqa_files f";
  if (takes(o) == Takes::folder) action = "_tinyfiqa_files d";
  if (!offered(o).empty()) action = "_tinyfiqa_words " + quoted(joined(offered(o), " "));
  return "    " + joined(patterns, " | ") + ") " + action + "; return ;;\n";
}

std::string zsh_action(const OptionDescription& o) {
  if (!offered(o).empty()) return "(" + joined(offered(o), " ") + ")";
  if (takes(o) == Takes::folder) return "_files -/";
  return takes(o) == Takes::file ? "_files" : "";
}

/// Arguments of _arguments, one a line.
std::string zsh_option(const OptionDescription& o) {
  const std::string value = o.value.empty() ? "" : ":" + zsh_text(o.value) + ":" + zsh_action(o);
  if (o.is_positional())
    return "        " +
           quoted(std::string(o.repeats ? "*" : "") + ":" + zsh_text(o.names.front()) + ":_files") + "\n";
  std::string lines;
  for (const std::string& name : o.names) {
    const bool is_long = name.compare(0, 2, "--") == 0;
    // --size=V and --size V; -kV and -k V.
    const std::string form = name + (o.value.empty() ? "" : is_long ? "=" : "+");
    const std::string others = o.repeats ? "*" : "(" + joined(o.names, " ") + ")";
    lines += "        " + quoted(others + form + "[" + zsh_text(in_short(o.text)) + "]" + value) + "\n";
  }
  return lines;
}

std::string fish_option(const std::string& condition, const OptionDescription& o) {
  if (o.is_positional()) return "";
  std::string line = "complete -c tinyfiqa -n " + fish_quoted(condition);
  for (const std::string& name : o.names)
    line += name.compare(0, 2, "--") == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!offered(o).empty())
    line += " -x -a " + fish_quoted(joined(offered(o), " "));
  else if (takes(o) == Takes::file)
    line += " -r -F";
  else if (takes(o) == Takes::folder)
    line += " -x -a '(__fish_complete_directories)'";
  else if (!o.value.empty())
    line += " -x";
  return line + " -d " + fish_quoted(in_short(o.text)) + "\n";
}

}  // namespace

std::string bash_completion(const CommandDescription& program) {
  std::vector<std::string> names;
  std::string values, options, with_files;
  for (const CommandDescription& c : program.commands) {
    names.push_back(c.name);
    for (const OptionDescription& o : c.options) values += bash_value(c.name, o);
    options += "    " + c.name + ") _tinyfiqa_options=" + quoted(all_option_names(c)) + " ;;\n";
    if (has_files(c)) with_files += " " + c.name;
  }
  return R"(# bash completion of tinyfiqa. Made by the build from the program's own help; don't edit it.

# _tinyfiqa_words WORDS: offers those that begin with what was typed.
_tinyfiqa_words() {
  local IFS=$' \t\n'
  COMPREPLY=($(compgen -W "$1" -- "$_tinyfiqa_typed"))
}

# _tinyfiqa_files f|d: offers files or folders. Names may have spaces.
_tinyfiqa_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -"$1" -- "$_tinyfiqa_typed"))
}

_tinyfiqa() {
  local _tinyfiqa_typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} _tinyfiqa_options
  local command=${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _tinyfiqa_words ")" +
         joined(names, " ") + " " + all_option_names(program) + R"("
    return
  fi
  # In --size=V, bash has three words: --size = V
  if [[ $_tinyfiqa_typed == "=" ]]; then
    _tinyfiqa_typed=
  elif [[ $before == "=" ]] && ((COMP_CWORD > 2)); then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case "$command:$before" in
)" + values +
         R"(  esac
  case "$command" in
)" + options +
         R"(    *) return ;;
  esac
  if [[ $_tinyfiqa_typed == -* ]]; then
    _tinyfiqa_words "$_tinyfiqa_options"
  elif [[ " )" +
         with_files.substr(with_files.empty() ? 0 : 1) + R"( " == *" $command "* ]]; then
    _tinyfiqa_files f
  fi
}

complete -F _tinyfiqa tinyfiqa
)";
}

std::string zsh_completion(const CommandDescription& program) {
  std::string commands, cases;
  for (const CommandDescription& c : program.commands) {
    commands += "    " + quoted(zsh_text(c.name) + ":" + in_short(c.text)) + "\n";
    cases += "    " + c.name + ")\n      specifications=(\n";
    for (const OptionDescription& o : c.options) cases += zsh_option(o);
    cases += "      )\n      ;;\n";
  }
  std::string own;
  for (const OptionDescription& o : program.options) own += zsh_option(o);
  return R"(#compdef tinyfiqa
# zsh completion of tinyfiqa. Made by the build from the program's own help; don't edit it.

_tinyfiqa() {
  local -a commands specifications
  commands=(
)" + commands +
         R"(  )
  if ((CURRENT == 2)); then
    if [[ $words[CURRENT] == -* ]]; then
      _arguments \
)" +
         [&own] {
           std::string lines;
           for (std::size_t at = 0, end; (end = own.find('\n', at)) != std::string::npos; at = end + 1)
             lines += own.substr(at, end - at) + (end + 1 < own.size() ? " \\\n" : "\n");
           return lines;
         }() +
         R"(    else
      _describe command commands
    fi
    return
  fi
  case $words[2] in
)" + cases +
         R"(    *) return 1 ;;
  esac
  # The command's own words, without the program's name.
  shift words
  ((CURRENT -= 1))
  _arguments -s : $specifications
}

_tinyfiqa "$@"
)";
}

std::string fish_completion(const CommandDescription& program) {
  std::vector<std::string> names;
  for (const CommandDescription& c : program.commands) names.push_back(c.name);
  const std::string none = "not __fish_seen_subcommand_from " + joined(names, " ");
  std::string out =
      "# fish completion of tinyfiqa. Made by the build from the program's own help; don't edit it.\n";
  out += "complete -c tinyfiqa -f\n";
  for (const OptionDescription& o : program.options) out += fish_option(none, o);
  for (const CommandDescription& c : program.commands) {
    const std::string inside = "__fish_seen_subcommand_from " + c.name;
    out += "complete -c tinyfiqa -n " + fish_quoted(none) + " -a " + c.name + " -d " +
           fish_quoted(in_short(c.text)) + "\n";
    if (has_files(c)) out += "complete -c tinyfiqa -n " + fish_quoted(inside) + " -F\n";
    for (const OptionDescription& o : c.options) out += fish_option(inside, o);
  }
  return out;
}
