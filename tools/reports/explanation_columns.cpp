#include "reports/explanation_columns.hpp"

#include <tinyfiqa/explanation/reasons.hpp>
#include <tinyfiqa/formats/csv.hpp>

#include <cmath>

#include "reports/text.hpp"

using namespace tinyfiqa;

std::vector<std::string> reason_texts(const Explanation& explanation) {
  std::vector<std::string> texts;
  for (const Reason& reason : reasons_of(explanation)) texts.push_back(reason.text());
  return texts;
}

const std::string& explanation_columns() {
  static const std::string columns = [] {
    std::string text;
    for (const ComponentSpec& spec : component_specs()) text += std::string(spec.name) + ",";
    return text + "reasons";
  }();
  return columns;
}

std::string explanation_fields(const Explanation* explanation) {
  if (explanation == nullptr) return std::string(component_count, ',');
  std::string text;
  for (const ComponentSpec& spec : component_specs()) {
    const Component& c = (*explanation)[spec.kind];
    text += (c.known() ? std::to_string(c.whole()) : "") + ",";
  }
  return text + csv_field(join_text(reason_texts(*explanation), "; "));
}

void add_explanation(nlohmann::ordered_json& json, const Explanation& explanation) {
  for (const ComponentSpec& spec : component_specs()) {
    const Component& c = explanation[spec.kind];
    json["components"][spec.name] = c.known() ? nlohmann::ordered_json(c.whole()) : nlohmann::ordered_json();
    if (c.known()) json["measures"][spec.name] = std::round(c.measure * 1e4) / 1e4;
  }
  json["reasons"] = reason_texts(explanation);
}

std::string reason_lines(const Explanation& explanation) {
  std::string lines;
  for (const std::string& text : reason_texts(explanation)) lines += "\n     " + text;
  return lines;
}
