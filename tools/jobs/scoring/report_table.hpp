// Reads the rows that `score` wrote, for a report.
#pragma once

#include "reports/report_page.hpp"

#include <string>

/// True for the name of a file that read_report_table() reads: .csv or .jsonl.
bool is_report_table(const std::string& path);

/// The rows of `score --format csv` or `jsonl`, with faces and reasons if they are there. Relative paths start from
/// `images` or, if that is empty, from the current folder and then from the table's. Errors: those of read_csv();
/// bad_format for other tables, for numbers that are none, and for a table without rows.
tinyfiqa::Result<Report> read_report_table(const std::string& path, const std::string& images);
