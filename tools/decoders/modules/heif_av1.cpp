// Decodes an AV1 image with dav1d. Each frame that dav1d makes room for is taken from the photo's budget.
#include <dav1d/dav1d.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "decoders/modules/heif_plugin.hpp"

namespace {

std::ptrdiff_t rounded_up(int size) { return (static_cast<std::ptrdiff_t>(size) + 127) / 128 * 128; }

/// Rows that are a large power of two apart share their places in the cache.
std::ptrdiff_t spread(std::ptrdiff_t row_stride) {
  return row_stride % 1024 == 0 ? row_stride + DAV1D_PICTURE_ALIGNMENT : row_stride;
}

/// Allocates the planes of a frame, as picture.h demands: sizes are multiples of 128 pixels, all addresses multiples of
/// DAV1D_PICTURE_ALIGNMENT, with that many bytes behind the end.
int allocate_frame(Dav1dPicture* picture, void* budget) {
  const auto& frame = picture->p;
  const auto pixels = static_cast<std::uint64_t>(frame.w) * static_cast<std::uint64_t>(frame.h);
  if (!static_cast<FrameBudget*>(budget)->take_frame(pixels)) return DAV1D_ERR(ENOMEM);
  const bool grey = frame.layout == DAV1D_PIXEL_LAYOUT_I400;
  const std::ptrdiff_t row = rounded_up(frame.w) * (frame.bpc > 8 ? 2 : 1), rows = rounded_up(frame.h);
  const bool half_rows = frame.layout == DAV1D_PIXEL_LAYOUT_I420;
  picture->stride[0] = spread(row);
  picture->stride[1] = grey ? 0 : spread(frame.layout == DAV1D_PIXEL_LAYOUT_I444 ? row : row / 2);
  const auto luma = static_cast<std::size_t>(picture->stride[0] * rows);
  const auto chroma = static_cast<std::size_t>(picture->stride[1] * (half_rows ? rows / 2 : rows));
  void* memory = nullptr;
  if (posix_memalign(&memory, DAV1D_PICTURE_ALIGNMENT, luma + 2 * chroma + DAV1D_PICTURE_ALIGNMENT) != 0)
    return DAV1D_ERR(ENOMEM);
  picture->allocator_data = memory;
  picture->data[0] = memory;
  picture->data[1] = grey ? nullptr : static_cast<unsigned char*>(memory) + luma;
  picture->data[2] = grey ? nullptr : static_cast<unsigned char*>(memory) + luma + chroma;
  return 0;
}

void free_frame(Dav1dPicture* picture, void*) { std::free(picture->allocator_data); }

/// A frame of dav1d's, given back at the end.
struct Picture {
  Dav1dPicture dav1d = {};

  Picture() = default;
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() { dav1d_picture_unref(&dav1d); }
};

heif_chroma chroma_of(Dav1dPixelLayout layout) {
  switch (layout) {
    case DAV1D_PIXEL_LAYOUT_I420:
      return heif_chroma_420;
    case DAV1D_PIXEL_LAYOUT_I422:
      return heif_chroma_422;
    case DAV1D_PIXEL_LAYOUT_I444:
      return heif_chroma_444;
    default:
      return heif_chroma_monochrome;
  }
}

DecodedFrame frame_of(const Dav1dPicture& picture) {
  DecodedFrame frame = {};
  frame.chroma = chroma_of(picture.p.layout);
  frame.bits = picture.p.bpc;
  const bool half_columns = frame.chroma == heif_chroma_420 || frame.chroma == heif_chroma_422;
  const bool half_rows = frame.chroma == heif_chroma_420;
  for (int i = 0; i < 3; ++i) {
    const int width = i > 0 && half_columns ? (picture.p.w + 1) / 2 : picture.p.w;
    const int height = i > 0 && half_rows ? (picture.p.h + 1) / 2 : picture.p.h;
    frame.planes[i] = {static_cast<const unsigned char*>(picture.data[i]), picture.stride[i > 0 ? 1 : 0],
                       width, height};
  }
  frame.primaries = picture.seq_hdr->pri;
  frame.transfer = picture.seq_hdr->trc;
  frame.matrix = picture.seq_hdr->mtrx;
  frame.full_range = picture.seq_hdr->color_range != 0;
  return frame;
}

class Av1Codec {
 public:
  static constexpr heif_compression_format format = heif_compression_AV1;
  static constexpr const char* name = "tinyfiqa_dav1d";
  bool strict = false;

  explicit Av1Codec(FrameBudget& budget) : budget_(budget) {}
  Av1Codec(const Av1Codec&) = delete;
  Av1Codec& operator=(const Av1Codec&) = delete;
  ~Av1Codec() {
    if (data_.sz > 0) dav1d_data_unref(&data_);
    if (context_ != nullptr) dav1d_close(&context_);
  }

  bool open() {
    Dav1dSettings settings;
    dav1d_default_settings(&settings);
#if DAV1D_API_VERSION_MAJOR >= 6
    settings.n_threads = 1;  // photos are decoded in parallel already
    settings.max_frame_delay = 1;
#else
    settings.n_tile_threads = settings.n_frame_threads = 1;
#endif
    settings.all_layers = 0;
    settings.logger.callback = nullptr;
    const std::uint64_t most = std::numeric_limits<unsigned>::max();
    // (0 would be no limit.)
    settings.frame_size_limit =
        static_cast<unsigned>(std::clamp<std::uint64_t>(budget_.largest_frame(), 1, most));
    settings.allocator = {&budget_, allocate_frame, free_frame};
    return dav1d_open(&context_, &settings) == 0;
  }

  heif_error push(const unsigned char* data, std::size_t bytes) {
    if (data_.sz > 0 || bytes == 0) return codec_damaged("no AV1 data, or too much");
    if (!budget_.take_data(bytes)) return codec_too_large;
    unsigned char* const copy = dav1d_data_create(&data_, bytes);
    if (copy == nullptr) return codec_out_of_memory;
    std::memcpy(copy, data, bytes);
    return codec_done;
  }

  /// Gives the first frame that is shown.
  heif_error decode(heif_image** out) {
    Picture picture;
    for (bool more = true; more;) {
      // When all data are in, the picture may come only at a second call, because another layer could have followed.
      more = data_.sz > 0;
      if (more) {
        const int sent = dav1d_send_data(context_, &data_);
        if (sent < 0 && sent != DAV1D_ERR(EAGAIN)) return failure(sent);
      }
      const int got = dav1d_get_picture(context_, &picture.dav1d);
      if (got == 0) return make_heif_image(frame_of(picture.dav1d), strict, out);
      if (got != DAV1D_ERR(EAGAIN)) return failure(got);
    }
    return codec_damaged("no AV1 frame");
  }

 private:
  FrameBudget& budget_;
  Dav1dContext* context_ = nullptr;
  Dav1dData data_ = {};

  heif_error failure(int code) {
    if (code == DAV1D_ERR(ERANGE)) budget_.refuse();  // frame_size_limit
    if (budget_.exceeded()) return codec_too_large;
    return code == DAV1D_ERR(ENOMEM) ? codec_out_of_memory : codec_damaged("AV1 data");
  }
};

}  // namespace

const heif_decoder_plugin* av1_codec() { return HeifPlugin<Av1Codec>::table(); }
