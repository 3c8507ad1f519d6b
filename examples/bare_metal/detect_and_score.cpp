// Finds the most confident face of an image and scores it: two networks, one after the other, in one arena.
#include "board.hpp"
#include "face_image.hpp"
#include "tinyfqnet_packed.hpp"  // both are written by tinyfiqa export --c-array
#include "yunet_n_packed.hpp"

#include <tinyfiqa/detection/decode.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/models/yunet.hpp>
#include <tinyfiqa/runtime/constant_plan.hpp>

#include <cstring>

namespace {

constexpr int photo_side = 96, face_side = 48;

struct HeadsOnly : tinyfiqa::LowMemoryPlan {
  static constexpr const char* names[] = {"head_8", "head_16", "head_32"};
  static constexpr tinyfiqa::Span<const char* const> outputs{names, 3};
};
using Detector = tinyfiqa::ConstantPlan<tinyfiqa::YuNetN, yunet_n_packed, photo_side, photo_side, HeadsOnly>;
using Quality = tinyfiqa::ConstantPlan<tinyfiqa::TinyFQnet, tinyfqnet_packed, face_side, face_side>;

// The networks don't run at the same time.
constexpr std::size_t arena_bytes =
    Detector::arena_bytes > Quality::arena_bytes ? Detector::arena_bytes : Quality::arena_bytes;
alignas(64) unsigned char arena[arena_bytes];

float head_8[Detector::output_extents(0).floats()], head_16[Detector::output_extents(1).floats()],
    head_32[Detector::output_extents(2).floats()];
float* const heads[] = {head_8, head_16, head_32};
unsigned char crop[face_side * face_side * 3];

__attribute__((section(".image"))) constexpr FaceImage<photo_side, true> photo;  // the detector takes BGR

/// The cell with the highest confidence, as a face.
tinyfiqa::Face best_face() {
  tinyfiqa::Face best;
  for (int level = 0; level < 3; ++level) {
    const tinyfiqa::Extents map = Detector::output_extents(level);
    for (int i = 0; i < map.h * map.w; ++i) {
      const float* const cell = heads[level] + i * map.c;
      if (tinyfiqa::yunet_confidence(cell) > best.confidence)
        best = tinyfiqa::yunet_face(cell, i % map.w, i / map.w, tinyfiqa::detector_strides[level]);
    }
  }
  return best;
}

/// The box of the face, from the nearest pixels of the photo, as RGB.
void cut(const tinyfiqa::FaceBox& box) {
  const auto nearest = [](float at) {
    return at < 0 ? 0 : at >= photo_side ? photo_side - 1 : static_cast<int>(at);
  };
  for (int y = 0; y < face_side; ++y)
    for (int x = 0; x < face_side; ++x) {
      const int row = nearest(box.y + box.height * (static_cast<float>(y) + 0.5f) / face_side),
                column = nearest(box.x + box.width * (static_cast<float>(x) + 0.5f) / face_side);
      for (int c = 0; c < 3; ++c)
        crop[(y * face_side + x) * 3 + c] = photo.levels[(row * photo_side + column) * 3 + 2 - c];
    }
}

void print_bits(const char* name, float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  print(name, bits, 16);
}

}  // namespace

int main() {
  start_counter();
  void* const maps[] = {heads[0], heads[1], heads[2]};
  Detector::run(photo.levels, maps, arena);
  const tinyfiqa::Face face = best_face();
  cut(face.box);
  float score = 0;
  void* const scores[] = {&score};
  Quality::run(crop, scores, arena);
  const std::uint32_t instructions = counted_instructions();

  print_bits("confidence ", face.confidence);
  print_bits("x ", face.box.x);
  print_bits("width ", face.box.width);
  print_bits("score ", score);
  print("arena ", sizeof arena);
  print("stack ", used_stack_bytes());
  print("instructions ", instructions);
  return 0;
}
