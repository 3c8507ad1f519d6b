// Decodes WebP with libwebp, scaled down while it decodes. Of an animation, the first frame.
#include <webp/decode.h>
#include <webp/demux.h>

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/transparency.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "decoders/module.hpp"

namespace {

ModuleFailure fail(ModuleImage& image, VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return module_out_of_memory;
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return fail(image, module_unsupported, "a feature that libwebp lacks");
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return fail(image, module_damaged, "data are missing");
    default:
      return fail(image, module_damaged, "a broken bit stream");
  }
}

void take_chunks(const WebPDemuxer* file, ModuleImage& image) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(file, "ICCP", 1, &chunk) != 0) {
    image.take_profile(image.host, chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  if (WebPDemuxGetChunk(file, "EXIF", 1, &chunk) != 0) {
    tinyfiqa::Bytes exif(chunk.chunk.bytes, chunk.chunk.size);
    if (exif.size > 6 && std::memcmp(exif.data, "Exif\0\0", 6) == 0)  // some programs leave JPEG's prefix
      exif = tinyfiqa::Bytes(exif.data + 6, exif.size - 6);
    image.orientation = tinyfiqa::detail::exif_orientation(exif);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
}

/// Decodes into `pixels` [height, width, 3]. `channels`: 3, or 4 for a frame with transparency.
ModuleFailure decode_pixels(const WebPData& frame, WebPDecoderConfig& config, std::size_t channels,
                            unsigned char* pixels, ModuleImage& image) {
  const auto width = static_cast<std::size_t>(config.options.scaled_width),
             count = width * static_cast<std::size_t>(config.options.scaled_height);
  void* const rgba = channels == 4 ? std::calloc(count, channels) : nullptr;
  if (channels == 4 && rgba == nullptr) return module_out_of_memory;
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = channels == 4 ? static_cast<unsigned char*>(rgba) : pixels;
  config.output.u.RGBA.stride = static_cast<int>(channels * width);
  config.output.u.RGBA.size = channels * count;
  const VP8StatusCode code = WebPDecode(frame.bytes, frame.size, &config);
  WebPFreeDecBuffer(&config.output);
  ModuleFailure result = code == VP8_STATUS_OK ? module_done : fail(image, code);
  if (result == module_done && channels == 4 &&
      !tinyfiqa::detail::lay_on_background(static_cast<const unsigned char*>(rgba), count, pixels))
    result = module_invisible;
  std::free(rgba);
  return result;
}

ModuleFailure decode_frame(const WebPData& frame, ModuleImage& image) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return fail(image, module_unsupported, "another libwebp");
  const VP8StatusCode header = WebPGetFeatures(frame.bytes, frame.size, &config.input);
  if (header != VP8_STATUS_OK) return fail(image, header);
  const int width = config.input.width, height = config.input.height;
  const int longest = width > height ? width : height;
  const int divisor =
      image.longest_side > 0 && longest / image.longest_side > 1 ? longest / image.longest_side : 1;
  const int out_width = (width + divisor - 1) / divisor, out_height = (height + divisor - 1) / divisor;
  unsigned char* const pixels = image.allocate(image.host, width, height, out_width, out_height);
  if (pixels == nullptr) return module_refused;
  config.options.use_scaling = divisor > 1 ? 1 : 0;
  config.options.scaled_width = out_width;
  config.options.scaled_height = out_height;
  return decode_pixels(frame, config, config.input.has_alpha != 0 ? 4 : 3, pixels, image);
}

/// A frame that is smaller than the image: what is beside it is transparent.
ModuleFailure decode_placed_frame(const WebPIterator& frame, int width, int height, ModuleImage& image) {
  unsigned char* const pixels = image.allocate(image.host, width, height, width, height);
  if (pixels == nullptr) return module_refused;
  std::memset(pixels, tinyfiqa::background_level,
              std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  int frame_width = 0, frame_height = 0;
  unsigned char* const rgba =
      WebPDecodeRGBA(frame.fragment.bytes, frame.fragment.size, &frame_width, &frame_height);
  if (rgba == nullptr) return fail(image, module_damaged, "a broken frame");
  bool visible = false;
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame_width <= width - frame.x_offset &&
                      frame_height <= height - frame.y_offset;
  for (int y = 0; inside && y < frame_height; ++y) {
    unsigned char* const to = pixels + (std::ptrdiff_t{frame.y_offset + y} * width + frame.x_offset) * 3;
    visible |= tinyfiqa::detail::lay_on_background(rgba + std::ptrdiff_t{4} * frame_width * y,
                                                   static_cast<std::size_t>(frame_width), to);
  }
  WebPFree(rgba);
  if (!inside) return fail(image, module_damaged, "a frame outside the image");
  return visible ? module_done : module_invisible;
}

}  // namespace

extern "C" ModuleFailure TINYFIQA_DECODE_FUNCTION(ModuleImage* image) {
  const WebPData bytes = {image->file, image->file_bytes};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  WebPDemuxer* const file = WebPDemuxPartial(&bytes, &state);
  if (file == nullptr || state < WEBP_DEMUX_DONE) {
    WebPDemuxDelete(file);
    return fail(*image, module_damaged,
                state == WEBP_DEMUX_PARSE_ERROR ? "a broken container" : "data are missing");
  }
  take_chunks(file, *image);
  WebPIterator frame;
  ModuleFailure result = module_damaged;
  if (WebPDemuxGetFrame(file, 1, &frame) != 0) {
    const int width = static_cast<int>(WebPDemuxGetI(file, WEBP_FF_CANVAS_WIDTH)),
              height = static_cast<int>(WebPDemuxGetI(file, WEBP_FF_CANVAS_HEIGHT));
    const bool whole = frame.width == width && frame.height == height;
    result = whole ? decode_frame(frame.fragment, *image) : decode_placed_frame(frame, width, height, *image);
    WebPDemuxReleaseIterator(&frame);
  } else {
    fail(*image, module_damaged, "no frame");
  }
  WebPDemuxDelete(file);
  return result;
}
