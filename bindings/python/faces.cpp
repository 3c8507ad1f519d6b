#include "faces.hpp"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <string>
#include <utility>

#include "decoders/photo.hpp"

using namespace tinyfiqa;

void check(const Status& status) {
  if (!status) throw Failure{static_cast<tinyfiqa_code>(status.code()), status.message()};
}

namespace {

void check_size(const std::vector<float>& numbers, std::size_t images, std::size_t each, const char* name) {
  if (!numbers.empty() && numbers.size() != images * each)
    check(Status::error(Errc::bad_argument, images, " images, but ", name, " has ", numbers.size(),
                        " numbers; give ", each, " for each image"));
}

/// As the C library checks and reads it.
ImageView view_of(const tinyfiqa_image& image) {
  ImageView view;
  view.data = image.data;
  view.height = image.height;
  view.width = image.width;
  view.order = static_cast<ChannelOrder>(image.order);
  view.row_stride = static_cast<std::ptrdiff_t>(image.row_stride);
  return view;
}

}  // namespace

FaceImages::FaceImages(const nb::list& images, const char* order, const std::vector<float>& boxes,
                       const std::vector<float>& landmarks)
    : sources_(images.size()), crops_(images.size()) {
  check_size(boxes, count(), 4, "boxes");
  check_size(landmarks, count(), 10, "landmarks");
  for (std::size_t i = 0; i < count(); ++i) {
    const nb::handle image = images[i];
    if (nb::isinstance<nb::str>(image)) {
      sources_[i].path = nb::cast<std::string>(image);
    } else if (nb::isinstance<nb::bytes>(image)) {
      const auto bytes = nb::borrow<nb::bytes>(image);
      sources_[i].bytes.assign(bytes.c_str(), bytes.size());
    } else {
      sources_[i].pixels = std::make_unique<Pixels>(image, order);
      check(check_view(view_of(sources_[i].pixels->image())).prefixed(name(i).c_str(), ": "));
    }
    if (!boxes.empty()) {
      const float* const b = boxes.data() + 4 * i;
      crops_[i].box = FaceBox{b[0], b[1], b[2], b[3]};
    }
    if (landmarks.empty()) continue;
    crops_[i].landmarks.emplace();
    for (std::size_t p = 0; p < 5; ++p) {
      crops_[i].landmarks->x[p] = landmarks[10 * i + 2 * p];
      crops_[i].landmarks->y[p] = landmarks[10 * i + 2 * p + 1];
    }
  }
}

std::string FaceImages::name(std::size_t i) const {
  return sources_[i].path.empty() ? "image " + std::to_string(i) : sources_[i].path;
}

Result<Image> FaceImages::read(std::size_t i) const {
  const Source& source = sources_[i];
  if (source.pixels != nullptr) return copy_image(view_of(source.pixels->image()));
  if (!source.path.empty()) return read_training_photo(source.path);
  const auto* const data = reinterpret_cast<const unsigned char*>(source.bytes.data());
  auto image = decode_training_image({data, source.bytes.size()});
  if (!image) return image.status().prefixed(name(i).c_str(), ": ");
  return image;
}
