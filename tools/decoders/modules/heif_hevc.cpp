// Decodes an HEVC image with libde265. What the data cost is taken from the photo's budget before libde265 gets them: it
// makes tables of the size of a frame when it reads the parameters of pictures, and asks for frame memory, where a caller
// could refuse, only after most of the work.
#include <libde265/de265.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "decoders/modules/heif_plugin.hpp"
#include "decoders/modules/hevc_unit.hpp"

namespace {

/// libde265 takes about twice as long for a pixel as dav1d. (Photos need a quarter of the budget: HEVC has no layers.)
constexpr std::uint64_t cost_of_a_pixel = 2;
/// libde265's tables for the parameters of pictures: an entry for each 4x4 pixels, and work to fill it.
constexpr std::uint64_t tables_share = 8;
/// Memory for a further slice of a frame. How long it takes, only the clock tells: it may be decoded over another one.
constexpr std::uint64_t slice_share = 64;

using OwnedImage = std::unique_ptr<heif_image, void (*)(const heif_image*)>;

/// Returns false if samples of luma and chroma have different sizes, which libheif can't hold.
bool read_frame(const de265_image* image, DecodedFrame& frame) {
  frame.chroma = static_cast<heif_chroma>(de265_get_chroma_format(image));  // the same numbers
  frame.bits = de265_get_bits_per_pixel(image, 0);
  const int planes = frame.chroma == heif_chroma_monochrome ? 1 : 3;
  for (int i = 0; i < planes; ++i) {
    int row_stride = 0;
    const unsigned char* const pixels = de265_get_image_plane(image, i, &row_stride);
    frame.planes[i] = {pixels, row_stride, de265_get_image_width(image, i), de265_get_image_height(image, i)};
    if (pixels == nullptr || frame.planes[i].width < 1 || frame.planes[i].height < 1 ||
        de265_get_bits_per_pixel(image, i) != frame.bits)
      return false;
  }
  frame.primaries = de265_get_image_colour_primaries(image);
  frame.transfer = de265_get_image_transfer_characteristics(image);
  frame.matrix = de265_get_image_matrix_coefficients(image);
  frame.full_range = de265_get_image_full_range_flag(image) != 0;
  return true;
}

class HevcCodec {
 public:
  static constexpr heif_compression_format format = heif_compression_HEVC;
  static constexpr const char* name = "tinyfiqa_libde265";
  bool strict = false;

  explicit HevcCodec(FrameBudget& budget) : budget_(budget) {}
  HevcCodec(const HevcCodec&) = delete;
  HevcCodec& operator=(const HevcCodec&) = delete;
  ~HevcCodec() {
    if (context_ != nullptr) de265_free_decoder(context_);
    budget_.add_time(thread_seconds() - begun_s_);
  }

  /// Without worker threads, libde265 decodes in ours: photos are decoded in parallel already.
  bool open() { return (context_ = de265_new_decoder()) != nullptr; }

  /// Takes units, each behind its length in four bytes.
  heif_error push(const unsigned char* data, std::size_t bytes) {
    if (!budget_.take_data(bytes)) return codec_too_large;
    while (bytes > 0) {
      if (bytes < 4) return codec_damaged("HEVC data are cut off");
      std::uint32_t length = 0;
      for (int i = 0; i < 4; ++i) length = length << 8u | data[i];
      data += 4;
      bytes -= 4;
      if (length > bytes) return codec_damaged("HEVC data are cut off");
      const heif_error error = push_unit(data, length);
      if (error.code != heif_error_Ok) return error;
      data += length;
      bytes -= length;
    }
    return codec_done;
  }

  heif_error decode(heif_image** out) {
    de265_flush_data(context_);
    OwnedImage last(nullptr, heif_image_release);
    for (int more = 1; more != 0;) {  // one unit of the data each time
      more = 0;
      if (has_further_slices_ && budget_.out_of_time(thread_seconds() - begun_s_))
        return codec_damaged("slices that cover each other");
      const de265_error status = de265_decode(context_, &more);
      if (status != DE265_OK) {
        if (last) break;
        return status == DE265_ERROR_OUT_OF_MEMORY ? codec_out_of_memory
                                                   : codec_damaged(de265_get_error_text(status));
      }
      const heif_error error = take_frame(last);
      if (error.code != heif_error_Ok) return error;
    }
    if (!last) return codec_damaged("no HEVC frame");
    *out = last.release();
    return codec_done;
  }

 private:
  FrameBudget& budget_;
  const double begun_s_ = thread_seconds();  ///< libheif opens, uses and closes a decoder on one thread
  de265_decoder_context* context_ = nullptr;
  std::uint64_t frame_pixels_ = 0;  ///< of the largest frame that the data have described so far
  bool has_frame_ = false, has_further_slices_ = false;

  heif_error push_unit(const unsigned char* unit, std::size_t bytes) {
    const HevcUnit what = read_hevc_unit(unit, bytes);
    bool affordable = true;
    switch (what.kind) {
      case HevcUnit::sequence:
        if (what.pixels == 0) return codec_damaged("HEVC sequence parameters");
        frame_pixels_ = std::max(frame_pixels_, what.pixels);
        affordable = budget_.allows(what.pixels);
        break;
      case HevcUnit::picture_parameters:
        affordable = budget_.take(frame_pixels_ / tables_share);
        break;
      case HevcUnit::first_slice:
        if (has_frame_) return codec_damaged("an HEVC image has one frame");
        has_frame_ = true;
        affordable = budget_.take_frame(frame_pixels_) && budget_.take((cost_of_a_pixel - 1) * frame_pixels_);
        break;
      case HevcUnit::further_slice:
        has_further_slices_ = true;
        affordable = budget_.take(frame_pixels_ / slice_share);
        break;
      case HevcUnit::other:
        break;
    }
    if (!affordable) return codec_too_large;
    const de265_error status = de265_push_NAL(context_, unit, static_cast<int>(bytes), 0, nullptr);
    if (status == DE265_ERROR_OUT_OF_MEMORY) return codec_out_of_memory;
    return status == DE265_OK ? codec_done : codec_damaged(de265_get_error_text(status));
  }

  heif_error take_frame(OwnedImage& last) {
    const de265_image* const image = de265_get_next_picture(context_);
    if (image == nullptr) return codec_done;
    DecodedFrame frame = {};
    if (!read_frame(image, frame))
      return {heif_error_Unsupported_feature, heif_suberror_Unsupported_color_conversion,
              "samples of luma and chroma have different sizes"};
    heif_image* made = nullptr;
    const heif_error error = make_heif_image(frame, strict, &made);
    last.reset(made);
    de265_release_next_picture(context_);
    return error;
  }
};

}  // namespace

const heif_decoder_plugin* hevc_codec() {
  // libde265 makes its tables when the first user comes and frees them when the last one goes: this one stays.
  static const bool started = de265_init() == DE265_OK;
  static_cast<void>(started);
  return HeifPlugin<HevcCodec>::table();
}
