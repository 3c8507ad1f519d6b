// From an image to the input of a network: crop or align the face, resize, apply a view, scale to floats.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

TINYFIQA_BEGIN

/// What a network wants to see of a face.
enum class FaceCrop : unsigned char {
  whole,    ///< the whole image
  aligned,  ///< the face, aligned by its landmarks (image/align.hpp)
  loose,    ///< a square of 1.8 times the face's height around it, cut off at the image's border
};

/// "whole", "aligned" or "loose".
constexpr const char* face_crop_name(FaceCrop crop) {
  constexpr const char* names[] = {"whole", "aligned", "loose"};
  return names[static_cast<unsigned char>(crop)];
}
/// The crop of that name; none for any other text.
inline std::optional<FaceCrop> parse_face_crop(std::string_view name) {
  for (const FaceCrop crop : {FaceCrop::whole, FaceCrop::aligned, FaceCrop::loose})
    if (name == face_crop_name(crop)) return crop;
  return std::nullopt;
}

/// The input of a network: [height, width, 3], x = (level - mean) * scale with levels 0..255.
struct InputSpec {
  int height = 0, width = 0;
  LevelScale levels;
  ChannelOrder order = ChannelOrder::rgb;  ///< rgb or bgr; also of mean and scale
  FaceCrop crop = FaceCrop::whole;         ///< of a face that was found in an image

  /// Floats of one image.
  std::size_t size() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3; }
};

/// Input of the ImageNet networks: mean 0.485 0.456 0.406, standard deviation 0.229 0.224 0.225 of RGB / 255.
/// 600 x 416 (height x width) is the size of the perceptual ensemble.
constexpr InputSpec imagenet_input(int height = 600, int width = 416) {
  return {height,
          width,
          {{255 * 0.485f, 255 * 0.456f, 255 * 0.406f},
           {1 / (255 * 0.229f), 1 / (255 * 0.224f), 1 / (255 * 0.225f)}},
          ChannelOrder::rgb,
          FaceCrop::loose};
}
/// Input of tinyFQnet: an aligned face, (level - 127.5) / 128.
constexpr InputSpec tinyfqnet_input(int height = 64, int width = 64) {
  return {height,
          width,
          {{127.5f, 127.5f, 127.5f}, {1 / 128.0f, 1 / 128.0f, 1 / 128.0f}},
          ChannelOrder::rgb,
          FaceCrop::aligned};
}

/// Input of MobileFaceNet: an aligned face, (level - 127.5) * 0.007813. Its weight files round 1/128 so.
constexpr InputSpec mobilefacenet_input() {
  return {aligned_side,
          aligned_side,
          {{127.5f, 127.5f, 127.5f}, {0.007813f, 0.007813f, 0.007813f}},
          ChannelOrder::rgb,
          FaceCrop::aligned};
}

/// Input of the other recognisers: an aligned face, (level - 127.5) / 127.5, as in the insightface project.
constexpr InputSpec face_input() {
  return {aligned_side,
          aligned_side,
          {{127.5f, 127.5f, 127.5f}, {1 / 127.5f, 1 / 127.5f, 1 / 127.5f}},
          ChannelOrder::rgb,
          FaceCrop::aligned};
}

/// Input of YuNet: any multiple of 32, BGR levels as they are.
constexpr InputSpec yunet_input(int height = 320, int width = 320) {
  return {height, width, {{0, 0, 0}, {1, 1, 1}}, ChannelOrder::bgr};
}
/// Input of RetinaFace: any size, BGR levels minus the means of ImageNet.
constexpr InputSpec retinaface_input(int height = 320, int width = 320) {
  return {height, width, {{104, 117, 123}, {1, 1, 1}}, ChannelOrder::bgr};
}

/// Where the face is: a box, or five landmarks, or neither (the whole image). Not both.
struct Crop {
  std::optional<FaceBox> box;
  std::optional<Landmarks> landmarks;
};

/// The whole pixels of a box: its edges, rounded. So a box within the image stays within. What reaches beyond the image
/// is cut off: detectors give such boxes. Errors: bad_argument for a box of which less than half lies inside the image, or
/// that is thinner than half a pixel.
inline Result<Box> whole_pixels(const FaceBox& box, int width, int height) {
  const float w = static_cast<float>(width), h = static_cast<float>(height);
  const float right = box.x + box.width, bottom = box.y + box.height;
  const float inside_x = std::min(right, w) - std::max(box.x, 0.0f),
              inside_y = std::min(bottom, h) - std::max(box.y, 0.0f);
  if (!(box.width >= 0.5f && box.height >= 0.5f && inside_x > 0 && inside_y > 0 &&
        inside_x * inside_y >= 0.5f * box.width * box.height)) {
    char numbers[4][24];
    const float values[4] = {box.x, box.y, box.width, box.height};
    for (int i = 0; i < 4; ++i)
      std::snprintf(numbers[i], sizeof numbers[i], "%.7g", static_cast<double>(values[i]));
    return Status::error(Errc::bad_argument, "the box x=", numbers[0], " y=", numbers[1],
                         " width=", numbers[2], " height=", numbers[3],
                         box.width >= 0.5f && box.height >= 0.5f
                             ? " lies outside the image, or most of it does: the image has "
                             : " is empty: the image has ",
                         width, "x", height, " pixels; was it found at another size?");
  }
  const auto edge = [](float at, int size) { return std::clamp(static_cast<int>(std::lround(at)), 0, size); };
  Box out;
  out.x = std::min(edge(box.x, width), width - 1);
  out.y = std::min(edge(box.y, height), height - 1);
  out.width = std::max(1, edge(right, width) - out.x);
  out.height = std::max(1, edge(bottom, height) - out.y);
  return out;
}

/// The sides of a loose crop, in heights of the face.
inline constexpr float loose_crop_heights = 1.8f;

/// What to cut out of an image of width x height pixels for a network that wants `wanted` of a face in it.
inline Crop crop_for(FaceCrop wanted, const Face& face, int width, int height) {
  Crop crop;
  if (wanted == FaceCrop::aligned) crop.landmarks = face.landmarks;
  if (wanted != FaceCrop::loose) return crop;
  const float half = loose_crop_heights * face.box.height / 2;
  const auto edge = [](float at, int size) {  // 0 for NaN
    return static_cast<int>(std::lround(std::min(std::max(0.0f, at), static_cast<float>(size))));
  };
  const int x = std::min(edge(face.box.centre_x() - half, width), width - 1);
  const int y = std::min(edge(face.box.centre_y() - half, height), height - 1);
  const int right = std::max(x + 1, edge(face.box.centre_x() + half, width));
  const int bottom = std::max(y + 1, edge(face.box.centre_y() + half, height));
  crop.box = FaceBox{static_cast<float>(x), static_cast<float>(y), static_cast<float>(right - x),
                     static_cast<float>(bottom - y)};
  return crop;
}

/// Variants of one image, for test-time augmentation: the score is the mean over the views.
enum class View : unsigned char {
  identity,
  hflip,  ///< left and right exchanged
  vflip,  ///< upside down
  color,  ///< brightness, then contrast, changed by at most 5 %
};

/// "identity", "hflip", "vflip" or "color".
constexpr const char* view_name(View view) {
  constexpr const char* names[] = {"identity", "hflip", "vflip", "color"};
  return names[static_cast<unsigned char>(view)];
}

/// The names of the views with commas between them: "identity,hflip".
inline std::string views_text(const std::vector<View>& views) {
  std::string text;
  for (const View view : views) text += (text.empty() ? "" : ",") + std::string(view_name(view));
  return text;
}

/// A limit, because each view needs memory for an input and weight files may name any number of views.
constexpr std::size_t most_views = 64;

/// Reads the text of views_text(), or the name of a set: "none" (identity), "flips" (identity, hflip, vflip),
/// "hflip-color" (identity, hflip, color). Errors: bad_argument.
inline Result<std::vector<View>> parse_views(const std::string& text) {
  if (text == "none") return std::vector<View>{View::identity};
  if (text == "flips") return std::vector<View>{View::identity, View::hflip, View::vflip};
  if (text == "hflip-color") return std::vector<View>{View::identity, View::hflip, View::color};
  std::vector<View> views;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string name = text.substr(start, end - start);
    const std::size_t before = views.size();
    for (const View view : {View::identity, View::hflip, View::vflip, View::color})
      if (name == view_name(view)) views.push_back(view);
    if (views.size() == before)
      return Status::error(Errc::bad_argument, in_quotes(name.substr(0, 80)),
                           " is no view; use none, flips, hflip-color, or a list of identity, hflip, vflip, "
                           "color");
    if (views.size() > most_views)
      return Status::error(Errc::bad_argument, "more than ", most_views,
                           " views; each is a run of the network");
    start = end + 1;
  }
  return views;
}

namespace detail {

/// Whether the face is aligned before it is resized, and by which landmarks: the crop's own, or for a network that wants
/// aligned faces the average ones of its box. Every user of a Crop asks here. Errors: bad_argument for a box that
/// whole_pixels() refuses, or for a box and landmarks.
inline Result<std::optional<Landmarks>> landmarks_of(const Crop& crop, FaceCrop wanted, int width,
                                                     int height) {
  if (crop.box && crop.landmarks)
    return Status::error(Errc::bad_argument, "give a box or landmarks, not both");
  if (!crop.box || wanted != FaceCrop::aligned) return std::optional<Landmarks>(crop.landmarks);
  const auto inside = whole_pixels(*crop.box, width, height);
  if (!inside) return inside.status();
  return std::optional<Landmarks>(average_landmarks(*crop.box));
}

}  // namespace detail

/// The face as a network that wants `wanted` sees it, [height, width, 3], 8 bits. Landmarks are aligned to 112 x 112. A
/// box is cut out; but if the network wants aligned faces, the face is aligned by the average landmarks in the box.
/// Then the result is resized as PIL does (bilinear). Errors: those of check_view(); bad_argument for sizes, box or
/// landmarks; not_finite.
inline Result<Image> crop_and_resize(const ImageView& image, const Crop& crop, FaceCrop wanted, int height,
                                     int width, const Backend& backend = native_backend()) {
  if (const Status status = check_view(image); !status) return status;
  if (height < 1 || width < 1)
    return Status::error(Errc::bad_argument, "can't resize to ", width, "x", height,
                         " pixels; both must be at least 1");
  const auto landmarks = detail::landmarks_of(crop, wanted, image.width, image.height);
  if (!landmarks) return landmarks.status();
  if (*landmarks) {
    const Result<Image> face = align_face(image, **landmarks, backend);
    if (!face) return face.status();
    return resize_image(*face, height, width, backend);
  }
  if (!crop.box) return resize_image(image, height, width, backend);
  const auto box = whole_pixels(*crop.box, image.width, image.height);
  if (!box) return box.status();
  return resize_image(image, *box, height, width, backend);
}

namespace detail {

/// level * factor + offset in-place, clipped to 0..255 and rounded down, as torchvision does.
inline void scale_levels(Image& image, float factor, float offset) {
  for (unsigned char& level : image.rgb) {
    const float value = static_cast<float>(level) * factor + offset;
    level = static_cast<unsigned char>(std::min(255.0f, std::max(0.0f, value)));
  }
}

}  // namespace detail

/// Multiplies every level by `factor` in-place, as torchvision's adjust_brightness does.
inline void adjust_brightness(Image& image, float factor) { detail::scale_levels(image, factor, 0.0f); }

/// level = factor * level + (1 - factor) * mean, in-place, as torchvision's adjust_contrast does. `mean` is
/// that of the grey levels 0.2989 R + 0.587 G + 0.114 B, rounded down.
inline void adjust_contrast(Image& image, float factor) {
  std::uint64_t sum = 0;
  const std::size_t pixels = image.rgb.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    const unsigned char* p = image.rgb.data() + 3 * i;
    sum += static_cast<std::uint64_t>(0.2989f * static_cast<float>(p[0]) + 0.587f * static_cast<float>(p[1]) +
                                      0.114f * static_cast<float>(p[2]));
  }
  const double mean = pixels == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(pixels);
  detail::scale_levels(image, factor, (1.0f - factor) * static_cast<float>(mean));
}

/// Replaces red, green and blue by the rounded luma, in-place.
inline void make_grey(Image& image) {
  for (std::size_t i = 0; i + 2 < image.rgb.size(); i += 3) {
    unsigned char* p = image.rgb.data() + i;
    p[0] = p[1] = p[2] = static_cast<unsigned char>(luma(p) + 0.5f);
  }
}

/// A copy of the image, changed as `view` says. View::color draws its two factors, each uniform in
/// 0.95..1.05, from `seed`. The image must pass check_view().
inline Image apply_view(const ImageView& image, View view, std::uint64_t seed = 0) {
  if (view == View::hflip) {
    Image out(image.width, image.height);
    detail::RgbRows rows(image);
    for (int y = 0; y < image.height; ++y) {
      const unsigned char* row = rows.row(y);
      for (int x = 0; x < image.width; ++x)
        std::memcpy(out.pixel(x, y), row + std::ptrdiff_t{3} * (image.width - 1 - x), 3);
    }
    return out;
  }
  Image out = copy_image(image);
  if (view == View::color) {
    Rng rng(seed);
    adjust_brightness(out, rng.uniform(0.95f, 1.05f));
    adjust_contrast(out, rng.uniform(0.95f, 1.05f));
  }
  if (view == View::vflip)
    for (int top = 0, bottom = out.height - 1; top < bottom; ++top, --bottom)
      std::swap_ranges(out.pixel(0, top), out.pixel(0, top) + std::ptrdiff_t{3} * out.width,
                       out.pixel(0, bottom));
  return out;
}

/// out [height, width, 3] = (level - mean) * scale. Errors: those of check_view(); mismatch if the image or
/// `out` has another size.
inline Status to_input(const ImageView& image, const InputSpec& spec, Span<float> out,
                       const Backend& backend = native_backend()) {
  if (image.height != spec.height || image.width != spec.width)
    return Status::error(Errc::mismatch, "the image has ", image.width, "x", image.height,
                         " pixels, the network wants ", spec.width, "x", spec.height);
  if (out.size != spec.size())
    return Status::error(Errc::mismatch, "the input buffer holds ", out.size, " floats, ", spec.size(),
                         " are needed");
  if (const Status status = check_view(image); !status) return status;
  const ImageView ordered = spec.order == ChannelOrder::bgr ? with_red_and_blue_exchanged(image) : image;
  detail::RgbRows rows(ordered);
  const std::ptrdiff_t row = std::ptrdiff_t{3} * image.width;
  const bool one_block = ordered.order == ChannelOrder::rgb && image.row_stride == row;
  const int step = one_block ? image.height : 1;  // rows a call
  for (int y = 0; y < image.height; y += step)
    backend.image.to_floats(rows.row(y), std::ptrdiff_t{step} * image.width, spec.levels.mean,
                            spec.levels.scale, out.data + y * row);
  return Status();
}

/// crop_and_resize(), apply_view() and to_input() in one: image -> out [spec.height, spec.width, 3].
/// Errors: theirs.
inline Status preprocess(const ImageView& image, const Crop& crop, const InputSpec& spec, Span<float> out,
                         View view = View::identity, std::uint64_t seed = 0,
                         const Backend& backend = native_backend()) {
  Result<Image> face = crop_and_resize(image, crop, spec.crop, spec.height, spec.width, backend);
  if (!face) return face.status();
  if (view != View::identity) face = apply_view(*face, view, seed);
  return to_input(*face, spec, out, backend);
}

TINYFIQA_END
