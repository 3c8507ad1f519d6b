#include "jobs/scoring/picture_heat.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

using namespace tinyfiqa;

namespace {

constexpr int cells = 24;  ///< of a picture, in both directions

/// Where the network saw a place of the picture: both in shares of their sides.
struct Place {
  double x, y;
};
using Seen = std::function<Place(double x, double y)>;

/// Aligned by the landmarks. They are in shares of the picture, so the picture's own sides come in.
std::optional<Seen> seen_aligned(const FacePicture& picture) {
  Landmarks points = picture.face->landmarks;
  const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  for (int i = 0; i < 5; ++i) points.x[i] *= width, points.y[i] *= height;
  const auto to_template = face_transform(points);
  if (!to_template) return std::nullopt;
  return [t = *to_template, width = double{width}, height = double{height}](double x, double y) {
    return Place{t.x(x * width, y * height) / aligned_side, t.y(x * width, y * height) / aligned_side};
  };
}

/// A square around the face.
Seen seen_loose(const FacePicture& picture) {
  const FaceBox& b = picture.face->box;
  const double side = double{loose_crop_heights} * double{b.height};  // in heights of the picture
  const double across = side * picture.height / picture.width;
  const double x0 = double{b.centre_x()} - across / 2, y0 = double{b.centre_y()} - side / 2;
  return [=](double x, double y) { return Place{(x - x0) / across, (y - y0) / side}; };
}

std::optional<Seen> seen_of(FaceCrop crop, const FacePicture& picture) {
  if (!picture.face) return Seen([](double x, double y) { return Place{x, y}; });
  if (crop == FaceCrop::aligned) return seen_aligned(picture);
  if (crop == FaceCrop::loose) return seen_loose(picture);
  return std::nullopt;
}

float value_at(const HeatMap& map, const Place& place) {
  const auto index = [](double share, int size) { return static_cast<int>(std::floor(share * size)); };
  const int x = index(place.x, map.width), y = index(place.y, map.height);
  return x >= 0 && y >= 0 && x < map.width && y < map.height ? map.at(y, x) : 0;
}

}  // namespace

std::optional<PictureHeat> picture_heat(const HeatMap& map, FaceCrop crop, const FacePicture& picture) {
  const auto seen = picture.jpeg.empty() ? std::nullopt : seen_of(crop, picture);
  const float largest = map.largest();
  if (!seen || !(largest > 0)) return std::nullopt;
  PictureHeat heat;
  heat.width = heat.height = cells;
  heat.place = {0, 0, 1, 1};
  for (int y = 0; y < cells; ++y)
    for (int x = 0; x < cells; ++x) {
      const float value = value_at(map, (*seen)((x + 0.5) / cells, (y + 0.5) / cells));
      heat.cells.push_back(static_cast<signed char>(std::lround(127 * value / largest)));
    }
  return heat;
}
