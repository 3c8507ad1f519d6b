#include "jobs/faces/draw_faces.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

using namespace tinyfiqa;

namespace {

struct Colour {
  unsigned char r, g, b;
};
constexpr Colour box_colour{0, 230, 118}, point_colour{255, 82, 82}, text_colour{255, 255, 255},
    shade{0, 0, 0};

/// Fills the part of the rectangle that lies in the image.
void fill(Image& image, float left, float top, float right, float bottom, Colour colour) {
  const auto edge = [](float at, int size) { return std::clamp(static_cast<int>(std::lround(at)), 0, size); };
  const int x0 = edge(left, image.width), x1 = edge(right, image.width);
  for (int y = edge(top, image.height); y < edge(bottom, image.height); ++y)
    for (int x = x0; x < x1; ++x) {
      unsigned char* const pixel = image.pixel(x, y);
      pixel[0] = colour.r, pixel[1] = colour.g, pixel[2] = colour.b;
    }
}

/// The outline of a rectangle, as wide as `line` on each side of its edge.
void outline(Image& image, const FaceBox& b, float line, Colour colour) {
  const float right = b.x + b.width, bottom = b.y + b.height;
  fill(image, b.x - line, b.y - line, right + line, b.y + line, colour);
  fill(image, b.x - line, bottom - line, right + line, bottom + line, colour);
  fill(image, b.x - line, b.y - line, b.x + line, bottom + line, colour);
  fill(image, right - line, b.y - line, right + line, bottom + line, colour);
}

float text_width(std::string text, float size) {
  return static_cast<float>(stb_easy_font_width(text.data()) + 2) * size;
}

/// Text in a small font of rectangles, enlarged by `size`, on a dark ground.
void write(Image& image, float left, float top, float size, std::string text) {
  struct Vertex {
    float x, y, z;
    unsigned char colour[4];
  };
  std::vector<Vertex> corners(std::max<std::size_t>(1, text.size()) * 64);
  const int quads = stb_easy_font_print(0, 0, text.data(), nullptr, corners.data(),
                                        static_cast<int>(corners.size() * sizeof(Vertex)));
  fill(image, left, top, left + text_width(text, size), top + 11 * size, shade);
  for (std::size_t i = 0; i < static_cast<std::size_t>(quads); ++i) {
    const Vertex &a = corners[4 * i], &c = corners[4 * i + 2];
    fill(image, left + (a.x + 1) * size, top + (a.y + 1) * size, left + (c.x + 1) * size,
         top + (c.y + 1) * size, text_colour);
  }
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
  for (const DrawnFace& f : faces) {
    const FaceBox& b = f.found.face.box;
    const float above = b.y - 11 * size;
    if (f.text.empty()) continue;
    const float rightmost = static_cast<float>(out.width) - text_width(f.text, size);
    write(out, std::max(0.0f, std::min(b.x, rightmost)), above >= 0 ? above : std::max(0.0f, b.y), size,
          f.text);
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
