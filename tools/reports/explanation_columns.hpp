// Explanations as text, CSV and JSON.
#pragma once

#include <tinyfiqa/explanation/component.hpp>
#include <tinyfiqa/explanation/reasons.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

/// The names of all components, and "reasons", with commas between them.
const std::string& explanation_columns();
/// The values of these columns: whole numbers, empty for components that were not measured; reasons with "; " between
/// them. Empty fields for null.
std::string explanation_fields(const tinyfiqa::Explanation* explanation);
/// The reasons of such a field. Text that is no reason of this version is left out.
std::vector<tinyfiqa::Reason> read_reasons(const std::string& field);
/// Adds "components" (whole numbers, or null), "measures" and "reasons" to a JSON object.
void add_explanation(nlohmann::ordered_json& json, const tinyfiqa::Explanation& explanation);
/// The texts of reasons_of(), worst first.
std::vector<std::string> reason_texts(const tinyfiqa::Explanation& explanation);
/// A newline and an indented reason, for each reason.
std::string reason_lines(const tinyfiqa::Explanation& explanation);
