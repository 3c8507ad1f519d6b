#include "options/messages.hpp"

#include "reports/text.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

using namespace tinyfiqa;

namespace {
int rank_of_process = 0;
}

void print_as_rank(int rank) { rank_of_process = rank; }

void print_error(const Status& status) {
  if (rank_of_process > 0) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    std::fprintf(stderr, "tinyfiqa: process %d: %s\n", rank_of_process, shown_text(status.message()).c_str());
    return;
  }
  std::fprintf(stderr, "tinyfiqa: %s\n", shown_text(status.message()).c_str());
}
void print_note(const std::string& text) {
  if (rank_of_process > 0) return;
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
