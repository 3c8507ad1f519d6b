#include "reports/heat_picture.hpp"

#include "reports/drawing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace tinyfiqa;

namespace {

constexpr Colour ground{255, 255, 255}, ink{32, 32, 32};
/// Of the colour-blind safe palette of Okabe and Ito.
constexpr Colour raises{230, 159, 0}, lowers{0, 114, 178};
constexpr float opacity = 0.8f, text_size = 2;
constexpr int margin = 16, caption_height = 30, legend_height = 44, line_height = 26, bar_height = 12;

unsigned char mix(float from, unsigned char to, float share) {
  return static_cast<unsigned char>(std::lround(from + (static_cast<float>(to) - from) * share));
}

/// The value between the middles of pixels, bilinear; `y` and `x` in pixels of the map.
float value_at(const HeatMap& map, float y, float x) {
  const auto neighbours = [](float at, int size, int& low, int& high) {
    const float place = std::clamp(at - 0.5f, 0.0f, static_cast<float>(size - 1));
    low = static_cast<int>(place);
    high = std::min(low + 1, size - 1);
    return place - static_cast<float>(low);
  };
  int y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  const float fy = neighbours(y, map.height, y0, y1), fx = neighbours(x, map.width, x0, x1);
  const float upper = map.at(y0, x0) + (map.at(y0, x1) - map.at(y0, x0)) * fx;
  const float lower = map.at(y1, x0) + (map.at(y1, x1) - map.at(y1, x0)) * fx;
  return upper + (lower - upper) * fy;
}

/// A level of grey with the colour of `share` (-1 .. 1) over it.
void put(unsigned char* pixel, float grey, float share) {
  const Colour colour = share > 0 ? raises : lowers;
  const float strength = opacity * std::abs(share);
  pixel[0] = mix(grey, colour.r, strength);
  pixel[1] = mix(grey, colour.g, strength);
  pixel[2] = mix(grey, colour.b, strength);
}

/// A bar from -1 to 1 with its two ends named.
void draw_legend(Image& image, int top) {
  const int width = image.width - 2 * margin;
  for (int y = 0; y < bar_height; ++y)
    for (int x = 0; x < width; ++x)
      put(image.pixel(margin + x, top + y), 235, 2 * static_cast<float>(x) / static_cast<float>(width) - 1);
  const auto below = static_cast<float>(top + bar_height);
  const std::string right = "raises the score";
  draw_text(image, margin - text_size, below, text_size, "lowers the score", ink);
  draw_text(image, static_cast<float>(image.width - margin) - text_width(right, text_size), below, text_size,
            right, ink);
}

/// The longest beginning of the text that fits, with dots if something is left out.
std::string fitting(const std::string& text, float width) {
  if (text_width(text, text_size) <= width) return text;
  std::string part = text;
  while (!part.empty() && text_width(part + "...", text_size) > width) part.pop_back();
  return part + "...";
}

}  // namespace

Image coloured_by(const HeatMap& map, const Image& face) {
  Image out = copy_image(face);
  const float largest = std::max(map.largest(), 1e-30f);
  const float down = static_cast<float>(map.height) / static_cast<float>(face.height),
              right = static_cast<float>(map.width) / static_cast<float>(face.width);
  for (int y = 0; y < face.height; ++y)
    for (int x = 0; x < face.width; ++x) {
      unsigned char* const p = out.pixel(x, y);
      const float grey = luma_weights[0] * p[0] + luma_weights[1] * p[1] + luma_weights[2] * p[2];
      put(p, grey,
          value_at(map, (static_cast<float>(y) + 0.5f) * down, (static_cast<float>(x) + 0.5f) * right) /
              largest);
    }
  return out;
}

Image heat_picture(const Image& face, const HeatMap& map, const std::vector<std::string>& lines) {
  const int width = 2 * face.width + 3 * margin;
  const int legend_top = margin + caption_height + face.height + margin;
  const int height = legend_top + legend_height + static_cast<int>(lines.size()) * line_height + margin;
  Image out(width, height);
  fill(out, 0, 0, static_cast<float>(width), static_cast<float>(height), ground);
  const int second = 2 * margin + face.width;
  draw_text(out, margin - text_size, margin, text_size, "the face", ink);
  draw_text(out, static_cast<float>(second) - text_size, margin, text_size, "its heat map", ink);
  paste(face, margin, margin + caption_height, out);
  paste(coloured_by(map, face), second, margin + caption_height, out);
  draw_legend(out, legend_top);
  float at = static_cast<float>(legend_top + legend_height);
  for (const std::string& line : lines) {
    draw_text(out, margin - text_size, at, text_size, fitting(line, static_cast<float>(width - 2 * margin)),
              ink);
    at += line_height;
  }
  return out;
}
