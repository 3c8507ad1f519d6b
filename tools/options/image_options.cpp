#include "options/image_options.hpp"

#include <charconv>
#include <cstddef>
#include <string>

#include "decoders/isolated.hpp"
#include "decoders/photo.hpp"

void add_image_options(const Command& command) {
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
  command.add_action("--isolate", isolate_decoding,
                     "Decode every image in a process of its own, with limits of " +
                         std::to_string(isolated_seconds) + " s and " + std::to_string(isolated_memory_mib) +
                         " MiB: an image that crashes a decoder costs itself alone");
}
