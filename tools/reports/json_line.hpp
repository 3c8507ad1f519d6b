// Write JSON on one line.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

/// Bytes of paths that are not UTF-8 become U+FFFD instead of throwing an exception.
inline std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}
