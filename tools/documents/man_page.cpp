// Man pages in man(7)'s macros.
#include "documents/documents.hpp"

#include <cctype>
#include <sstream>

namespace {

/// Text for roff. `literal`: every - is one that can be typed, as in commands.
std::string roff(const std::string& text, bool literal = false) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool inside_word = i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1]));
    if (text[i] == '\\')
      out += "\\e";
    else if (text[i] == '-' && (literal || !inside_word))
      out += "\\-";
    else
      out += text[i];
  }
  // In the first column these begin a request.
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

/// Text that roff fills: each sentence begins a line, and no line is longer than 80 characters.
std::string prose(const std::string& text) {
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool sentence_ended =
        !line.empty() && line.back() == '.' && !std::islower(static_cast<unsigned char>(word[0]));
    if (!line.empty() && (sentence_ended || line.size() + 1 + roff(word).size() > 78)) {
      out += line + "\n";
      line.clear();
    }
    line += line.empty() ? roff(word) : " " + roff(word);
  }
  return line.empty() ? out : out + line + "\n";
}

std::string bold(const std::string& text) { return "\\fB" + roff(text, true) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text, true) + "\\fR"; }

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string head(const std::string& name, std::string summary, const std::string& date,
                 const std::string& version) {
  summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
  return ".\\\" Made by the build from the program's own help; don't edit it.\n.TH " +
         roff(upper(name), true) + " 1 " + date + " \"tinyfiqa " + version +
         "\" \"User Commands\"\n.SH NAME\n" + roff(name, true) + " \\-\n" + prose(summary);
}

/// What stands below the options in the help, in its parts.
struct Footer {
  std::string description, exit_status, examples;
};

/// Lines that begin with two spaces stay as they are; others are filled.
std::string paragraphs(const std::vector<std::string>& lines) {
  std::string out, text;
  bool literal = false;
  const auto end_text = [&] {
    out += prose(text);
    text.clear();
  };
  for (const std::string& line : lines) {
    const bool indented = line.compare(0, 2, "  ") == 0;
    if (indented != literal || line.empty()) {
      end_text();
      out += literal ? ".fi\n" : "";
      out += out.empty() ? "" : ".PP\n";
      out += indented ? ".nf\n" : "";
    }
    literal = indented;
    if (indented)
      out += roff(line, true) + "\n";
    else
      text += line + " ";
  }
  end_text();
  return literal ? out + ".fi\n" : out;
}

void drop_empty_ends(std::vector<std::string>& lines) {
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  while (!lines.empty() && lines.front().empty()) lines.erase(lines.begin());
}

Footer read_footer(const std::string& text) {
  std::vector<std::string> description, exit_status, examples;
  std::vector<std::string>* part = &description;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::string exit = "Exit status: ";
    if (line == "Example:") {
      part = &examples;
      continue;
    }
    if (line.compare(0, exit.size(), exit) == 0) {
      part = &exit_status;
      line.erase(0, exit.size());
    }
    if (line.empty()) part = &description;  // an empty line ends the exit status
    part->push_back(line);
  }
  for (auto* lines : {&description, &exit_status, &examples}) drop_empty_ends(*lines);
  return {paragraphs(description), paragraphs(exit_status), paragraphs(examples)};
}

std::string option_text(const OptionDescription& o) {
  std::vector<std::string> more;
  if (!o.choices.empty()) more.push_back("One of " + joined(o.choices, ", "));
  if (!o.low.empty()) more.push_back("From " + o.low + " to " + o.high);
  if (!o.default_value.empty()) more.push_back("Default: " + o.default_value);
  if (!o.needs.empty()) more.push_back("Needs " + joined(o.needs, ", "));
  if (!o.excludes.empty()) more.push_back("Not together with " + joined(o.excludes, ", "));
  if (o.required) more.push_back("Required");
  std::string text = o.text + ".";
  for (const std::string& sentence : more) text += " " + sentence + ".";
  return prose(text);
}

std::string option_names(const OptionDescription& o) {
  if (o.is_positional()) return italic(o.names.front()) + (o.repeats ? " ..." : "");
  std::vector<std::string> names;
  for (const std::string& name : o.names) names.push_back(bold(name));
  return joined(names, ", ") + (o.value.empty() ? "" : " " + italic(o.value)) +
         (o.repeats && o.value.find("...") == std::string::npos ? " ..." : "");
}

std::string option_list(const CommandDescription& command, bool positional) {
  std::string out;
  for (const OptionDescription& o : command.options)
    if (o.is_positional() == positional) out += ".TP\n" + option_names(o) + "\n" + option_text(o);
  return out;
}

std::string synopsis(const CommandDescription& command) {
  std::string out = ".SH SYNOPSIS\n" + bold("tinyfiqa " + command.name);
  for (const OptionDescription& o : command.options)
    if (o.required && !o.is_positional()) out += " " + bold(o.names.back()) + " " + italic(o.value);
  out += " [" + italic("option") + " ...]";
  for (const OptionDescription& o : command.options) {
    if (!o.is_positional()) continue;
    const std::string name = italic(o.names.front());
    out += o.required ? " " + name + (o.repeats ? " ..." : "") : " [" + name + (o.repeats ? " ...]" : "]");
  }
  return out + "\n";
}

std::string section(const std::string& name, const std::string& text) {
  return text.empty() ? "" : ".SH " + name + "\n" + text;
}

}  // namespace

std::string command_page(const CommandDescription& command, const std::string& date,
                         const std::string& version) {
  const Footer footer = read_footer(command.footer);
  const std::string exit_status = footer.exit_status.empty()
                                      ? "0 if all was done, 1 if some of it failed, 2 for wrong usage.\n"
                                      : footer.exit_status;
  return head("tinyfiqa-" + command.name, in_short(command.text), date, version) + synopsis(command) +
         section("DESCRIPTION", prose(command.text + ".") + (footer.description.empty() ? "" : ".PP\n") +
                                    footer.description) +
         section("ARGUMENTS", option_list(command, true)) + section("OPTIONS", option_list(command, false)) +
         section("EXIT STATUS", exit_status) + section("EXAMPLES", footer.examples) +
         section("SEE ALSO", ".BR tinyfiqa (1)\n");
}

std::string program_page(const CommandDescription& program, const std::string& date,
                         const std::string& version) {
  std::string list, also;
  for (const CommandDescription& c : program.commands) {
    list += ".TP\n" + bold(c.name) + "\n" + prose(c.text + ".");
    also += ".BR " + roff("tinyfiqa-" + c.name, true) + " (1)" + (&c == &program.commands.back() ? "" : ",") +
            "\n";
  }
  std::istringstream lines(program.text);
  std::string about;
  std::getline(lines, about);  // below it is where to start, which the list of commands says here
  return head("tinyfiqa", "quality of face photos", date, version) + ".SH SYNOPSIS\n" + bold("tinyfiqa") +
         " " + italic("command") + " [" + italic("option") + " ...] [" + italic("argument") + " ...]\n" +
         section("DESCRIPTION",
                 prose(about) + "Each command has a page of its own, such as\n.BR tinyfiqa\\-score (1).\n") +
         section("COMMANDS", list) + section("OPTIONS", option_list(program, false)) +
         section("EXIT STATUS", "0 if all was done, 1 if some of it failed, 2 for wrong usage.\n") +
         section("EXAMPLES", ".nf\n  tinyfiqa score photo.jpg\n.fi\n") + section("SEE ALSO", also);
}
