// An image of a face by a formula, as a constant in flash: a skin-coloured ellipse with eyes and a mouth on a background.
#pragma once

/// RGB levels [Side, Side, 3], or BGR.
template <int Side, bool Bgr = false>
struct FaceImage {
  unsigned char levels[Side * Side * 3] = {};

  constexpr FaceImage() {
    constexpr int skin[3] = {214, 168, 142}, background[3] = {70, 92, 118}, dark[3] = {58, 40, 36};
    for (int y = 0; y < Side; ++y)
      for (int x = 0; x < Side; ++x) {
        const bool face = inside(x, y, 50, 52, 34, 44),
                   eye = inside(x, y, 36, 42, 6, 4) || inside(x, y, 64, 42, 6, 4),
                   mouth = inside(x, y, 50, 74, 14, 4);
        const int* const colour = eye || mouth ? dark : face ? skin : background;
        const int light = (x - y) * 40 / Side;  // from the upper right
        for (int c = 0; c < 3; ++c) levels[(y * Side + x) * 3 + (Bgr ? 2 - c : c)] = level(colour[c] + light);
      }
  }

 private:
  /// True in the ellipse around (cx, cy); all in hundredths of the side.
  static constexpr bool inside(int x, int y, int cx, int cy, int half_width, int half_height) {
    const int dx = x * 100 / Side - cx, dy = y * 100 / Side - cy;
    return dx * dx * half_height * half_height + dy * dy * half_width * half_width <=
           half_width * half_width * half_height * half_height;
  }
  static constexpr unsigned char level(int value) {
    return static_cast<unsigned char>(value < 0 ? 0 : value > 255 ? 255 : value);
  }
};
