// Checks that results can be written, made before the work.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>

/// Checks that a file can be written at `path`. Errors: cannot_write, also if `path` is a folder.
tinyfiqa::Status check_output_file(const std::string& path);

/// The same for a file that `option` writes as a JPEG. Errors: bad_argument for another extension; cannot_write.
tinyfiqa::Status check_jpeg_file(const char* option, const std::string& path);

/// The extension of a path in small letters, with its dot.
std::string small_extension(const std::string& path);

/// Creates the folder of --out, if it does not exist, and checks that `file` can be written in it.
/// Errors: cannot_write.
tinyfiqa::Status make_output_folder(const std::string& folder, const std::string& file);
