#include "reports/face_columns.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/json_line.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace tinyfiqa;

const char* const landmark_column_names[5] = {"image_left_eye", "image_right_eye", "nose", "image_left_mouth",
                                              "image_right_mouth"};

namespace {

std::string number(float x) { return format_text("%.2f", double{x}); }
/// Hundredths of a pixel, without the tail of a float.
double hundredths(float x) { return rounded(double{x}, 100); }

}  // namespace

const std::string& face_columns() {
  static const std::string columns = [] {
    std::string text = "face,confidence,box_x,box_y,box_w,box_h";
    for (const char* point : landmark_column_names) text += std::string(",") + point + "_x," + point + "_y";
    return text + ",note";
  }();
  return columns;
}

std::string face_fields(const FoundFace* found) {
  if (found == nullptr) return std::string(16, ',');
  const Face& face = found->face;
  std::string text = std::to_string(found->number) + "," + format_text("%.4f", double{face.confidence});
  for (const float x : {face.box.x, face.box.y, face.box.width, face.box.height}) text += "," + number(x);
  for (int i = 0; i < 5; ++i) text += "," + number(face.landmarks.x[i]) + "," + number(face.landmarks.y[i]);
  return text + "," + framing_note(*found);
}

Result<std::optional<FoundFace>> read_face_fields(
    const std::function<std::string(const std::string&)>& field) {
  FoundFace found;
  std::string problem;
  bool some = false;
  const auto read = [&](const std::string& name, float& value) {
    const std::string text = field(name);
    if (text.empty() || !problem.empty()) return;
    double number = 0;
    some = parse_number(text, name.c_str(), number, problem) && name != "confidence" ? true : some;
    value = static_cast<float>(std::clamp(number, -1e9, 1e9));
  };
  Face& face = found.face;
  read("confidence", face.confidence);
  read("box_x", face.box.x), read("box_y", face.box.y);
  read("box_w", face.box.width), read("box_h", face.box.height);
  for (int i = 0; i < 5; ++i) {
    const std::string name = landmark_column_names[i];
    read(name + "_x", face.landmarks.x[i]), read(name + "_y", face.landmarks.y[i]);
  }
  if (!problem.empty()) return Status::error(Errc::bad_format, problem);
  if (!some) return std::optional<FoundFace>();
  float number = 1;
  read("face", number);
  if (!problem.empty() || !(number >= 1))
    return Status::error(Errc::bad_format, "face is not a whole number of 1 or more");
  found.number = static_cast<std::size_t>(number);
  for (const Framing framing : {Framing::aligned, Framing::tight})
    if (field("note") == framing_name(framing)) found.framing = framing;
  return std::optional<FoundFace>(found);
}

Landmarks written_landmarks(const Face& face) {
  Landmarks landmarks;
  const auto read = [](float x) { return static_cast<float>(std::strtod(number(x).c_str(), nullptr)); };
  for (int i = 0; i < 5; ++i)
    landmarks.x[i] = read(face.landmarks.x[i]), landmarks.y[i] = read(face.landmarks.y[i]);
  return landmarks;
}

void add_face(nlohmann::ordered_json& json, const FoundFace& found) {
  const Face& face = found.face;
  json["face"] = found.number;
  json["confidence"] = std::round(double{face.confidence} * 1e4) / 1e4;
  json["box"] = {hundredths(face.box.x), hundredths(face.box.y), hundredths(face.box.width),
                 hundredths(face.box.height)};
  for (int i = 0; i < 5; ++i)
    json["landmarks"].push_back({hundredths(face.landmarks.x[i]), hundredths(face.landmarks.y[i])});
  if (*framing_note(found) != '\0') json["note"] = framing_note(found);
}

const char* framing_note(const FoundFace& found) {
  return found.framing == Framing::photo ? "" : framing_name(found.framing);
}
