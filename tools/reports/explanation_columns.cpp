#include "reports/explanation_columns.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "reports/text.hpp"

using namespace tinyfiqa;

std::vector<std::string> reason_texts(const Explanation& explanation) {
  std::vector<std::string> texts;
  for (const Reason& reason : reasons_of(explanation)) texts.push_back(reason.text());
  return texts;
}

namespace {

/// A reason's text with every number as one #: what all reasons of its kind have in common.
std::string without_numbers(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) out += c;
    if (digit && (out.empty() || out.back() != '#')) out += '#';
  }
  return out;
}

/// The reason of each kind, as without_numbers() gives its text.
const std::vector<std::pair<std::string, ComponentKind>>& reason_kinds() {
  static const auto kinds = [] {
    std::vector<std::pair<std::string, ComponentKind>> all;
    for (const ComponentSpec& spec : component_specs()) {
      Explanation bad;
      bad.set(spec.kind, spec.more_is_better ? spec.middle / 10 : spec.middle * 10);
      all.emplace_back(without_numbers(reasons_of(bad).at(0).text()), spec.kind);
    }
    return all;
  }();
  return kinds;
}

}  // namespace

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

std::vector<Reason> read_reasons(const std::string& field) {
  std::vector<Reason> reasons;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 2) {
    end = field.find("; ", begin);
    const std::string text = field.substr(begin, end == std::string::npos ? end : end - begin);
    const auto& kinds = reason_kinds();
    const auto same =
        std::find_if(kinds.begin(), kinds.end(),
                     [plain = without_numbers(text)](const auto& k) { return k.first == plain; });
    const std::size_t colon = text.find(": ");
    if (same != kinds.end() && colon != std::string::npos)
      reasons.push_back({same->second, text.substr(0, colon), text.substr(colon + 2)});
  }
  return reasons;
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
