// The WebAssembly module: what index.js calls. An instance of the module has one object, a scorer or a detector, and one
// buffer for pixels; it has one thread. Functions that can fail return 0 or more, or
// the negative code of the error (enum Errc), whose message error_message() has.
#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/image/format.hpp>
#include <tinyfiqa/image/transparency.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>

#include "jobs/faces/face_finder.hpp"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

using namespace tinyfiqa;

namespace {

/// A face as index.js reads it: 20 numbers of 32 bits, in this order.
struct FaceOut {
  float box[4], confidence, landmarks[10];
  int framing;  ///< as enum Framing
  float quality;
  int whole_quality, band;  ///< -1 without calibration
  float raw;
};
static_assert(sizeof(FaceOut) == 80);

/// The channel order that is laid on white; the others are those of ChannelOrder.
constexpr int order_on_white = 5;

std::optional<Scorer> scorer;
std::optional<FaceFinder> finder;
unsigned char* pixels = nullptr;  // by malloc(), which says if there is no memory
std::size_t pixel_bytes = 0;
ImageView image;  // that find() saw last
std::vector<FoundFace> found;
std::vector<FaceOut> faces;
std::string message;

int fail(const Status& status) {
  message = status.message();
  return -static_cast<int>(status.code());
}

Status make_scorer() {
  auto model = tinyfqnet_model();
  if (!model) return model.status();
  auto made = Scorer::create({std::make_shared<const Model>(std::move(*model))});
  if (made) scorer = std::move(*made);
  return made.status();
}

Status make_finder(const DetectorOptions& options, FaceChoice choice, float smallest_face) {
  auto model = default_detector_model();
  if (!model) return model.status();
  auto detector = FaceDetector::create(std::make_shared<const Model>(std::move(*model)), options);
  if (detector) finder.emplace(std::move(*detector), choice, smallest_face);
  return detector.status();
}

Result<ImageView> image_in_pixels(int height, int width, int order) {
  const bool on_white = order == order_on_white;
  ImageView view;
  view.data = pixels;
  view.height = height;
  view.width = width;
  view.order = on_white ? ChannelOrder::rgba : static_cast<ChannelOrder>(order);
  view.row_stride = std::ptrdiff_t{channel_count(view.order)} * width;
  if (const Status s = check_view(view); !s) return s;
  const auto count = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  if (count * static_cast<std::size_t>(channel_count(view.order)) > pixel_bytes)
    return Status::error(Errc::mismatch, "the image has more pixels than were given");
  if (!on_white) return view;
  // In-place: a pixel of three bytes is never written beyond the one of four bytes that was just read.
  if (!detail::lay_on_background(pixels, count, pixels)) return detail::nothing_visible();
  view.order = ChannelOrder::rgb;
  view.row_stride = std::ptrdiff_t{3} * width;
  return view;
}

FaceOut face_out(const FoundFace& of) {
  const Face& face = of.face;
  FaceOut out = {
      {face.box.x, face.box.y, face.box.width, face.box.height}, face.confidence, {}, 0, NAN, -1, -1, NAN};
  for (int i = 0; i < 5; ++i) {
    out.landmarks[2 * i] = face.landmarks.x[i];
    out.landmarks[2 * i + 1] = face.landmarks.y[i];
  }
  out.framing = static_cast<int>(of.framing);
  return out;
}

/// Fills the score of a face. Returns 0 or the error.
int give(const Result<Score>& score, FaceOut& out) {
  if (!score) return fail(score.status());
  out.quality = score->quality;
  if (!std::isnan(score->quality)) out.whole_quality = whole_quality(score->quality);
  if (score->band) out.band = static_cast<int>(*score->band);
  out.raw = score->value;
  return 0;
}

/// The whole image as a face.
FoundFace whole_image() {
  FoundFace whole;
  whole.face.box = {0, 0, static_cast<float>(image.width), static_cast<float>(image.height)};
  whole.face.confidence = 1;
  whole.framing = Framing::tight;
  return whole;
}

}  // namespace

/// Makes the object of this instance. `scores`: a scorer, otherwise a detector. `choice`: as enum FaceChoice.
EXPORT(create)
int create(int scores, int choice, float threshold, float smallest_face, int longest_side, int tiles,
           int quick) {
  DetectorOptions options;
  options.threshold = threshold;
  options.longest_side = longest_side;
  options.tiles = tiles != 0;
  options.thorough = quick == 0;
  const auto wanted = static_cast<FaceChoice>(choice);
  if (wanted != FaceChoice::whole)
    if (const Status s = make_finder(options, wanted, smallest_face); !s) return fail(s);
  if (scores != 0)
    if (const Status s = make_scorer(); !s) return fail(s);
  return 0;
}

/// Memory for the next image; null if there is none. It stays valid until the next call. The pointer is an offset in the
/// module's memory, whose ArrayBuffer is another one after every call that made the memory grow.
EXPORT(pixels_for) unsigned char* pixels_for(std::size_t bytes) {
  if (bytes > pixel_bytes) {
    std::free(pixels);
    pixels = static_cast<unsigned char*>(std::malloc(bytes));
    pixel_bytes = pixels != nullptr ? bytes : 0;
  }
  return pixels;
}

/// Finds the faces of the image in the pixels, and returns how many there are. Then score_found() scores them.
EXPORT(find) int find(int height, int width, int order) {
  found.clear();
  faces.clear();
  const auto view = image_in_pixels(height, width, order);
  if (!view) return fail(view.status());
  image = *view;
  if (finder) {
    auto all = finder->find(image);
    if (!all) return fail(all.status());
    found = std::move(*all);
  } else {
    found = {whole_image()};
  }
  for (const FoundFace& face : found) faces.push_back(face_out(face));
  return static_cast<int>(faces.size());
}

/// The results of the last find(), largest face first.
EXPORT(faces_found) const FaceOut* faces_found() { return faces.data(); }

/// Scores face `index` of the last find(); the pixels must still be there.
EXPORT(score_found) int score_found(std::size_t index) {
  const FoundFace& face = found[index];
  const bool whole = !finder || face.framing == Framing::aligned;
  return give(whole ? scorer->score(image, Crop()) : scorer->score(image, face.face), faces[index]);
}

/// Scores the face whose place in the image of the pixels is known: 4 numbers of a box, 10 of landmarks, or none: then the
/// image is a crop of a face. The numbers are read from faces_found(), the result is written there; prepare_known() makes
/// the place for both.
EXPORT(prepare_known) float* prepare_known() {
  faces.assign(1, face_out(FoundFace()));
  return faces[0].box;
}
EXPORT(score_known) int score_known(int height, int width, int order, int numbers) {
  const auto view = image_in_pixels(height, width, order);
  if (!view) return fail(view.status());
  FaceOut& face = faces[0];
  Crop crop;
  if (numbers == 4) crop.box = FaceBox{face.box[0], face.box[1], face.box[2], face.box[3]};
  if (numbers == 10) {
    crop.landmarks.emplace();
    for (int i = 0; i < 5; ++i) {
      crop.landmarks->x[i] = face.landmarks[2 * i];
      crop.landmarks->y[i] = face.landmarks[2 * i + 1];
    }
  }
  return give(scorer->score(*view, crop), face);
}

/// The lowest quality of the bands poor (0), fair (1) and good (2).
EXPORT(band_limit) int band_limit(int index) {
  const BandLimits bands = scorer->band_limits().value_or(BandLimits());
  return index == 0 ? bands.poor : index == 1 ? bands.fair : bands.good;
}

/// What is wrong with the bytes of a file, which lie in the pixels, if they are of no image format that all browsers know.
/// Returns 0 if they begin as an image does.
EXPORT(check_file) int check_file(std::size_t bytes) {
  const Bytes file(pixels, bytes);
  return detail::image_format(file) == detail::ImageFormat::other ? fail(detail::unknown_format(file)) : 0;
}

/// Why the last call failed: a text that ends in 0.
EXPORT(error_message) const char* error_message() { return message.c_str(); }
