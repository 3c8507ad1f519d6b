#include "common.hpp"

#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <utility>

using namespace tinyfiqa;

namespace c_api {

// The numbers of tinyfiqa.h are those of the library.
static_assert(static_cast<int>(Errc::unsupported) == TINYFIQA_UNSUPPORTED);
static_assert(static_cast<int>(Errc::out_of_memory) == TINYFIQA_OUT_OF_MEMORY);
static_assert(static_cast<int>(Errc::in_use) == TINYFIQA_IN_USE);
static_assert(static_cast<int>(ChannelOrder::bgra) == TINYFIQA_BGRA);
static_assert(static_cast<int>(ChannelOrder::grey) == TINYFIQA_GREY);
static_assert(static_cast<int>(Framing::aligned) == TINYFIQA_FRAMING_ALIGNED);
static_assert(static_cast<int>(Band::good) == TINYFIQA_BAND_GOOD);

Result<ImageView> view_of(const tinyfiqa_image* image) {
  if (image == nullptr) return null_argument("image");
  if (image->order < TINYFIQA_RGB || image->order > TINYFIQA_GREY)
    return Status::error(Errc::bad_argument, "the image's order ", image->order,
                         " is none of TINYFIQA_RGB to TINYFIQA_GREY");
  ImageView view;
  view.data = image->data;
  view.height = image->height;
  view.width = image->width;
  view.order = static_cast<ChannelOrder>(image->order);
  view.row_stride = image->row_stride != 0 ? static_cast<std::ptrdiff_t>(image->row_stride)
                                           : std::ptrdiff_t{channel_count(view.order)} * view.width;
  if (const Status s = check_view(view); !s) return s;
  return view;
}

Result<Bytes> bytes_of(const void* bytes, std::size_t size) {
  if (bytes == nullptr) return null_argument("bytes");
  return Bytes(static_cast<const unsigned char*>(bytes), size);
}

tinyfiqa_face face_of(const FoundFace& found) {
  const FaceBox& box = found.face.box;
  tinyfiqa_face face = {};
  face.x = box.x;
  face.y = box.y;
  face.width = box.width;
  face.height = box.height;
  face.confidence = found.face.confidence;
  for (int i = 0; i < 5; ++i) {
    face.landmarks[2 * i] = found.face.landmarks.x[i];
    face.landmarks[2 * i + 1] = found.face.landmarks.y[i];
  }
  face.framing = static_cast<std::int32_t>(found.framing);
  return face;
}

Result<std::shared_ptr<const Model>> detector_model(const tinyfiqa_search& search) {
  auto model = search.detector == nullptr ? default_detector_model(native_backend())
                                          : load_model(search.detector, "", native_backend(), Use::run);
  if (!model) return model.status();
  if (model->spec().detector == DetectorFamily::none)
    return Status::error(Errc::mismatch, search.detector, ": is a ", model->spec().name,
                         ", which finds no faces");
  return std::make_shared<const Model>(std::move(*model));
}

Result<FaceFinder> make_finder(std::shared_ptr<const Model> model, const tinyfiqa_search& search,
                               FaceChoice choice) {
  DetectorOptions options;
  if (search.threshold != 0) options.threshold = search.threshold;
  if (search.longest_side != 0) options.longest_side = search.longest_side;
  if (search.threads != 0) options.threads = search.threads;
  options.tiles = search.tiles != 0;
  options.thorough = search.quick == 0;
  auto detector = FaceDetector::create(std::move(model), options);
  if (!detector) return detector.status();
  return FaceFinder(std::move(*detector), choice, search.smallest_face);
}

}  // namespace c_api

const char* tinyfiqa_version() { return TINYFIQA_VERSION; }
const char* tinyfiqa_instruction_set() { return native_backend().isa; }
const char* tinyfiqa_band_name(int32_t band) {
  return band >= TINYFIQA_BAND_REJECT && band <= TINYFIQA_BAND_GOOD ? band_name(static_cast<Band>(band)) : "";
}
const char* tinyfiqa_framing_name(int32_t framing) {
  const bool known = framing >= TINYFIQA_FRAMING_PHOTO && framing <= TINYFIQA_FRAMING_ALIGNED;
  return known ? framing_name(static_cast<Framing>(framing)) : "";
}
