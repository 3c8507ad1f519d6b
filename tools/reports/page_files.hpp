// The files of the report's page, compiled in (cmake/PageFiles.cmake).
#pragma once

#include <string_view>

/// A file: its text, and the SHA-256 of it in hexadecimal digits. Both are empty for a file that was not there.
struct PageFile {
  std::string_view text;
  const char* sha256;
};

/// Ours: tools/reports/page.
PageFile page_html_file();
PageFile page_style_file();
PageFile page_script_file();
/// Chart.js and its licence; empty if the tool was built without.
PageFile chart_script_file();
PageFile chart_licence_file();
