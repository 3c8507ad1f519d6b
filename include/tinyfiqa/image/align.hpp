// Alignment: a similarity transform moves the five landmarks of a face to a template of 112 x 112 pixels.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/image/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

TINYFIQA_BEGIN

/// Five points of a face in pixels of the image, x to the right, y down: the eye on the left of the image,
/// the eye on its right, the tip of the nose, the left and the right corner of the mouth.
struct Landmarks {
  float x[5] = {}, y[5] = {};
};

/// Height and width of an aligned face.
inline constexpr int aligned_side = 112;
/// The landmarks (x, y) of an aligned face, the template of most face recognition networks.
inline constexpr double face_template[5][2] = {
    {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}};

/// The average landmarks in the box of a face detector: x in widths of the box from its left edge, y in heights from
/// its top. Measured on 21,014 images of LFW, CelebA and a third collection of people, most of them nearly frontal:
/// medians in each collection, averaged over the collections and over the left and right half of the face.
inline constexpr double box_template[5][2] = {
    {0.266, 0.387}, {0.734, 0.387}, {0.5, 0.588}, {0.295, 0.734}, {0.705, 0.734}};
/// Height of such a box in widths, measured in the same way.
inline constexpr double box_template_aspect = 1.36;

/// (x, y) -> (a x - b y + tx, b x + a y + ty): a rotation, one scale and a shift, without reflection.
struct Similarity {
  double a = 1, b = 0, tx = 0, ty = 0;

  double x(double px, double py) const { return a * px - b * py + tx; }
  double y(double px, double py) const { return b * px + a * py + ty; }
};

/// The inverse of `s`, whose scale must not be 0.
inline Similarity inverse(const Similarity& s) {
  const double squared_scale = s.a * s.a + s.b * s.b, a = s.a / squared_scale, b = -s.b / squared_scale;
  return {a, b, -(a * s.tx - b * s.ty), -(b * s.tx + a * s.ty)};
}

/// The transform from `from` to `to` with the least sum of squared distances (Umeyama 1991, in two dimensions
/// and in closed form). With s and d, the points of `from` and `to` minus their means:
///   a = sum(s . d) / sum(|s|^2)
///   b = sum(s x d) / sum(|s|^2)
/// Errors: not_finite; bad_argument if the points nearly coincide, or if no rotation is best
/// (mirrored points).
inline Result<Similarity> fit_similarity(const Landmarks& from, const double (&to)[5][2]) {
  double sx = 0, sy = 0, dx = 0, dy = 0;
  for (int i = 0; i < 5; ++i) {
    if (!std::isfinite(from.x[i]) || !std::isfinite(from.y[i]))
      return Status::error(Errc::not_finite, "landmark ", i + 1,
                           " of 5 is not a number; check the landmark file");
    sx += from.x[i] / 5.0, sy += from.y[i] / 5.0, dx += to[i][0] / 5, dy += to[i][1] / 5;
  }
  double spread = 0, dot = 0, cross = 0, to_spread = 0;
  for (int i = 0; i < 5; ++i) {
    const double px = from.x[i] - sx, py = from.y[i] - sy, qx = to[i][0] - dx, qy = to[i][1] - dy;
    spread += px * px + py * py;
    to_spread += qx * qx + qy * qy;
    dot += px * qx + py * qy;
    cross += px * qy - py * qx;
  }
  // Below a hundredth of a pixel, or 1e-6 of the coordinates (the resolution of float), the shape is lost.
  const double resolution = 1e-6 * (std::abs(sx) + std::abs(sy)) + 0.01;
  if (!(spread > 5 * resolution * resolution))
    return Status::error(Errc::bad_argument, "the five landmarks coincide; check the landmark file");
  if (!(dot * dot + cross * cross > 1e-12 * spread * to_spread))
    return Status::error(Errc::bad_argument, "the five landmarks have no best rotation; check their order");
  const double a = dot / spread, b = cross / spread;
  return Similarity{a, b, dx - (a * sx - b * sy), dy - (b * sx + a * sy)};
}

namespace detail {

/// The least share of the template's spread that landmarks of a face explain. Measured on 306,000 faces, profiles and
/// degraded ones among them: 0.45 at least, half of them 0.98. Mirrored points and points with x and y exchanged have
/// 0.02 (half of them), points in other orders 0.03 to 0.3.
constexpr double least_face_fit = 0.4;

/// The share of the template's spread (0..1) that the landmarks have after the best similarity transform.
inline double face_fit(const Landmarks& landmarks, const Similarity& to_template) {
  double left = 0, spread = 0, mx = 0, my = 0;
  for (int i = 0; i < 5; ++i) mx += face_template[i][0] / 5, my += face_template[i][1] / 5;
  for (int i = 0; i < 5; ++i) {
    const double x = landmarks.x[i], y = landmarks.y[i], tx = face_template[i][0], ty = face_template[i][1];
    const double dx = to_template.x(x, y) - tx, dy = to_template.y(x, y) - ty;
    left += dx * dx + dy * dy;
    spread += (tx - mx) * (tx - mx) + (ty - my) * (ty - my);
  }
  return 1 - left / spread;
}

}  // namespace detail

/// The transform that brings the landmarks of a face to face_template. Errors: those of fit_similarity(); bad_argument for
/// points that are no eyes, nose and corners of the mouth in this order, with left and right as seen in the image.
inline Result<Similarity> face_transform(const Landmarks& landmarks) {
  auto transform = fit_similarity(landmarks, face_template);
  if (!transform || detail::face_fit(landmarks, *transform) >= detail::least_face_fit) return transform;
  Landmarks exchanged = landmarks;
  std::swap(exchanged.x[0], exchanged.x[1]), std::swap(exchanged.y[0], exchanged.y[1]);
  std::swap(exchanged.x[3], exchanged.x[4]), std::swap(exchanged.y[3], exchanged.y[4]);
  const auto other = fit_similarity(exchanged, face_template);
  const bool mirrored = other && detail::face_fit(exchanged, *other) >= detail::least_face_fit;
  return Status::error(
      Errc::bad_argument,
      mirrored
          ? "the landmarks are mirrored, or x and y are exchanged; left and right are as seen in the image"
          : "the landmarks are not those of a face; the order is left eye, right eye, nose, left and "
            "right corner of the mouth, each x before y");
}

namespace detail {

template <ChannelOrder Order>
inline void warp_pixels(const ImageView& image, const Similarity& to_image, Image& out) {
  constexpr PixelLayout layout = pixel_layout(Order);
  constexpr int channels[3] = {layout.red, layout.green, layout.blue};
  const auto pixel = [&](int x, int y) {
    return image.data + image.row_stride * y + std::ptrdiff_t{layout.bytes} * x;
  };
  unsigned char* to = out.rgb.data();
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x, to += 3) {
      const double px = to_image.x(x + 0.5, y + 0.5), py = to_image.y(x + 0.5, y + 0.5);
      if (!(px >= 0 && px < image.width && py >= 0 && py < image.height)) continue;
      const int left = static_cast<int>(px + 0.5) - 1,
                top = static_cast<int>(py + 0.5) - 1;  // floor(p - 0.5)
      const double fx = px - 0.5 - left, fy = py - 0.5 - top;
      const int x0 = left < 0 ? 0 : left, x1 = left + 1 < image.width ? left + 1 : left;
      const int y0 = top < 0 ? 0 : top, y1 = top + 1 < image.height ? top + 1 : top;
      const unsigned char *a = pixel(x0, y0), *b = pixel(x1, y0), *c = pixel(x0, y1), *d = pixel(x1, y1);
      for (int k = 0; k < 3; ++k) {
        const int i = channels[k];
        const double upper = a[i] + (b[i] - a[i]) * fx, lower = c[i] + (d[i] - c[i]) * fx;
        to[k] = static_cast<unsigned char>(upper + (lower - upper) * fy);
      }
    }
}

}  // namespace detail

/// out(x, y) = image at to_image(x, y), bilinear, black outside. Equals PIL's
///   image.transform((width, height), AFFINE, to_image, BILINEAR)
/// Pixel centres are at half coordinates. Sums are truncated to 8 bits, not rounded, as PIL does. The view
/// must pass check_view(); height and width at least 1.
inline Image warp_image(const ImageView& image, const Similarity& to_image, int height, int width) {
  Image out(width, height);
  switch (image.order) {
    case ChannelOrder::rgb:
      detail::warp_pixels<ChannelOrder::rgb>(image, to_image, out);
      break;
    case ChannelOrder::bgr:
      detail::warp_pixels<ChannelOrder::bgr>(image, to_image, out);
      break;
    case ChannelOrder::rgba:
      detail::warp_pixels<ChannelOrder::rgba>(image, to_image, out);
      break;
    case ChannelOrder::bgra:
      detail::warp_pixels<ChannelOrder::bgra>(image, to_image, out);
      break;
    case ChannelOrder::grey:
      detail::warp_pixels<ChannelOrder::grey>(image, to_image, out);
      break;
  }
  return out;
}

namespace detail {

/// A face that has more than this many pixels of the image for one of the template's, in each direction, is reduced
/// before it is aligned: the bilinear warp sees four pixels and would miss those between.
inline constexpr double most_pixels_a_pixel = 2;

/// The part of the image that an aligned face shows, reduced to 1.5 pixels for each of the template's, antialiased; and
/// `to_template` for it. The transform must place some of the template in the image.
inline Image reduce_face(const ImageView& image, Similarity& to_template, const Backend& backend) {
  const Similarity back = inverse(to_template);
  double left = image.width, top = image.height, right = 0, bottom = 0;
  for (const double x : {0.0, static_cast<double>(aligned_side)})
    for (const double y : {0.0, static_cast<double>(aligned_side)}) {
      left = std::min(left, back.x(x, y)), right = std::max(right, back.x(x, y));
      top = std::min(top, back.y(x, y)), bottom = std::max(bottom, back.y(x, y));
    }
  const double pixels = std::hypot(back.a, back.b), margin = 2 * pixels;
  const auto edge = [](double at, int size) {
    return static_cast<int>(std::clamp(at, 0.0, static_cast<double>(size)));
  };
  Box part;
  part.x = std::min(edge(left - margin, image.width), image.width - 1);
  part.y = std::min(edge(top - margin, image.height), image.height - 1);
  part.width = std::max(1, edge(right + margin, image.width) - part.x);
  part.height = std::max(1, edge(bottom + margin, image.height) - part.y);
  const auto reduced = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side * 1.5 / pixels)));
  };
  const int width = reduced(part.width), height = reduced(part.height);
  // One scale for both directions: they differ by the rounding of the sizes only.
  const double zoom = std::sqrt(static_cast<double>(part.width) / width * part.height / height);
  const double tx = to_template.x(part.x, part.y), ty = to_template.y(part.x, part.y);
  to_template.tx = tx;
  to_template.ty = ty;
  to_template.a *= zoom;
  to_template.b *= zoom;
  return resize_image(image, part, height, width, backend);
}

}  // namespace detail

namespace detail {

/// Errors: bad_argument if all five landmarks lie outside the image.
inline Status check_inside(const ImageView& image, const Landmarks& landmarks) {
  for (int i = 0; i < 5; ++i) {
    const float x = landmarks.x[i], y = landmarks.y[i];
    if (x >= 0 && y >= 0 && x < static_cast<float>(image.width) && y < static_cast<float>(image.height))
      return Status();
  }
  return Status::error(Errc::bad_argument, "all five landmarks lie outside the image of ", image.width, "x",
                       image.height, " pixels; were they found at another size?");
}

}  // namespace detail

/// The face [112, 112, 3], with its landmarks as close to face_template as a similarity transform brings
/// them. Large faces are reduced first, without aliasing. Errors: those of check_view() and face_transform(), and
/// bad_argument if all five landmarks lie outside the image.
inline Result<Image> align_face(const ImageView& image, const Landmarks& landmarks,
                                const Backend& backend = native_backend()) {
  if (const Status status = check_view(image); !status) return status;
  const Result<Similarity> to_template = face_transform(landmarks);
  if (!to_template) return to_template.status();
  if (const Status status = detail::check_inside(image, landmarks); !status) return status;
  if (std::hypot(to_template->a, to_template->b) * detail::most_pixels_a_pixel >= 1)
    return warp_image(image, inverse(*to_template), aligned_side, aligned_side);
  Similarity to_aligned = *to_template;
  const Image reduced = detail::reduce_face(image, to_aligned, backend);
  return warp_image(reduced, inverse(to_aligned), aligned_side, aligned_side);
}

TINYFIQA_END
