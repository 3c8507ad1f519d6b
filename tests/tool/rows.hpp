// The rows that the tool prints, as values.
#pragma once

#include <tinyfiqa/formats/csv.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <sstream>
#include <string>
#include <vector>

inline std::vector<nlohmann::json> json_rows(const std::string& text) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

/// Each row's fields by the names of their columns.
inline std::vector<std::map<std::string, std::string>> csv_rows(const std::string& text) {
  const tinyfiqa::Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  const auto table = tinyfiqa::read_csv(tinyfiqa::FileBytes::from_memory(bytes, "the tool's output"));
  REQUIRE_MESSAGE(table.ok(), table.status().message());
  std::vector<std::map<std::string, std::string>> rows;
  for (const tinyfiqa::CsvRow& row : table->rows) {
    REQUIRE(row.fields.size() == table->header.size());
    auto& fields = rows.emplace_back();
    for (std::size_t i = 0; i < row.fields.size(); ++i) fields[table->header[i]] = row.fields[i];
  }
  return rows;
}
