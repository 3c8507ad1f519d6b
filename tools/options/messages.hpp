// Messages on standard error, and the program's exit codes.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>

/// How the program ends: everything done; some images or files failed; wrong usage or unusable data; the time of --timeout
/// was up.
enum ExitCode { exit_done = 0, exit_some_failed = 1, exit_usage = 2, exit_time_is_up = 3 };

/// For process number `rank` > 0 of several that were started together. Its errors name it. They are printed two seconds
/// later, so that the first process alone reports what all of them find. Its notes are not printed.
void print_as_rank(int rank);
/// Prints "tinyfiqa: message" to standard error.
void print_error(const tinyfiqa::Status& status);
/// Prints "tinyfiqa: note: text" to standard error.
void print_note(const std::string& text);

/// Prints the error and returns `code`.
ExitCode report_failure(const tinyfiqa::Status& status, ExitCode code = exit_usage);
/// exit_done if all is well. Otherwise prints the error and returns exit_some_failed for cannot_write,
/// else exit_usage.
ExitCode report_result(const tinyfiqa::Status& status);
