// The only header that includes stb_image: with STB_IMAGE_IMPLEMENTATION defined, it must not be included twice.
#pragma once

#include <stb/stb_image.h>
