#include "reports/face_columns.hpp"

#include "reports/text.hpp"

#include <cmath>
#include <cstdlib>

using namespace tinyfiqa;

namespace {

constexpr const char* points[5] = {"image_left_eye", "image_right_eye", "nose", "image_left_mouth",
                                   "image_right_mouth"};

std::string number(float x) { return format_text("%.2f", double{x}); }
/// Hundredths of a pixel, without the tail of a float.
double rounded(float x) { return std::round(double{x} * 100) / 100; }

}  // namespace

const std::string& face_columns() {
  static const std::string columns = [] {
    std::string text = "face,confidence,box_x,box_y,box_w,box_h";
    for (const char* point : points) text += std::string(",") + point + "_x," + point + "_y";
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
  json["box"] = {rounded(face.box.x), rounded(face.box.y), rounded(face.box.width), rounded(face.box.height)};
  for (int i = 0; i < 5; ++i)
    json["landmarks"].push_back({rounded(face.landmarks.x[i]), rounded(face.landmarks.y[i])});
  if (*framing_note(found) != '\0') json["note"] = framing_note(found);
}

const char* framing_note(const FoundFace& found) {
  return found.framing == Framing::photo ? "" : framing_name(found.framing);
}
