#include "options/messages.hpp"

#include "reports/text.hpp"

#include <cstdio>

using namespace tinyfiqa;

void print_error(const Status& status) {
  std::fprintf(stderr, "tinyfiqa: %s\n", shown_text(status.message()).c_str());
}
void print_note(const std::string& text) {
  std::fprintf(stderr, "tinyfiqa: note: %s\n", shown_text(text).c_str());
}

ExitCode report_failure(const Status& status, ExitCode code) {
  print_error(status);
  return code;
}

ExitCode report_result(const Status& status) {
  if (status.ok()) return exit_done;
  return report_failure(status, status.code() == Errc::cannot_write ? exit_some_failed : exit_usage);
}
