#include "decoders/modules/heif_codecs.hpp"

#include <libheif/heif.h>

#include <time.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

namespace {

thread_local FrameBudget* budget_here = nullptr;
std::atomic<int> photos_now{0};

/// The budget of the threads that block these signals: see FrameBudget::mark_threads().
std::mutex threads_mutex;
FrameBudget* budget_of_threads = nullptr;
sigset_t mask_of_threads;

/// As many as libheif starts by itself.
constexpr int most_threads = 4;

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

using OwnedImage = std::unique_ptr<heif_image, void (*)(const heif_image*)>;
using OwnedColours = std::unique_ptr<heif_color_profile_nclx, void (*)(heif_color_profile_nclx*)>;

/// libheif's own message may be in the memory of an image that is freed.
heif_error without_image(const heif_error& error) {
  return {error.code, error.subcode, "libheif can't hold the decoded image"};
}

heif_error set_colours(const DecodedFrame& frame, bool strict, heif_image* image) {
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

heif_error add_plane(const DecodedFrame& frame, int index, heif_image* image) {
  constexpr heif_channel channels[] = {heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
  const heif_channel channel = channels[index];
  const DecodedFrame::Plane& plane = frame.planes[index];
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
      most_s_(most_seconds + most_seconds_a_pixel * static_cast<double>(stated)) {
  budget_here = this;
  const bool alone = photos_now.fetch_add(1) == 0;
  if (alone && std::thread::hardware_concurrency() > 1) mark_threads();
}

FrameBudget::~FrameBudget() {
  if (has_threads_) {
    const std::lock_guard<std::mutex> lock(threads_mutex);
    budget_of_threads = nullptr;
    pthread_sigmask(SIG_SETMASK, &outer_mask_, nullptr);
  }
  photos_now.fetch_sub(1);
  budget_here = nullptr;
}

/// libheif does not tell a decoder for which photo it works, and its threads know nothing of the one that started them. But
/// they inherit the signals that it blocks. So this thread blocks one that nobody uses, and threads that block the same
/// signals are those that libheif has started for this photo.
void FrameBudget::mark_threads() {
  const int mark = SIGRTMAX - 1;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &outer_mask_) != 0 || sigismember(&outer_mask_, mark) != 0)
    return;
  const std::lock_guard<std::mutex> lock(threads_mutex);
  if (budget_of_threads != nullptr) return;  // of a photo that is nearly done
  mask_of_threads = outer_mask_;
  sigaddset(&mask_of_threads, mark);
  has_threads_ = pthread_sigmask(SIG_SETMASK, &mask_of_threads, nullptr) == 0;
  if (has_threads_) budget_of_threads = this;
}

FrameBudget* FrameBudget::here() {
  if (budget_here != nullptr) return budget_here;
  const std::lock_guard<std::mutex> lock(threads_mutex);
  sigset_t blocked;
  if (budget_of_threads == nullptr || pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0) return nullptr;
  for (int signal = 1; signal <= SIGRTMAX; ++signal)
    if (sigismember(&blocked, signal) != sigismember(&mask_of_threads, signal)) return nullptr;
  return budget_of_threads;
}

int FrameBudget::threads() const {
  return has_threads_ ? std::min(most_threads, static_cast<int>(std::thread::hardware_concurrency())) : 0;
}

double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void FrameBudget::add_time(double worked_s) {
  double before = spent_s_;
  while (!spent_s_.compare_exchange_weak(before, before + worked_s)) {
  }
}

bool FrameBudget::allows(std::uint64_t pixels) {
  if (pixels > largest_frame()) refuse();
  return !exceeded_;
}

bool FrameBudget::take(std::uint64_t cost) {
  std::uint64_t left = left_;
  do {
    if (cost > left) refuse();
    if (exceeded_) return false;
  } while (!left_.compare_exchange_weak(left, left - cost));
  return true;
}

bool FrameBudget::take_frame(std::uint64_t pixels) { return take(std::max(pixels, least_pixels)); }
bool FrameBudget::take_data(std::size_t bytes) { return take(bytes / bytes_a_pixel); }

heif_error make_heif_image(const DecodedFrame& frame, bool strict, heif_image** out) {
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
