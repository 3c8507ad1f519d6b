#include "pixels.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace {

struct Order {
  const char* name;
  std::int32_t value, channels;
};
constexpr Order orders[] = {{"rgb", TINYFIQA_RGB, 3},
                            {"bgr", TINYFIQA_BGR, 3},
                            {"rgba", TINYFIQA_RGBA, 4},
                            {"bgra", TINYFIQA_BGRA, 4}};
constexpr Order grey = {"grey", TINYFIQA_GREY, 1};

/// str(array.attribute)
std::string text_of(nb::handle array, const char* attribute) {
  const nb::object value = array.attr(attribute);
  return nb::str(value).c_str();
}

[[noreturn]] void refuse(nb::handle array, const std::string& problem) {
  throw nb::value_error(("an image of shape " + text_of(array, "shape") + " " + problem).c_str());
}

/// How the pixels of an array are stored. Throws ValueError.
const Order& order_of(nb::handle array, const Py_buffer& view, const char* name) {
  if (std::strcmp(view.format, "B") != 0) {
    const std::string type = text_of(array, "dtype");
    throw nb::value_error(("pixels are of type " + type + "; they must be uint8, 0..255").c_str());
  }
  for (int i = 0; i < view.ndim; ++i) {
    if (view.shape[i] == 0) refuse(array, "has no pixels");
    if (view.shape[i] > INT32_MAX) refuse(array, "is too large");
  }
  if (view.ndim == 2 || (view.ndim == 3 && view.shape[2] == 1)) return grey;
  for (const Order& order : orders)
    if (view.ndim == 3 && view.shape[2] == order.channels && std::strcmp(name, order.name) == 0) return order;
  refuse(array, "has no pixels of order '" + std::string(name) +
                    "'; give [height, width] for grey, or [height, width, channels] with order='rgb', 'bgr', "
                    "'rgba' or 'bgra'");
}

/// Whether three channels lie in reverse, as in array[:, :, ::-1].
bool reversed(const Py_buffer& view, const Order& order) {
  return order.channels == 3 && view.strides[2] == -1 && view.strides[1] == 3;
}

/// Whether tinyfiqa_image can describe the array. Its row stride of 0 stands for rows without gaps, while in an array all
/// rows are then one.
bool describable(const Py_buffer& view, const Order& order) {
  if (view.strides[0] == 0 && view.shape[0] > 1) return false;
  return reversed(view, order) ||
         (view.strides[1] == order.channels && (order.channels == 1 || view.strides[2] == 1));
}

}  // namespace

Pixels::Pixels(nb::handle array, const char* order_name) {
  buffer_.open(array);
  const Order& order = order_of(array, buffer_.view(), order_name);
  if (!describable(buffer_.view(), order)) {
    PyObject* const copy = PyMemoryView_GetContiguous(array.ptr(), PyBUF_READ, 'C');
    if (copy == nullptr) throw nb::python_error();
    buffer_.open(nb::steal(copy));
  }
  const Py_buffer& view = buffer_.view();
  image_.data = static_cast<const unsigned char*>(view.buf);
  image_.height = static_cast<std::int32_t>(view.shape[0]);
  image_.width = static_cast<std::int32_t>(view.shape[1]);
  image_.row_stride = view.strides[0];
  image_.order = order.value;
  if (!reversed(view, order)) return;
  image_.data = static_cast<const unsigned char*>(view.buf) - 2;  // the last channel of the first pixel
  image_.order = order.value == TINYFIQA_RGB ? TINYFIQA_BGR : TINYFIQA_RGB;
}

namespace {

/// The layout of Arrow's C data interface.
struct ArrowArray {
  std::int64_t length, null_count, offset, buffer_count, child_count;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

}  // namespace

tinyfiqa_image image_of_arrow(const nb::capsule& array, std::int32_t height, std::int32_t width) {
  const auto* const a = static_cast<const ArrowArray*>(array.data("arrow_array"));
  if (a == nullptr || a->child_count != 1 || a->offset != 0 || a->length != std::int64_t{height} * width ||
      a->children[0]->buffer_count != 2 || a->children[0]->length != 4 * a->length)
    throw nb::value_error("not an Arrow array of pixels of four bytes");
  tinyfiqa_image image = {};
  image.data = static_cast<const unsigned char*>(a->children[0]->buffers[1]) + a->children[0]->offset;
  image.height = height;
  image.width = width;
  image.order = TINYFIQA_RGBA;
  return image;
}
