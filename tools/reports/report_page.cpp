#include "reports/report_page.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <utility>

#include "reports/base64.hpp"
#include "reports/explanation_columns.hpp"
#include "reports/json_line.hpp"
#include "reports/page_files.hpp"
#include "reports/text.hpp"
#include "reports/xml_text.hpp"

using namespace tinyfiqa;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const char* const chart_library_advice =
    "this tinyfiqa was built without Chart.js, so reports have no histogram; install libjs-chart.js "
    "(Debian), or configure with -DTINYFIQA_CHART_JS=PATH, and build it again";

bool has_chart_library() { return !chart_script_file().text.empty(); }

ReportFace report_face(const ScoreRow& row, const std::string& file, ShownScore shown) {
  ReportFace face;
  face.path = row.path;
  face.file = file;
  if (!row.status.ok()) {
    face.error = short_message(row.status, row.path);
    return face;
  }
  if (shown == ShownScore::quality) {
    face.quality = whole_quality(row.score.quality);
    face.band = band_name(*row.score.band);
  }
  face.score = double{row.score.value};
  face.face = row.face;
  if (row.face) face.note = framing_note(*row.face);
  if (!row.explanation) return face;
  for (const ComponentSpec& spec : component_specs()) {
    const Component& c = (*row.explanation)[spec.kind];
    face.components.push_back(c.known() ? std::optional<int>(c.whole()) : std::nullopt);
  }
  face.reasons = reasons_of(*row.explanation);
  return face;
}

namespace {

/// The beginning of every report, by which it is recognised.
constexpr const char* generator = "<meta name=\"generator\" content=\"tinyfiqa report\">";

/// A path as the address of a link. Bytes that are no letters become %XX, so that every name works.
std::string link_address(const std::string& file, const std::string& out) {
  std::error_code ignored;
  const fs::path from = fs::absolute(out, ignored).lexically_normal().parent_path();
  const fs::path to = fs::absolute(file, ignored).lexically_normal();
  std::string address;
  for (const char c : to.lexically_relative(from).generic_string()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    address += plain ? std::string(1, c)
                     : format_text("%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return address;
}

/// Shares of the picture, in ten-thousandths.
double share(float x) { return rounded(double{x}, 1e4); }

Json picture_json(const FacePicture& picture) {
  Json json{{"width", picture.width}, {"height", picture.height}};
  if (picture.face) {
    const FaceBox& b = picture.face->box;
    if (b.area() > 0) json["box"] = {share(b.x), share(b.y), share(b.width), share(b.height)};
    for (int i = 0; i < 5; ++i)
      json["points"].push_back({share(picture.face->landmarks.x[i]), share(picture.face->landmarks.y[i])});
  }
  json["jpeg"] = base64_text(picture.jpeg);
  return json;
}

Json heat_json(const PictureHeat& heat) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(heat.cells.data());
  Json json{{"width", heat.width}, {"height", heat.height}};
  for (const float x : heat.place) json["place"].push_back(share(x));
  json["data"] = base64_text({bytes, heat.cells.size()});
  return json;
}

Json face_json(const ReportFace& face, const std::string& out) {
  Json json{{"path", face.path}, {"link", link_address(face.file, out)}};
  if (!face.error.empty()) json["error"] = face.error;
  if (!face.note.empty()) json["note"] = face.note;
  if (face.face) json["face"] = face.face->number;
  if (face.quality) json["quality"] = *face.quality;
  if (!face.band.empty()) json["band"] = face.band;
  if (std::isfinite(face.score)) json["score"] = rounded(face.score, 1e6);
  for (const auto& value : face.components) json["components"].push_back(value ? Json(*value) : Json());
  for (const Reason& reason : face.reasons)
    json["reasons"].push_back({{"component", component_spec(reason.kind).name},
                               {"fault", reason.fault},
                               {"remedy", reason.remedy}});
  if (face.person) json["person"] = *face.person;
  if (face.heat) json["heat"] = heat_json(*face.heat);
  if (!face.picture.jpeg.empty()) json["picture"] = picture_json(face.picture);
  return json;
}

/// The data as JSON that may stand inside an element: it has no "<".
std::string data_text(const Report& report, const std::string& out) {
  Json json{{"title", report.title},
            {"shown", report.shown == ShownScore::quality ? "quality" : "raw"},
            {"scored_by", report.scored_by},
            {"explained", report.explained}};
  for (const ComponentSpec& spec : component_specs()) json["components"].push_back(spec.name);
  json["bands"] = Json::array();
  for (const Band band : {Band::reject, Band::poor, Band::fair, Band::good})
    json["bands"].push_back(band_name(band));
  json["chart_advice"] = has_chart_library() ? "" : chart_library_advice;
  json["faces"] = Json::array();
  for (const ReportFace& face : report.faces) json["faces"].push_back(face_json(face, out));
  const std::string plain = json_line(json);
  std::string text;
  text.reserve(plain.size());
  for (const char c : plain) c == '<' ? text += "\\u003c" : text += c;
  return text;
}

/// A file's hash as a source of a content security policy.
std::string policy_hash(const PageFile& file) {
  const std::string_view digits = file.sha256;
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<unsigned char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  return bytes.empty() ? "" : " 'sha256-" + base64_text(bytes) + "'";
}

/// The page shows itself and nothing else: it connects to nothing, and runs no other script than its own.
std::string policy() {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; style-src" +
         policy_hash(page_style_file()) + "; script-src" + policy_hash(page_script_file()) +
         policy_hash(chart_script_file());
}

/// What stands for {{name}} in the page.
std::string value_of(std::string_view name, const Report& report, const std::string& out) {
  if (name == "generator") return generator;
  if (name == "policy") return policy();
  if (name == "title") return escape_xml(report.title);
  if (name == "style") return std::string(page_style_file().text);
  if (name == "chart") return std::string(chart_script_file().text);
  if (name == "script") return std::string(page_script_file().text);
  if (name == "licence") return escape_xml(std::string(chart_licence_file().text));
  if (name == "data") return data_text(report, out);
  return "";
}

}  // namespace

std::string report_page(const Report& report, const std::string& out) {
  std::string_view rest = page_html_file().text;
  std::string page;
  for (;;) {
    const std::size_t begin = rest.find("{{"), end = rest.find("}}");
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    page += rest.substr(0, begin);
    page += value_of(rest.substr(begin + 2, end - begin - 2), report, out);
    rest.remove_prefix(end + 2);
  }
  page += rest;
  return page;
}

bool is_report_page(const std::string& text) { return text.find(generator) < 4096; }
