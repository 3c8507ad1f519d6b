#include "decoders/modules/heif_codecs.hpp"

#include <libheif/heif.h>

#include <time.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace {

thread_local FrameBudget* budget_here = nullptr;

/// AV1 codes an image in four layers at most, each a frame. With film grain or superresolution, a frame takes two; that is
/// rare in photos, and never in all four layers. The same goes for alpha.
constexpr std::uint64_t frames_of_an_image = 4;
/// Room for what makes small photos larger: coded sizes are rounded up, and the tiles of a grid may reach beyond its edge.
constexpr std::uint64_t spare_pixels = 16'000'000, spare_pixels_of_a_frame = 4'000'000;
/// A frame costs that much however small it is, for a decoder is opened for it. (Tiles of photos have 64x64 or more: all of
/// a photo together are within four frames of its size.)
constexpr std::uint64_t least_pixels = 128 * 128;
/// Ten times what libde265 takes for a photo.
constexpr double most_seconds = 2, most_seconds_a_pixel = 300e-9;
/// Bytes of coded data that cost as much as a pixel. (Lossless photos have four bytes a pixel.)
constexpr std::uint64_t bytes_a_pixel = 4;

/// Processor time of this thread.
double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

using OwnedImage = std::unique_ptr<heif_image, void (*)(const heif_image*)>;
using OwnedColours = std::unique_ptr<heif_color_profile_nclx, void (*)(heif_color_profile_nclx*)>;

/// libheif's own message may be in the memory of an image that is freed.
heif_error without_image(const heif_error& error) {
  return {error.code, error.subcode, "libheif can't hold the decoded image"};
}

heif_error set_colours(const CodedFrame& frame, bool strict, heif_image* image) {
  const OwnedColours colours(heif_nclx_color_profile_alloc(), heif_nclx_color_profile_free);
  if (!colours) return codec_out_of_memory;
  const auto code = [](int value) { return static_cast<std::uint16_t>(value); };
  for (const heif_error& error :
       {heif_nclx_color_profile_set_color_primaries(colours.get(), code(frame.primaries)),
        heif_nclx_color_profile_set_transfer_characteristics(colours.get(), code(frame.transfer)),
        heif_nclx_color_profile_set_matrix_coefficients(colours.get(), code(frame.matrix))})
    if (strict && error.code != heif_error_Ok) return {error.code, error.subcode, "unknown colours"};
  colours->full_range_flag = frame.full_range ? 1 : 0;
  const heif_error error = heif_image_set_nclx_color_profile(image, colours.get());
  return error.code == heif_error_Ok ? codec_done : without_image(error);
}

heif_error add_plane(const CodedFrame& frame, int index, heif_image* image) {
  constexpr heif_channel channels[] = {heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
  const heif_channel channel = channels[index];
  const CodedFrame::Plane& plane = frame.planes[index];
  const heif_error error = heif_image_add_plane(image, channel, plane.width, plane.height, frame.bits);
  if (error.code != heif_error_Ok) return without_image(error);
  int row_stride = 0;
  unsigned char* to = heif_image_get_plane(image, channel, &row_stride);
  if (to == nullptr) return codec_out_of_memory;
  const std::size_t row_bytes = static_cast<std::size_t>(plane.width) * (frame.bits > 8 ? 2 : 1);
  const unsigned char* from = plane.pixels;
  for (int y = 0; y < plane.height; ++y, from += plane.row_stride, to += row_stride)
    std::memcpy(to, from, row_bytes);
  return codec_done;
}

const char* register_both() {
#if LIBHEIF_NUMERIC_VERSION < 0x01150000
  if (heif_get_version_number() >= 0x01150000)
    return "libheif is newer than the one that this tinyfiqa was built with; build it again";
#endif
  for (const heif_decoder_plugin* codec : {av1_codec(), hevc_codec()})
    if (heif_register_decoder_plugin(codec).code != heif_error_Ok) return "libheif takes no other decoder";
  return nullptr;
}

}  // namespace

FrameBudget::FrameBudget(std::uint64_t stated, bool alpha)
    : left_(frames_of_an_image * (alpha ? 2 : 1) * stated + spare_pixels),
      largest_(2 * stated + spare_pixels_of_a_frame),
      begun_s_(thread_seconds()),
      most_s_(most_seconds + most_seconds_a_pixel * static_cast<double>(stated)) {
  budget_here = this;
}
FrameBudget::~FrameBudget() { budget_here = nullptr; }
FrameBudget* FrameBudget::here() { return budget_here; }

bool FrameBudget::out_of_time() const { return thread_seconds() - begun_s_ > most_s_; }

bool FrameBudget::allows(std::uint64_t pixels) {
  if (pixels > largest_frame()) refuse();
  return !exceeded_;
}

bool FrameBudget::take(std::uint64_t cost) {
  if (cost > left_) refuse();
  if (!exceeded_) left_ -= cost;
  return !exceeded_;
}

bool FrameBudget::take_frame(std::uint64_t pixels) { return take(std::max(pixels, least_pixels)); }
bool FrameBudget::take_data(std::size_t bytes) { return take(bytes / bytes_a_pixel); }

heif_error make_heif_image(const CodedFrame& frame, bool strict, heif_image** out) {
  const bool grey = frame.chroma == heif_chroma_monochrome;
  heif_image* made = nullptr;
  heif_error error =
      heif_image_create(frame.planes[0].width, frame.planes[0].height,
                        grey ? heif_colorspace_monochrome : heif_colorspace_YCbCr, frame.chroma, &made);
  OwnedImage owned(made, heif_image_release);
  if (error.code != heif_error_Ok || made == nullptr) return without_image(error);
  error = set_colours(frame, strict, made);
  for (int i = 0; i < (grey ? 1 : 3) && error.code == heif_error_Ok; ++i) error = add_plane(frame, i, made);
  if (error.code == heif_error_Ok) *out = owned.release();
  return error;
}

const char* register_heif_codecs() {
  static const char* const problem = register_both();
  return problem;
}
