// tinyFQnet by ncnn, from pixels. The weights are in files.
#include "face.hpp"

#include <net.h>

#include <string>

static ncnn::Net net;

bool load_network(const char* model) {
  net.opt.num_threads = 1;
  net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic =
      net.opt.use_bf16_storage = false;
  const std::string path = model;
  return net.load_param((path + ".ncnn.param").c_str()) == 0 &&
         net.load_model((path + ".ncnn.bin").c_str()) == 0;
}

float score_face(const unsigned char* rgb) {
  constexpr float mean[] = {127.5f, 127.5f, 127.5f}, scale[] = {1 / 128.0f, 1 / 128.0f, 1 / 128.0f};
  ncnn::Mat image = ncnn::Mat::from_pixels(rgb, ncnn::Mat::PIXEL_RGB, face_side, face_side), score;
  image.substract_mean_normalize(mean, scale);
  ncnn::Extractor extractor = net.create_extractor();
  extractor.input("in0", image);
  extractor.extract("out0", score);
  return score[0];
}
