// Reads the lines of the input as what users type: sizes, ranges, views, boxes, landmarks; cuts or aligns the face in a
// small image by them; and reads the rest as a list of paths on standard input. Seeds: seeds/options.
#include <unistd.h>

#include <cmath>
#include <cstdint>

#include "input.hpp"
#include "jobs/path_reader.hpp"
#include "options/option_texts.hpp"

using namespace tinyfiqa;

namespace {

void check_texts(Input& input) {
  int first = 0, second = 0;
  const int most = input.one_of({1, 4096, 16384});
  if (read_size(input.line(), most, first, second))
    require(first >= 1 && first <= most && second >= 1 && second <= most);
  if (const auto range = read_label_range(input.line()); range.ok())
    require(std::isfinite(range->low) && std::isfinite(range->high) && range->low < range->high);
  if (const auto views = parse_views(input.line()); views.ok())
    require(!views->empty() && views->size() <= most_views);
}

/// A face in a small image, by its box or its landmarks.
void check_crop(Input& input) {
  const int width = input.between(1, 64), height = input.between(1, 64);
  const int out_width = input.between(1, 32), out_height = input.between(1, 32);
  const auto wanted = static_cast<FaceCrop>(input.below(3));
  const std::string box = input.line();
  const auto crop = read_crop(box, input.line());
  if (!crop.ok()) return require(crop.status().message()[0] != '\0');
  require(!(crop->box && crop->landmarks));
  Image image(width, height);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<unsigned char>(37 * i);
  const auto face = crop_and_resize(image, *crop, wanted, out_height, out_width);
  if (!face.ok()) return require(face.status().message()[0] != '\0');
  require(face->width == out_width && face->height == out_height);
  require(face->rgb.size() == std::size_t{3} * static_cast<std::size_t>(out_width * out_height));
}

/// No path is empty or too long; an error is the last item; and all paths of a good list are in it, in this order.
void check_paths(Bytes list) {
  int ends[2];
  if (list.size > 32768 || pipe(ends) != 0) return;  // a pipe takes that much at once
  require(write(ends[1], list.data, list.size) == static_cast<ssize_t>(list.size));
  close(ends[1]);
  PathReader reader(ends[0]);
  const std::string text(list.begin(), list.end());
  std::size_t at = 0;
  bool ended = false;
  while (const auto item = reader.next()) {
    require(!ended && !item->path.empty());
    ended = !item->status.ok();
    if (ended) continue;
    require(item->path.size() <= 4096 && item->path.find('\0') == std::string::npos);
    at = text.find(item->path, at);
    require(at != std::string::npos);
    at += item->path.size();
  }
  close(ends[0]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  check_texts(input);
  check_crop(input);
  check_paths(input.rest());
  return 0;
}
