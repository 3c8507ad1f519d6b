// JSON on one line.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

/// Paths are bytes; what of them is not UTF-8 becomes U+FFFD rather than an exception.
inline std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}
