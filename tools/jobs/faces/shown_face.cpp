#include "jobs/faces/shown_face.hpp"

#include <algorithm>
#include <cmath>

using namespace tinyfiqa;

namespace {

/// An aligned face is sampled from an image with this many pixels for one of its own, at most.
constexpr double most_pixels_a_pixel = 1.5;

}  // namespace

Result<Image> shown_face(const ImageView& image, const Crop& crop, FaceCrop wanted, int height, int width) {
  if (wanted != FaceCrop::aligned || !crop.landmarks)
    return crop_and_resize(image, crop, wanted, height, width);
  const auto to_template = face_transform(*crop.landmarks);
  if (!to_template) return to_template.status();
  const double zoom = static_cast<double>(height) / aligned_side;
  Similarity back = inverse(*to_template);
  back.a /= zoom, back.b /= zoom;  // from pixels of the result to those of the image
  const double pixels = std::hypot(back.a, back.b);
  if (pixels <= most_pixels_a_pixel) return warp_image(image, back, height, width);
  const double share = most_pixels_a_pixel / pixels;
  const auto reduced = [&](int side) { return std::max(1, static_cast<int>(std::lround(side * share))); };
  const Image smaller = resize_image(image, reduced(image.height), reduced(image.width));
  const double scale = static_cast<double>(smaller.width) / image.width;
  for (double* const part : {&back.a, &back.b, &back.tx, &back.ty}) *part *= scale;
  return warp_image(smaller, back, height, width);
}
