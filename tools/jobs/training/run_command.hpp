// How a training was started, as run.json says.
#pragma once

#include <tinyfiqa/formats/file.hpp>

#include <string>
#include <vector>

struct RunCommand {
  std::vector<std::string> words;  ///< of the command line, after the command's name
  std::string directory;           ///< where it was started
};

/// Reads them from the bytes of run.json. Errors: bad_format.
tinyfiqa::Result<RunCommand> read_run_command(const tinyfiqa::FileBytes& file);
