// Scores one image with tinyFQnet by TFLite Micro, without an operating system: examples/bare_metal/score_face.cpp for another
// library. The same board, image and output.
#include "board.hpp"
#include "face_image.hpp"
#include "tflite_model.hpp"  // written by cortex_m.py

#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/micro/micro_mutable_op_resolver.h>

#include <cstring>

/// RGB levels [SIDE, SIDE, 3] to the network's input, rotated by 180 degrees (tflite_model.py says why).
static void fill_input(const unsigned char* levels, TfLiteTensor& input) {
  for (int y = 0; y < SIDE; ++y)
    for (int x = 0; x < SIDE; ++x)
      for (int c = 0; c < 3; ++c) {
        const int from = ((SIDE - 1 - y) * SIDE + SIDE - 1 - x) * 3 + c, to = (y * SIDE + x) * 3 + c;
#ifdef MODEL_INT8
        input.data.int8[to] = static_cast<std::int8_t>(levels[from] - 128);
#else
        input.data.f[to] = (static_cast<float>(levels[from]) - 127.5f) / 128;
#endif
      }
}

static float score_of(const TfLiteTensor& output) {
#ifdef MODEL_INT8
  return static_cast<float>(output.data.int8[0] - output.params.zero_point) * output.params.scale;
#else
  return output.data.f[0];
#endif
}

// Newlib's would bring signals, the heap and 2 KB along.
extern "C" [[noreturn]] void abort() {
  for (;;) {
  }
}

__attribute__((section(".image"))) static constexpr FaceImage<SIDE> face;

int main() {
  alignas(16) static unsigned char arena[ARENA_BYTES];
  tflite::MicroMutableOpResolver<6> operations;
#ifdef MODEL_INT8  // CMSIS-NN's kernels for 8 bits alone; the usual registrations bring those for 4 and 16 bits along
  operations.AddConv2D(tflite::Register_CONV_2D_INT8());
  operations.AddDepthwiseConv2D(tflite::Register_DEPTHWISE_CONV_2D_INT8());
  operations.AddAdd(tflite::Register_ADD_INT8());
  operations.AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8());
#else
  operations.AddConv2D();
  operations.AddDepthwiseConv2D();
  operations.AddAdd();
  operations.AddFullyConnected();
#endif
  operations.AddMean();
  operations.AddLogistic();
  tflite::MicroInterpreter interpreter(tflite::GetModel(tflite_model), operations, arena, sizeof arena);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 1;

  start_counter();
  fill_input(face.levels, *interpreter.input(0));
  if (interpreter.Invoke() != kTfLiteOk) return 1;
  const float score = score_of(*interpreter.output(0));
  const std::uint32_t instructions = counted_instructions();

  std::uint32_t bits = 0;
  std::memcpy(&bits, &score, sizeof bits);
  print("score ", bits, 16);
  print("arena ", interpreter.arena_used_bytes());
  print("stack ", used_stack_bytes());
  print("instructions ", instructions);
  return 0;
}
