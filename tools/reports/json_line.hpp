// Write JSON on one line, and numbers of it without tails.
#pragma once

#include <nlohmann/json.hpp>

#include <cmath>
#include <string>

/// Bytes of paths that are not UTF-8 become U+FFFD instead of throwing an exception.
inline std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// `value` to the next whole number of `steps`-ths: 0.123456 with 1000 steps is 0.123.
inline double rounded(double value, double steps) { return std::round(value * steps) / steps; }
