// tinyfiqa_detector: finds faces.
#include "common.hpp"
#include "jobs/faces/face_pixels.hpp"

#include <utility>

using namespace tinyfiqa;
using c_api::call;

struct tinyfiqa_detector {
  FaceFinder finder;
  InUse in_use = {};
};

namespace {

/// Where the caller wants the faces.
struct FacesOut {
  tinyfiqa_face* faces;
  std::size_t capacity;
  std::size_t* count;

  void give(const std::vector<FoundFace>& found) const {
    std::vector<tinyfiqa_face> all;
    for (const FoundFace& face : found) all.push_back(c_api::face_of(face));
    c_api::give(all, faces, capacity, count);
  }
};

Status detect(tinyfiqa_detector& detector, Bytes file, const FacesOut& out) {
  DecodeRequest request;
  request.longest_side = detector.finder.decoded_side();
  const auto photo = decode_photo(file, request);
  if (!photo) return photo.status();
  auto found = detector.finder.find(photo->image, photo->scale_y);
  if (!found) return found.status();
  for (FoundFace& face : *found) face.face = in_full_photo(*photo, face.face);
  out.give(*found);
  return {};
}

/// Calls work(), which returns a Status, if the detector is free.
template <class Work>
tinyfiqa_code use(tinyfiqa_detector* detector, tinyfiqa_error* error, const Work& work) {
  return call(error, [&]() -> Status {
    if (detector == nullptr) return c_api::null_argument("detector");
    const InUse::Guard guard(detector->in_use);
    return guard ? work() : InUse::error("this tinyfiqa_detector");
  });
}

}  // namespace

tinyfiqa_code tinyfiqa_detector_create(const tinyfiqa_search* search, tinyfiqa_detector** detector,
                                       tinyfiqa_error* error) {
  return call(error, [&]() -> Status {
    if (detector == nullptr) return c_api::null_argument("detector");
    const tinyfiqa_search own = search != nullptr ? *search : tinyfiqa_search{};
    auto model = c_api::detector_model(own);
    if (!model) return model.status();
    auto finder = c_api::make_finder(std::move(*model), own, FaceChoice::all);
    if (!finder) return finder.status();
    *detector = new tinyfiqa_detector{std::move(*finder)};
    return {};
  });
}

void tinyfiqa_detector_free(tinyfiqa_detector* detector) { delete detector; }

tinyfiqa_code tinyfiqa_detect_file(tinyfiqa_detector* detector, const char* path, tinyfiqa_face* faces,
                                   size_t capacity, size_t* count, tinyfiqa_error* error) {
  return use(detector, error, [&] {
    return c_api::on_file(path, [&](Bytes file) {
      return detect(*detector, file, {faces, capacity, count});
    });
  });
}

tinyfiqa_code tinyfiqa_detect_bytes(tinyfiqa_detector* detector, const void* bytes, size_t size,
                                    tinyfiqa_face* faces, size_t capacity, size_t* count,
                                    tinyfiqa_error* error) {
  return use(detector, error, [&]() -> Status {
    const auto file = c_api::bytes_of(bytes, size);
    return file ? detect(*detector, *file, {faces, capacity, count}) : file.status();
  });
}

tinyfiqa_code tinyfiqa_detect_image(tinyfiqa_detector* detector, const tinyfiqa_image* image,
                                    tinyfiqa_face* faces, size_t capacity, size_t* count,
                                    tinyfiqa_error* error) {
  return use(detector, error, [&]() -> Status {
    const auto view = c_api::view_of(image);
    if (!view) return view.status();
    const auto found = detector->finder.find(*view);
    if (!found) return found.status();
    FacesOut{faces, capacity, count}.give(*found);
    return {};
  });
}
