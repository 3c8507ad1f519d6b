#include "reports/drawing.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

using namespace tinyfiqa;

void fill(Image& image, float left, float top, float right, float bottom, Colour colour) {
  const auto edge = [](float at, int size) { return std::clamp(static_cast<int>(std::lround(at)), 0, size); };
  const int x0 = edge(left, image.width), x1 = edge(right, image.width);
  for (int y = edge(top, image.height); y < edge(bottom, image.height); ++y)
    for (int x = x0; x < x1; ++x) {
      unsigned char* const pixel = image.pixel(x, y);
      pixel[0] = colour.r, pixel[1] = colour.g, pixel[2] = colour.b;
    }
}

void paste(const Image& from, int left, int top, Image& to) {
  for (int y = 0; y < from.height; ++y)
    std::copy_n(from.pixel(0, y), 3 * from.width, to.pixel(left, top + y));
}

float text_width(std::string text, float size) {
  return static_cast<float>(stb_easy_font_width(text.data()) + 2) * size;
}

void draw_text(Image& image, float left, float top, float size, std::string text, Colour colour) {
  struct Vertex {
    float x, y, z;
    unsigned char colour[4];
  };
  std::vector<Vertex> corners(std::max<std::size_t>(1, text.size()) * 64);
  const int quads = stb_easy_font_print(0, 0, text.data(), nullptr, corners.data(),
                                        static_cast<int>(corners.size() * sizeof(Vertex)));
  for (std::size_t i = 0; i < static_cast<std::size_t>(quads); ++i) {
    const Vertex &a = corners[4 * i], &c = corners[4 * i + 2];
    fill(image, left + (a.x + 1) * size, top + (a.y + 1) * size, left + (c.x + 1) * size,
         top + (c.y + 1) * size, colour);
  }
}
