// Decodes an image file by stb_image and prints its size. No network.
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

#include <cstdio>

// stb_decode PHOTO
int main(int argc, char** argv) {
  int width = 0, height = 0, channels = 0;
  unsigned char* const rgb = argc == 2 ? stbi_load(argv[1], &width, &height, &channels, 3) : nullptr;
  if (!rgb) return 1;
  std::printf("%dx%d\n", width, height);
  stbi_image_free(rgb);
}
