#include "onnx/nchw.hpp"

#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstddef>

using namespace tinyfiqa;

Result<ImageTensor> read_image_tensor(const std::string& path) {
  const auto array = read_npy(path);
  if (!array) return array.status();
  const auto& shape = array->shape;
  if (shape.size() != 4 || shape[1] != 3)
    return Status::error(Errc::mismatch, path, ": the network wants [N, 3, H, W], this array is ",
                         shape_text(shape));
  for (const std::int64_t extent : shape)
    if (extent > 1 << 30)
      return Status::error(Errc::too_large, path, ": ", shape_text(shape), " is too large");
  ImageTensor x;
  x.size = {static_cast<int>(shape[0]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), 3};
  x.nhwc.resize(array->values.size());
  const auto pixels = static_cast<std::size_t>(shape[2]) * static_cast<std::size_t>(shape[3]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape[0]); ++i)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < pixels; ++p)
        x.nhwc[(i * pixels + p) * 3 + c] = array->values[(i * 3 + c) * pixels + p];
  return x;
}

NamedArray nchw_array(const char* name, const Extents& size, const std::vector<float>& nhwc) {
  NamedArray array{name, {size.n, size.c}, nhwc};
  if (size.h == 1 && size.w == 1) return array;
  array.shape.insert(array.shape.end(), {size.h, size.w});
  const auto pixels = static_cast<std::size_t>(size.h) * static_cast<std::size_t>(size.w),
             channels = static_cast<std::size_t>(size.c);
  for (std::size_t i = 0; i < nhwc.size(); ++i) {
    const std::size_t image = i / (pixels * channels), pixel = i / channels % pixels, c = i % channels;
    array.values[(image * channels + c) * pixels + pixel] = nhwc[i];
  }
  return array;
}
