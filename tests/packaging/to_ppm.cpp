// to_ppm PHOTO PPM: a photo as a file that needs no stb_image. A second source file of a program includes the header too.
#define TINYFIQA_IMPLEMENTATION
#include "tinyfiqa.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto image = tinyfiqa::read_image(argv[1]);
  std::FILE* const file = image ? std::fopen(argv[2], "wb") : nullptr;
  if (file == nullptr) return 1;
  std::fprintf(file, "P6 %d %d 255\n", image->width, image->height);
  const bool written = std::fwrite(image->rgb.data(), 1, image->rgb.size(), file) == image->rgb.size();
  return std::fclose(file) == 0 && written ? 0 : 1;
}
