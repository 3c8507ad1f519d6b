// Checks that results can be written, made before the work.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>

/// Checks that a file can be written at `path`. Errors: cannot_write, also if `path` is a folder.
tinyfiqa::Status check_output_file(const std::string& path);

/// Creates the folder of --out, if it does not exist, and checks that `file` can be written in it.
/// Errors: cannot_write.
tinyfiqa::Status make_output_folder(const std::string& folder, const std::string& file);
