#include "jobs/training/run_command.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace tinyfiqa;

namespace {

/// True for the object that a training writes: a list of texts, and a text.
bool has_command_line(const nlohmann::json& run) {
  if (!run.is_object() || !run.contains("command_line") || !run.contains("directory")) return false;
  const auto& line = run["command_line"];
  const bool texts = line.is_array() &&
                     std::all_of(line.begin(), line.end(), [](const auto& word) { return word.is_string(); });
  return texts && run["directory"].is_string();
}

}  // namespace

Result<RunCommand> read_run_command(const FileBytes& file) {
  const auto run = nlohmann::json::parse(file.bytes.begin(), file.bytes.end(), nullptr, false);
  if (!has_command_line(run))
    return Status::error(Errc::bad_format, file.path,
                         ": has no command line to continue with; if this training is part of a "
                         "study, resume the study");
  return RunCommand{run["command_line"].get<std::vector<std::string>>(), run["directory"].get<std::string>()};
}
