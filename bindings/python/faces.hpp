// Images of faces in memory or in files, for networks that take many of them.
#pragma once

#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/preprocess.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pixels.hpp"

/// Images, and where the face is in each of them.
class FaceImages {
 public:
  /// `images` are arrays, paths (str) and the bytes of files. `boxes` has [n][4] numbers: x, y, width, height;
  /// `landmarks` [n][10]. If both are empty, the images are crops of faces. Throws Failure and ValueError.
  FaceImages(const nb::list& images, const char* order, const std::vector<float>& boxes,
             const std::vector<float>& landmarks);
  FaceImages(const FaceImages&) = delete;
  FaceImages& operator=(const FaceImages&) = delete;

  std::size_t count() const { return sources_.size(); }
  /// For messages: the path of the file, or "image 7".
  std::string name(std::size_t i) const;
  const tinyfiqa::Crop& crop(std::size_t i) const { return crops_[i]; }
  /// May be called by any thread, without the interpreter's lock. Errors: those of decoding, beginning with the name.
  tinyfiqa::Result<tinyfiqa::Image> read(std::size_t i) const;

 private:
  struct Source {
    std::string path, bytes;
    std::unique_ptr<Pixels> pixels;
  };

  std::vector<Source> sources_;
  std::vector<tinyfiqa::Crop> crops_;
};

/// Throws the error of a Status as Failure.
void check(const tinyfiqa::Status& status);
/// The value of a Result. Throws its error as Failure.
template <class T>
T value_of(tinyfiqa::Result<T> result) {
  check(result.status());
  return std::move(*result);
}
