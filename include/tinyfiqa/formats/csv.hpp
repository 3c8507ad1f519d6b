// CSV files (RFC 4180): a reader that goes row by row and counts lines for messages, and a writer for fields.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/decimal.hpp>
#include <tinyfiqa/formats/file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The largest CSV file that is read; larger ones are refused with Errc::too_large.
struct CsvLimits {
  std::size_t file_bytes = std::size_t{1} << 30u;   ///< bytes of the file
  std::size_t field_bytes = std::size_t{1} << 16u;  ///< bytes of one field
  std::size_t columns = 4096;                       ///< fields of one record
};

/// One record, and the line (counted from 1) of the file where it begins.
struct CsvRow {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

/// Reads a CSV file record by record. Fields are separated by commas. A field in double quotes may contain
/// commas, line breaks and quotes; a quote in it is written twice. Lines end in LF, CRLF or CR. A UTF-8 byte
/// order mark and empty lines are skipped. The bytes must outlive the reader.
class CsvReader {
 public:
  explicit CsvReader(const FileBytes& file, const CsvLimits& limits = {})
      : path_(file.path), bytes_(file.bytes), limits_(limits) {
    if (bytes_.size >= 3 && std::memcmp(bytes_.data, "\xEF\xBB\xBF", 3) == 0) at_ = 3;
  }

  /// Reads the next record into `row`; returns false at the end of the file.
  /// Errors: bad_format, too_large. The message begins with the file's name and the line.
  Result<bool> next(CsvRow& row) {
    if (bytes_.size > limits_.file_bytes)
      return Status::error(Errc::too_large, path_, ": ", bytes_.size, " bytes; a CSV file may have at most ",
                           limits_.file_bytes, "; split it");
    while (at_ < bytes_.size && is_line_end(bytes_[at_])) end_line();
    if (at_ >= bytes_.size) return false;
    row.line = line_;
    std::size_t count = 0;
    for (;; ++count) {
      if (count == limits_.columns)
        return error(Errc::too_large, row.line, "more than ", limits_.columns,
                     " columns; check that this is a CSV file");
      if (row.fields.size() <= count) row.fields.emplace_back();
      const Status status = read_field(row.fields[count]);
      if (!status) return status;
      if (at_ >= bytes_.size || bytes_[at_] != ',') break;
      ++at_;
    }
    row.fields.resize(count + 1);
    if (at_ < bytes_.size) end_line();
    return true;
  }

  /// The bytes that were read so far: the next record begins there.
  std::size_t offset() const { return at_; }

 private:
  static bool is_line_end(unsigned char c) { return c == '\n' || c == '\r'; }

  template <class... Parts>
  Status error(Errc code, std::size_t line, const Parts&... parts) const {
    return Status::error(code, path_, ":", line, ": ", parts...);
  }

  /// Skips LF, CR or CRLF.
  void end_line() {
    if (bytes_[at_] == '\r' && at_ + 1 < bytes_.size && bytes_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  Status read_field(std::string& field) {
    field.clear();
    return at_ < bytes_.size && bytes_[at_] == '"' ? read_quoted(field) : read_plain(field);
  }

  Status read_plain(std::string& field) {
    const std::size_t start = at_;
    for (; at_ < bytes_.size && bytes_[at_] != ',' && !is_line_end(bytes_[at_]); ++at_) {
      if (bytes_[at_] == '"')
        return error(Errc::bad_format, line_,
                     "a quote inside a field without quotes around it; put the field in quotes and "
                     "write \"\" for each quote in it");
      const Status status = check_byte(at_ - start);
      if (!status) return status;
    }
    field.assign(reinterpret_cast<const char*>(bytes_.data) + start, at_ - start);
    return Status();
  }

  Status read_quoted(std::string& field) {
    const std::size_t first_line = line_;
    for (++at_; at_ < bytes_.size; ++at_) {
      const unsigned char c = bytes_[at_];
      if (c == '"') {
        ++at_;
        if (at_ >= bytes_.size || bytes_[at_] != '"') return check_after_quote();
      }
      const Status status = check_byte(field.size());
      if (!status) return status;
      line_ += c == '\n' || (c == '\r' && (at_ + 1 >= bytes_.size || bytes_[at_ + 1] != '\n'));
      field.push_back(static_cast<char>(c));
    }
    return error(Errc::bad_format, first_line,
                 "a quoted field begins here and never ends; add the closing quote");
  }

  Status check_after_quote() const {
    if (at_ >= bytes_.size || bytes_[at_] == ',' || is_line_end(bytes_[at_])) return Status();
    return error(Errc::bad_format, line_,
                 "text after the closing quote of a field; write \"\" for a quote inside it");
  }

  Status check_byte(std::size_t field_size) const {
    if (bytes_[at_] == 0)
      return error(Errc::bad_format, line_,
                   "a zero byte: this is not UTF-8 text but perhaps UTF-16; save it as UTF-8");
    if (field_size >= limits_.field_bytes)
      return error(Errc::too_large, line_, "a field longer than ", limits_.field_bytes,
                   " bytes; add the closing quote if one is missing");
    return Status();
  }

  std::string path_;
  Bytes bytes_;
  CsvLimits limits_;
  std::size_t at_ = 0, line_ = 1;
};

/// A whole file: the names in the header, and the rows after it.
struct CsvTable {
  std::string path;
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  /// The index of the column with that name, or npos.
  std::size_t column(std::string_view name) const {
    for (std::size_t i = 0; i < header.size(); ++i)
      if (header[i] == name) return i;
    return npos;
  }
};

/// Reads a whole file whose first record names the columns. Errors: those of read_file() and CsvReader, and
/// bad_format for a file without a header.
inline Result<CsvTable> read_csv(const FileBytes& file, const CsvLimits& limits = {}) {
  CsvTable table;
  table.path = file.path;
  CsvReader reader(file, limits);
  for (CsvRow row;;) {
    const auto more = reader.next(row);
    if (!more) return more.status();
    if (!*more) break;
    if (table.header.empty())
      table.header = std::move(row.fields);
    else
      table.rows.push_back(std::move(row));
    row = {};
  }
  if (table.header.empty())
    return Status::error(Errc::bad_format, file.path,
                         ": no line with column names: the file is empty; add a header");
  return table;
}
/// As above, for a path.
inline Result<CsvTable> read_csv(const std::string& path, const CsvLimits& limits = {}) {
  const auto file = read_file(path, FileAccess::copy);
  if (!file) return file.status();
  return read_csv(*file, limits);
}

/// The index of the column called `name`. `option` says in the error message what the column is for, such as
/// "path". Errors: bad_format, also if two columns have that name; the message lists the columns of the file.
inline Result<std::size_t> csv_column(const CsvTable& table, const std::string& name, const char* option) {
  const std::size_t column = table.column(name);
  if (std::count(table.header.begin(), table.header.end(), name) > 1)
    return Status::error(Errc::bad_format, table.path, ":1: two columns are called '", name,
                         "'; rename or remove one of them");
  if (column != CsvTable::npos) return column;
  const bool other_separator =
      table.header.size() == 1 && table.header[0].find_first_of(";\t") != std::string::npos;
  if (other_separator)
    return Status::error(Errc::bad_format, table.path,
                         ":1: the columns are not separated by commas; save the file as comma-separated CSV");
  std::string names;
  for (const std::string& known : table.header) names += (names.empty() ? "" : ", ") + known;
  return Status::error(Errc::bad_format, table.path, ":1: no column is called '", name, "'; there are ",
                       names, "; name one of these as the ", option, " column");
}

/// The text without spaces and tabs at both ends.
inline std::string_view csv_trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Reads a finite decimal number; spaces and tabs around it are allowed. Returns false for anything else:
/// then `problem` is a sentence about `what`, the name of the field.
inline bool parse_number(const std::string& field, const char* what, double& value, std::string& problem) {
  std::string_view text = csv_trimmed(field);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = detail::read_decimal(text, value);
  const std::string shown(text.substr(0, 40));
  if (text.empty())
    problem = std::string(what) + " is empty";
  else if (error == std::errc::result_out_of_range)
    problem = std::string(what) + " " + shown + " is too large or too small";
  else if (error != std::errc() || end != text.data() + text.size())
    problem = std::string(what) + " '" + shown + "' is not a number";
  else if (!std::isfinite(value))
    problem = std::string(what) + " is " + shown + "; it must be finite";
  return problem.empty();
}

/// The text as a field of a CSV file, with quotes around it if it needs them.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

/// The fields as a line of a CSV file, with its end.
inline std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) line += (i > 0 ? "," : "") + csv_field(fields[i]);
  return line + "\n";
}

TINYFIQA_END
