// Rectangles and text in images.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <string>

struct Colour {
  unsigned char r, g, b;
};

/// Fills the part of the rectangle that lies in the image.
void fill(tinyfiqa::Image& image, float left, float top, float right, float bottom, Colour colour);

/// Copies an image into another one, in which it must fit.
void paste(const tinyfiqa::Image& from, int left, int top, tinyfiqa::Image& to);

/// Width and height in pixels of text that draw_text() enlarges by `size`, with a margin of `size` around it.
float text_width(std::string text, float size);
inline float text_height(float size) { return 11 * size; }

/// Text in a font of rectangles. (left, top) is the corner of its margin.
void draw_text(tinyfiqa::Image& image, float left, float top, float size, std::string text, Colour colour);
