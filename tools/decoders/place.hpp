// Rectangles of a photo, as it is stored and as it is upright.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <algorithm>
#include <utility>

/// A rectangle by its edges, in full pixels.
struct Edges {
  double left = 0, top = 0, right = 0, bottom = 0;

  bool empty() const { return left >= right || top >= bottom; }
  double longest_side() const { return std::max(right - left, bottom - top); }
};

/// The part of a box that lies in an image of this size.
inline Edges clip(const tinyfiqa::Box& box, int width, int height) {
  const auto inside = [](double value, int end) { return std::clamp(value, 0.0, static_cast<double>(end)); };
  return {inside(box.x, width), inside(box.y, height), inside(static_cast<double>(box.x) + box.width, width),
          inside(static_cast<double>(box.y) + box.height, height)};
}

inline tinyfiqa::Status no_pixel_in_box(int width, int height) {
  return tinyfiqa::Status::error(tinyfiqa::Errc::bad_argument, "the box holds no pixel of this photo of ",
                                 width, "x", height, " pixels");
}

/// What an EXIF orientation (1..8) does to a stored image of this size: its columns and rows may be reversed,
/// and then be exchanged with each other (tinyfiqa::detail::upright).
struct UprightTurn {
  bool flip_x, flip_y, swap;
  int width, height;

  UprightTurn(int orientation, int stored_width, int stored_height)
      : flip_x(orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8),
        flip_y(orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7),
        swap(orientation >= 5),
        width(stored_width),
        height(stored_height) {}

  int upright_width() const { return swap ? height : width; }
  int upright_height() const { return swap ? width : height; }
  Edges to_upright(const Edges& stored) const { return swapped(flipped(stored)); }
  Edges to_stored(const Edges& upright) const { return flipped(swapped(upright)); }

 private:
  Edges swapped(const Edges& e) const { return swap ? Edges{e.top, e.left, e.bottom, e.right} : e; }
  Edges flipped(Edges e) const {
    if (flip_x) e.left = width - std::exchange(e.right, width - e.left);
    if (flip_y) e.top = height - std::exchange(e.bottom, height - e.top);
    return e;
  }
};
