// Reads each file that is named on the command line with the library and with the tool's decoders, and prints a checksum
// of the pixels or the reason of a failure. tests/uninitialised.sh runs it under valgrind.
#include <tinyfiqa/image/read.hpp>

#include "decoders/photo.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

void print(const char* file, const char* reader, const Result<Image>& image) {
  if (!image) {
    std::printf("%s %s: %s\n", file, reader, image.status().message());
    return;
  }
  unsigned sum = 0;
  for (const unsigned char level : image->rgb) sum = sum * 31 + level;
  std::printf("%s %s: %dx%d %08x\n", file, reader, image->width, image->height, sum);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t max_pixels = 1'000'000;  // the files are small, whatever they claim
  set_max_photo_pixels(max_pixels);
  for (int i = 1; i < argc; ++i) {
    print(argv[i], "library", read_image(argv[i], max_pixels));
    print(argv[i], "tool", read_photo(argv[i]));
  }
  return 0;
}
