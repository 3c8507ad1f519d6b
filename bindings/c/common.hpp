// What the functions of tinyfiqa.h share: errors, images and faces as C has them.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/detection/face_detector.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/memory_errors.hpp>
#include <tinyfiqa/image/view.hpp>
#include <tinyfiqa/threads/in_use.hpp>

#include "decoders/photo.hpp"
#include "jobs/faces/face_finder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tinyfiqa.h"

namespace c_api {

/// Calls work(), which returns a Status, and reports it as C does. Exceptions of the standard library become errors.
template <class Work>
tinyfiqa_code call(tinyfiqa_error* error, const Work& work) {
  const tinyfiqa::Status status = tinyfiqa::detail::with_memory_errors("", work);
  const auto code = static_cast<tinyfiqa_code>(status.code());
  if (error == nullptr) return code;
  static_assert(sizeof error->message > tinyfiqa::detail::max_message, "every message has room");
  error->code = code;
  const char* const message = status.ok() ? "" : status.message();
  std::memcpy(error->message, message, std::strlen(message) + 1);
  return code;
}

/// The error for a parameter that must not be null.
inline tinyfiqa::Status null_argument(const char* name) {
  return tinyfiqa::Status::error(tinyfiqa::Errc::bad_argument, name, " must not be NULL");
}

/// Copies the first `capacity` of the faces to the caller.
template <class Face>
void give(const std::vector<Face>& all, Face* faces, std::size_t capacity, std::size_t* count) {
  if (count != nullptr) *count = all.size();
  if (faces != nullptr) std::copy_n(all.begin(), std::min(capacity, all.size()), faces);
}

/// Errors: bad_argument, too_large.
tinyfiqa::Result<tinyfiqa::ImageView> view_of(const tinyfiqa_image* image);

/// The bytes of a caller. Errors: bad_argument for null.
tinyfiqa::Result<tinyfiqa::Bytes> bytes_of(const void* bytes, std::size_t size);

/// Calls work(Bytes), which returns a Status, on the bytes of a file. Errors: those of reading; those of `work` begin with
/// the path.
template <class Work>
tinyfiqa::Status on_file(const char* path, const Work& work) {
  if (path == nullptr) return null_argument("path");
  const auto file = read_photo_file(path);
  if (!file) return file.status();
  const tinyfiqa::Status status = work(file->bytes);
  return status.ok() ? status : status.prefixed(path, ": ");
}

tinyfiqa_face face_of(const FoundFace& found);

/// The network of a search: that of its file, or the built-in one. Errors: those of load_model(); mismatch.
tinyfiqa::Result<std::shared_ptr<const tinyfiqa::Model>> detector_model(const tinyfiqa_search& search);

/// Errors: those of FaceDetector::create().
tinyfiqa::Result<FaceFinder> make_finder(std::shared_ptr<const tinyfiqa::Model> model,
                                         const tinyfiqa_search& search, FaceChoice choice);

}  // namespace c_api
