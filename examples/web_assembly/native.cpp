// native PIXELS HEIGHT WIDTH: the raw score of raw RGB pixels, by the same functions on this machine.
#include "score_face.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: native PIXELS HEIGHT WIDTH\n"), 2;
  const int height = std::atoi(argv[2]), width = std::atoi(argv[3]);
  unsigned char* const pixels = tinyfiqa_pixels(height, width);
  std::FILE* const file = std::fopen(argv[1], "rb");
  if (pixels == nullptr || file == nullptr) return std::fprintf(stderr, "no such image\n"), 1;
  const auto rows =
      std::fread(pixels, static_cast<std::size_t>(width) * 3, static_cast<std::size_t>(height), file);
  std::fclose(file);
  if (rows != static_cast<std::size_t>(height)) return std::fprintf(stderr, "too few pixels\n"), 1;
  if (tinyfiqa_score(height, width) < 0) return std::fprintf(stderr, "%s\n", tinyfiqa_error()), 1;
  std::printf("%.9g\n", static_cast<double>(tinyfiqa_raw_score()));
}
