// Embeddings of many faces, read row by row, so that there may be more of them than fit in memory.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/little_endian.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Rows of floats, one for each face: values in memory, or .npy files whose rows follow each other. Files are mapped, so
/// the system loads the pages that are read, and drops them when it needs memory. Copies share the values. Several threads
/// may read at the same time.
class EmbeddingRows {
 public:
  /// One file, or the values.
  struct Part {
    std::string path;
    std::size_t first = 0, rows = 0;
  };

  EmbeddingRows() = default;

  /// [rows, dimension]. Errors: mismatch if the values are no whole rows.
  static Result<EmbeddingRows> from_values(std::vector<float> values, std::size_t dimension) {
    if (dimension < 1 || values.size() % dimension != 0)
      return Status::error(Errc::mismatch, values.size(), " values are no whole rows of ", dimension,
                           " values; give [faces, dimension]");
    EmbeddingRows rows;
    rows.dimension_ = dimension;
    rows.size_ = values.size() / dimension;
    rows.values_ = std::make_shared<const std::vector<float>>(std::move(values));
    return rows;
  }

  /// Maps .npy files of shape [rows, dimension], of any element type, in C or Fortran order. Errors: those of read_file()
  /// and npy_view(); mismatch for another shape, or for files whose rows differ in length.
  static Result<EmbeddingRows> open(const std::vector<std::string>& paths) {
    EmbeddingRows rows;
    for (const std::string& path : paths)
      if (const Status s = rows.add(path); !s) return s;
    return rows;
  }

  std::size_t size() const { return size_; }
  std::size_t dimension() const { return dimension_; }
  /// The files, in the order of their rows. Empty for values in memory.
  const std::vector<Part>& parts() const { return parts_; }

  /// Copies row i, i < size(), to `to` [dimension].
  void read(std::size_t i, float* to) const {
    if (values_ != nullptr) {
      std::copy_n(values_->data() + i * dimension_, dimension_, to);
      return;
    }
    const auto after = std::upper_bound(parts_.begin(), parts_.end(), i,
                                        [](std::size_t row, const Part& part) { return row < part.first; });
    const auto number = static_cast<std::size_t>(after - parts_.begin()) - 1;
    files_[number].read(i - parts_[number].first, dimension_, to);
  }

 private:
  struct File {
    TensorEntry array;
    std::shared_ptr<const void> owner;  // of the bytes

    void read(std::size_t row, std::size_t dimension, float* to) const {
      const std::size_t size = dtype_bytes(array.dtype);
      const auto row_step = static_cast<std::size_t>(array.strides[0]),
                 step = static_cast<std::size_t>(array.strides[1]);
      const unsigned char* const from = array.storage.data + row * row_step * size;
      if (array.dtype == DType::f32 && step == 1)  // a loop that compilers turn into a copy
        for (std::size_t k = 0; k < dimension; ++k) to[k] = detail::load_le<float>(from + 4 * k);
      else
        detail::row_reader(array.dtype)(from, step * size, dimension, to);
    }
  };

  Status add(const std::string& path) {
    const auto file = read_file(path);
    if (!file) return file.status();
    auto array = npy_view(*file);
    if (!array) return array.status();
    if (array->shape.size() != 2 || array->shape[1] < 1)
      return Status::error(Errc::mismatch, path, ": its shape is ", shape_text(array->shape),
                           "; embeddings have the shape [faces, dimension]");
    const auto dimension = static_cast<std::size_t>(array->shape[1]);
    if (!parts_.empty() && dimension != dimension_)
      return Status::error(Errc::mismatch, path, ": its rows have ", dimension, " values, those of ",
                           parts_[0].path, " have ", dimension_,
                           "; compute all parts with the same recogniser");
    dimension_ = dimension;
    const auto rows = static_cast<std::size_t>(array->shape[0]);
    parts_.push_back({path, size_, rows});
    files_.push_back({std::move(*array), file->owner});
    size_ += rows;
    return {};
  }

  std::size_t size_ = 0, dimension_ = 0;
  std::shared_ptr<const std::vector<float>> values_;
  std::vector<Part> parts_;
  std::vector<File> files_;  // of the parts
};

TINYFIQA_END
