#include "options/messages.hpp"

#include <cstdio>

using namespace tinyfiqa;

void print_error(const Status& status) { std::fprintf(stderr, "tinyfiqa: %s\n", status.message()); }
void print_note(const std::string& text) { std::fprintf(stderr, "tinyfiqa: note: %s\n", text.c_str()); }

ExitCode report_failure(const Status& status, ExitCode code) {
  print_error(status);
  return code;
}

ExitCode report_result(const Status& status) {
  if (status.ok()) return exit_done;
  return report_failure(status, status.code() == Errc::cannot_write ? exit_some_failed : exit_usage);
}
