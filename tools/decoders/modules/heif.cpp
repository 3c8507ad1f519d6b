// Decodes HEIC and AVIF with libheif, which applies the file's own rotation, mirroring and crop. The codecs below it are
// ours (heif_codecs.hpp), so that they do not decode more than the file says.
#include <libheif/heif.h>

#include <tinyfiqa/image/transparency.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "decoders/module.hpp"
#include "decoders/modules/heif_codecs.hpp"
#include "decoders/modules/heif_structure.hpp"

namespace {

/// What libheif opened, closed at the end.
struct Opened {
  heif_context* context = nullptr;
  heif_image_handle* photo = nullptr;
  heif_decoding_options* options = nullptr;
  heif_image* pixels = nullptr;

  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    heif_image_release(pixels);
    heif_decoding_options_free(options);
    if (photo != nullptr) heif_image_handle_release(photo);
    heif_context_free(context);
  }
};

ModuleFailure fail(ModuleImage& image, const heif_error& error) {
  if (error.subcode == heif_suberror_Security_limit_exceeded)
    return fail(image, module_damaged, "larger than the file says, or than libheif allows");
  if (error.code == heif_error_Memory_allocation_error) return module_out_of_memory;
  if (error.subcode == heif_suberror_Unsupported_codec)
    return fail(image, module_unsupported,
                "its codec is neither HEVC nor AV1, and libheif has no decoder for it");
  const bool unsupported =
      error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype;
  return fail(image, unsupported ? module_unsupported : module_damaged,
              error.message != nullptr ? error.message : "no reason given");
}

/// The colours of a file without an ICC profile: code points of ITU-T H.273.
ModuleFailure take_primaries(const Opened& heif, ModuleImage& image) {
  heif_color_profile_nclx* colours = nullptr;
  if (heif_image_handle_get_nclx_color_profile(heif.photo, &colours).code != heif_error_Ok ||
      colours == nullptr)
    return module_done;  // sRGB
  const int transfer = colours->transfer_characteristics, primaries = colours->color_primaries;
  const float known[8] = {colours->color_primary_red_x,   colours->color_primary_red_y,
                          colours->color_primary_green_x, colours->color_primary_green_y,
                          colours->color_primary_blue_x,  colours->color_primary_blue_y,
                          colours->color_primary_white_x, colours->color_primary_white_y};
  heif_nclx_color_profile_free(colours);
  if (transfer == heif_transfer_characteristic_ITU_R_BT_2100_0_PQ ||
      transfer == heif_transfer_characteristic_ITU_R_BT_2100_0_HLG)
    return fail(image, module_unsupported, "high dynamic range (PQ or HLG)");
  if (primaries > heif_color_primaries_unspecified) std::memcpy(image.primaries, known, sizeof known);
  return module_done;
}

ModuleFailure take_colours(const Opened& heif, ModuleImage& image) {
  const std::size_t bytes = heif_image_handle_get_raw_color_profile_size(heif.photo);
  if (bytes == 0) return take_primaries(heif, image);
  void* const icc = std::malloc(bytes);
  if (icc == nullptr) return module_out_of_memory;
  if (heif_image_handle_get_raw_color_profile(heif.photo, icc).code == heif_error_Ok)
    image.take_profile(image.host, static_cast<const unsigned char*>(icc), bytes);
  std::free(icc);
  return module_done;
}

/// Lays pixels whose colours are already multiplied with alpha on white. Returns whether any is visible.
bool lay_premultiplied(const unsigned char* rgba, std::size_t pixels, unsigned char* rgb) {
  unsigned visible = 0;
  for (; pixels > 0; --pixels, rgba += 4, rgb += 3) {
    visible |= rgba[3];
    for (int c = 0; c < 3; ++c) rgb[c] = tinyfiqa::detail::premultiplied_on_background(rgba[c], rgba[3]);
  }
  return visible != 0;
}

/// `alpha`: the pixels are RGBA, not RGB.
ModuleFailure copy_pixels(const Opened& heif, bool alpha, int width, int height, unsigned char* to,
                          ModuleImage& image) {
  int stride = 0;
  const unsigned char* from = heif_image_get_plane_readonly(heif.pixels, heif_channel_interleaved, &stride);
  if (from == nullptr || heif_image_get_width(heif.pixels, heif_channel_interleaved) != width ||
      heif_image_get_height(heif.pixels, heif_channel_interleaved) != height)
    return fail(image, module_damaged, "the coded image has another size than the file says");
  const auto columns = static_cast<std::size_t>(width);
  const bool premultiplied = alpha && heif_image_handle_is_premultiplied_alpha(heif.photo) != 0;
  bool visible = !alpha;
  for (int y = 0; y < height; ++y, from += stride, to += 3 * columns) {
    if (!alpha)
      std::memcpy(to, from, 3 * columns);
    else
      visible |= premultiplied ? lay_premultiplied(from, columns, to)
                               : tinyfiqa::detail::lay_on_background(from, columns, to);
  }
  return visible ? module_done : module_invisible;
}

/// Why libheif can't be used, or null.
const char* start_libheif() {
#if LIBHEIF_NUMERIC_VERSION >= 0x010D0000
  static const bool ready =
      heif_init(nullptr).code == heif_error_Ok;  // once: it may load libheif's own plugins
  if (!ready) return "libheif could not be initialised";
#endif
  return register_heif_codecs();
}

ModuleFailure open(Opened& heif, ModuleImage& image) {
  if (const char* const excess = excessive_structure(image.file, image.file_bytes); excess != nullptr)
    return fail(image, module_damaged, excess);
  heif.context = heif_context_alloc();
  heif.options = heif_decoding_options_alloc();
  if (heif.context == nullptr || heif.options == nullptr) return module_out_of_memory;
  heif.options->convert_hdr_to_8bit = 1;
  heif.options->strict_decoding = 1;
  heif_error error =
      heif_context_read_from_memory_without_copy(heif.context, image.file, image.file_bytes, nullptr);
  if (error.code == heif_error_Ok) error = heif_context_get_primary_image_handle(heif.context, &heif.photo);
  return error.code == heif_error_Ok ? module_done : fail(image, error);
}

ModuleFailure decode_pixels(Opened& heif, bool alpha, ModuleImage& image) {
  // The size before rotation and crop.
  const int width = heif_image_handle_get_ispe_width(heif.photo),
            height = heif_image_handle_get_ispe_height(heif.photo);
  if (width < 1 || height < 1) return fail(image, module_damaged, "no pixels");
  // The crop may only undo that an encoder rounded the size up, to blocks of 64x64 at most: that does not count.
  constexpr int rounding = 63;
  if (!image.accepts(image.host, std::max(1, width - rounding), std::max(1, height - rounding)))
    return module_refused;
  // A grid and an overlay have a size of their own. libheif can limit only the longer side of it.
  constexpr int spare_side = 4096;
  heif_context_set_maximum_image_size_limit(heif.context, std::max({width, height, spare_side}) + 1);
  FrameBudget budget(static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height), alpha);
  heif_context_set_max_decoding_threads(heif.context, budget.threads());
  const heif_error error =
      heif_decode_image(heif.photo, &heif.pixels, heif_colorspace_RGB,
                        alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, heif.options);
  if (budget.exceeded()) return fail(image, module_damaged, codec_too_large.message);
  return error.code == heif_error_Ok ? module_done : fail(image, error);
}

ModuleFailure decode(ModuleImage* image) {
  if (const char* const problem = start_libheif(); problem != nullptr)
    return fail(*image, module_unsupported, problem);
  Opened heif;
  ModuleFailure failure = open(heif, *image);
  if (failure != module_done) return failure;
  const int width = heif_image_handle_get_width(heif.photo),
            height = heif_image_handle_get_height(heif.photo);
  if (width < 1 || height < 1) return fail(*image, module_damaged, "no pixels");
  unsigned char* const pixels = image->allocate(image->host, width, height, width, height);
  if (pixels == nullptr) return module_refused;
  failure = take_colours(heif, *image);
  if (failure != module_done) return failure;
  const bool alpha = heif_image_handle_has_alpha_channel(heif.photo) != 0;
  failure = decode_pixels(heif, alpha, *image);
  if (failure != module_done) return failure;
  return copy_pixels(heif, alpha, width, height, pixels, *image);
}

}  // namespace

extern "C" ModuleFailure TINYFIQA_DECODE_FUNCTION(ModuleImage* image) try {
  return decode(image);
} catch (...) {  // libheif lets the exceptions of its own allocations pass
  return module_out_of_memory;
}
