#include "jobs/faces/draw_faces.hpp"

#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "reports/drawing.hpp"

using namespace tinyfiqa;

namespace {

constexpr Colour box_colour{0, 230, 118}, point_colour{255, 82, 82}, text_colour{255, 255, 255},
    shade{0, 0, 0};

/// The outline of a rectangle, as wide as `line` on each side of its edge.
void outline(Image& image, const FaceBox& b, float line, Colour colour) {
  const float right = b.x + b.width, bottom = b.y + b.height;
  fill(image, b.x - line, b.y - line, right + line, b.y + line, colour);
  fill(image, b.x - line, bottom - line, right + line, bottom + line, colour);
  fill(image, b.x - line, b.y - line, b.x + line, bottom + line, colour);
  fill(image, right - line, b.y - line, right + line, bottom + line, colour);
}

/// White text on a dark ground.
void write(Image& image, float left, float top, float size, const std::string& text) {
  fill(image, left, top, left + text_width(text, size), top + text_height(size), shade);
  draw_text(image, left, top, size, text, text_colour);
}

bool hides_a_face(const FaceBox& text, const DrawnFace& own, const std::vector<DrawnFace>& faces) {
  return std::any_of(faces.begin(), faces.end(),
                     [&](const DrawnFace& f) { return &f != &own && box_iou(text, f.found.face.box) > 0; });
}

}  // namespace

Image draw_faces(const ImageView& image, const std::vector<DrawnFace>& faces) {
  Image out = copy_image(image);
  const auto longest = static_cast<float>(std::max(image.width, image.height));
  const float line = std::max(0.5f, longest / 800), size = std::max(1.0f, std::round(longest / 500));
  for (const DrawnFace& f : faces) {
    const Face& face = f.found.face;
    outline(out, face.box, line, box_colour);
    const float dot = std::max(line, face.box.height / 60);
    for (int i = 0; i < 5; ++i)
      fill(out, face.landmarks.x[i] - dot, face.landmarks.y[i] - dot, face.landmarks.x[i] + dot,
           face.landmarks.y[i] + dot, point_colour);
  }
  const auto inside = [&](float left, const std::string& text) {
    return std::max(0.0f, std::min(left, static_cast<float>(out.width) - text_width(text, size)));
  };
  const float lowest = static_cast<float>(out.height) - text_height(size);
  for (const DrawnFace& f : faces) {
    const FaceBox& b = f.found.face.box;
    const float above = b.y - text_height(size), below = std::min(lowest, b.y + b.height);
    if (!f.text.empty())
      write(out, inside(b.x, f.text), above >= 0 ? above : std::max(0.0f, b.y), size, f.text);
    if (f.note.empty()) continue;
    // Below the box: to the right of its left edge, or, if another face is there, to the left of its right edge.
    const float width = text_width(f.note, size), first = inside(b.x, f.note);
    const bool hides = hides_a_face({first, below, width, text_height(size)}, f, faces);
    write(out, hides ? inside(b.x + b.width - width, f.note) : first, below, size, f.note);
  }
  return out;
}

Status write_jpeg(const std::string& path, const ImageView& image, int quality) {
  const auto bytes = encode_jpeg(image, quality);
  if (!bytes) return bytes.status().prefixed(path, ": ");
  const Bytes content(*bytes);
  return write_file(path, {&content, 1});
}

PictureNames::PictureNames(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) ++stems_[std::filesystem::path(path).stem().string()];
}

std::string PictureNames::of(const std::string& path) const {
  std::string name = std::filesystem::path(path).stem().string();
  const auto same = stems_.find(name);
  if (same == stems_.end() || same->second < 2) return name;
  name = std::filesystem::path(path).relative_path().string();
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

Status write_drawing(const std::string& folder, const std::string& name, const std::string& path,
                     const ImageView& picture) {
  const std::string to = folder + "/" + name + ".jpg";
  std::error_code ignored;  // of a file that is not there
  if (std::filesystem::equivalent(to, path, ignored))
    return Status::error(Errc::bad_argument, to, ": is the photo itself; give --draw another folder");
  return write_jpeg(to, picture, 92);
}
