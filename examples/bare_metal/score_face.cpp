// Scores one image with tinyFQnet, without an operating system, a heap or a file.
#include "board.hpp"
#include "face_image.hpp"
#include "tinyfqnet_packed.hpp"  // written by tinyfiqa export --c-array

#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/runtime/constant_plan.hpp>

#include <cstring>

#ifndef SIDE
#define SIDE 48
#endif

using Quality = tinyfiqa::ConstantPlan<tinyfiqa::TinyFQnet, tinyfqnet_packed, SIDE, SIDE>;

/// `levels`: RGB, [SIDE, SIDE, 3].
static float score_face(const unsigned char* levels) {
  alignas(64) static unsigned char arena[Quality::arena_bytes];
  float score = 0;
  void* const outputs[] = {&score};
  Quality::run(levels, outputs, arena);
  return score;
}

__attribute__((section(".image"))) static constexpr FaceImage<SIDE> face;

int main() {
  start_counter();
  const float score = score_face(face.levels);
  const std::uint32_t instructions = counted_instructions();

  std::uint32_t bits = 0;
  std::memcpy(&bits, &score, sizeof bits);
  print("score ", bits, 16);
  print("arena ", Quality::arena_bytes);
  print("stack ", used_stack_bytes());
  print("instructions ", instructions);
  return 0;
}
