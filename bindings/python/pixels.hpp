// Images of Python as the library takes them.
#pragma once

#include <nanobind/nanobind.h>

#include "core.hpp"

/// The memory of an array of NumPy's, or of anything else with Python's buffer protocol. It stays where it is until this
/// is destroyed.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }

  /// Throws Python's error.
  void open(nb::handle object) {
    PyBuffer_Release(&view_);
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_STRIDES | PyBUF_FORMAT) != 0) throw nb::python_error();
  }
  const Py_buffer& view() const { return view_; }

 private:
  Py_buffer view_ = {};
};

/// The pixels of a uint8 array [height, width] or [height, width, channels]. They are copied only if those of a row do not
/// lie side by side. `order` is that of the channels: rgb, bgr, rgba or bgra. Throws ValueError.
class Pixels {
 public:
  Pixels(nb::handle array, const char* order);
  const tinyfiqa_image& image() const { return image_; }

 private:
  Buffer buffer_;
  tinyfiqa_image image_ = {};
};

/// The memory of an Arrow array of pixels of four bytes, such as Pillow's images give. Nothing is copied.
tinyfiqa_image image_of_arrow(const nb::capsule& array, std::int32_t height, std::int32_t width);
