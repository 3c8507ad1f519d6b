#include "options/image_options.hpp"

#include <charconv>
#include <cstddef>
#include <string>

#include "decoders/photo.hpp"

void add_max_pixels_option(const Command& command) {
  command
      .add_option(
          "--max-pixels",
          [](const std::string& text) -> std::string {
            std::size_t pixels = 0;
            const char* const end = text.data() + text.size();
            const auto read = std::from_chars(text.data(), end, pixels);
            if (read.ec != std::errc() || read.ptr != end || pixels < 1)
              return "'" + text + "' is not a whole number above 0";
            set_max_photo_pixels(pixels);
            return "";
          },
          "Refuse images with more pixels before they are decoded (default " +
              std::to_string(tinyfiqa::default_max_pixels) + "); a pixel takes 3 to 13 bytes of memory")
      .type_name("N");
}
