// Turns any bytes into the output maps of a detector, or into a face in a small image, as hostile weights can make
// them.
#include <tinyfiqa/detection/decode.hpp>
#include <tinyfiqa/detection/face_tracks.hpp>
#include <tinyfiqa/detection/photo_scorer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "input.hpp"

using namespace tinyfiqa;

namespace {

void check_proper(const Face& face, float threshold) {
  const FaceBox& b = face.box;
  require(std::isfinite(b.x) && std::isfinite(b.y) && std::isfinite(b.area()) && b.width > 0 && b.height > 0);
  require(face.confidence >= threshold && face.confidence <= 1);
  for (int i = 0; i < 5; ++i)
    require(std::isfinite(face.landmarks.x[i]) && std::isfinite(face.landmarks.y[i]));
}

/// Each face has a track of its own, and one that stands still keeps it. (Of two with the same box, either may.)
void check_tracks(const FaceList& faces) {
  FaceTracks tracks;
  for (int frame = 0; frame < 3; ++frame) {
    std::vector<int> numbers;
    for (const TrackedFace& f : tracks.follow(faces.faces())) numbers.push_back(f.track);
    std::sort(numbers.begin(), numbers.end());
    require(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
    require(numbers.size() == faces.size() && tracks.live() <= static_cast<std::size_t>(tracks.count()));
  }
}

void decode_maps(Input& input, bool yunet) {
  const auto capacity = static_cast<std::size_t>(input.below(40));
  const float threshold = static_cast<float>(1 + input.below(254)) / 256;
  const float most_overlap = static_cast<float>(input.byte()) / 255;
  FaceList faces(capacity);
  for (int level = 0; level < 3; ++level) {
    const int rows = input.below(10), cols = input.below(10), cells = rows * cols;
    if (yunet) {
      const auto map = input.floats(YuNetChannels::count * cells);
      decode_yunet(map.data(), rows, cols, detector_strides[level], threshold, faces);
    } else {
      const auto cls = input.floats(4 * cells), bbox = input.floats(8 * cells),
                 kps = input.floats(20 * cells);
      decode_retinaface(cls.data(), bbox.data(), kps.data(), rows, cols, level, RetinaFaceAnchors{},
                        threshold, faces);
    }
  }
  require(faces.size() <= capacity);
  const std::size_t found = faces.size();
  faces.suppress(most_overlap);
  require(faces.size() <= found && (faces.size() > 0) == (found > 0));
  for (std::size_t i = 0; i < faces.size(); ++i) {
    check_proper(faces[i], threshold);
    require(i == 0 || faces[i - 1].confidence >= faces[i].confidence);
    for (std::size_t j = 0; j < i; ++j) {
      const float iou = box_iou(faces[j].box, faces[i].box);
      require(iou >= 0 && iou <= most_overlap);
    }
  }
  check_tracks(faces);
}

void crop_face(Input& input) {
  Image image(1 + input.below(64), 1 + input.below(64));
  Face face;
  for (float* value : {&face.box.x, &face.box.y, &face.box.width, &face.box.height})
    *value = input.coordinate();
  for (int i = 0; i < 5; ++i) {
    face.landmarks.x[i] = input.coordinate();
    face.landmarks.y[i] = input.coordinate();
  }
  for (unsigned char& level : image.rgb) level = input.byte();

  const Framing framing = framing_of(face, image.width, image.height);
  require(framing == Framing::photo || framing == Framing::tight || framing == Framing::aligned);
  const Crop crop = crop_for(FaceCrop::loose, face, image.width, image.height);
  require(crop.box && crop.box->x >= 0 && crop.box->y >= 0 && crop.box->width >= 1 && crop.box->height >= 1);
  require(crop.box->x + crop.box->width <= static_cast<float>(image.width));
  require(crop.box->y + crop.box->height <= static_cast<float>(image.height));
  if (const auto part = whole_pixels(face.box, image.width, image.height)) {
    require(part->x >= 0 && part->y >= 0 && part->width >= 1 && part->height >= 1);
    require(part->x + part->width <= image.width && part->y + part->height <= image.height);
  }

  const auto aligned = align_face(image, face.landmarks);
  if (!aligned) return require(aligned.status().message()[0] != '\0');
  require(aligned->width == aligned_side && aligned->height == aligned_side);
  require(aligned->rgb.size() == std::size_t{3} * aligned_side * aligned_side);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(Bytes(data, size));
  const int kind = input.below(3);
  if (kind == 2)
    crop_face(input);
  else
    decode_maps(input, kind == 0);
  return 0;
}
