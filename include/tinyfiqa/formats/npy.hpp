// NumPy's .npy arrays, read as floats and written as little-endian float32.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/write_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// An array of floats in row-major order; arrays in Fortran order are transposed when they are read.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// True for bytes that start like a .npy file.
inline bool looks_like_npy(Bytes bytes) {
  return bytes.size >= 10 && std::string_view(reinterpret_cast<const char*>(bytes.data), 6) == "\x93NUMPY";
}

namespace detail {
/// Parses the header, a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class NpyHeader {
 public:
  explicit NpyHeader(std::string_view text) : text_(text) {}

  DType dtype = DType::f32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

  Status parse() {
    std::string_view key, descr;
    bool seen[3] = {};
    if (!take('{')) return broken();
    while (!take('}')) {
      if (!string(key) || !take(':')) return broken();
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (which == 3 || seen[which]) return broken();
      seen[which] = true;
      if (which == 0 && !string(descr)) {
        return Status::error(Errc::unsupported,
                             "a structured array is not read; save a plain one: arr.astype('float32')");
      }
      if (which == 1 && !boolean()) return broken();
      if (which == 2 && !tuple()) return broken();
      if (!take(',') && text_[at_ < text_.size() ? at_ : 0] != '}') return broken();
    }
    if (!seen[0] || !seen[1] || !seen[2]) return broken();
    return element_type(descr);
  }

 private:
  static Status broken() {
    return Status::error(Errc::bad_format, "the header is damaged; save the array again");
  }

  Status element_type(std::string_view descr) {
    struct Type {
      std::string_view descr;
      DType dtype;
    };
    constexpr Type types[] = {{"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16},
                              {"<i8", DType::i64}, {"<i4", DType::i32}, {"<i2", DType::i16},
                              {"|i1", DType::i8},  {"<u8", DType::u64}, {"<u4", DType::u32},
                              {"<u2", DType::u16}, {"|u1", DType::u8},  {"|b1", DType::boolean}};
    for (const Type& type : types) {
      if (descr != type.descr) continue;
      dtype = type.dtype;
      return {};
    }
    return Status::error(Errc::unsupported, "element type ", in_quotes(descr),
                         " is not read; save the array as little-endian floats: arr.astype('<f4')");
  }

  bool take(char c) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string(std::string_view& out) {
    if (!take('\'')) return false;
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  bool boolean() {
    take(' ');
    fortran_order = text_.substr(at_, 4) == "True";
    if (!fortran_order && text_.substr(at_, 5) != "False") return false;
    at_ += fortran_order ? 4 : 5;
    return true;
  }
  bool tuple() {
    if (!take('(')) return false;
    while (!take(')')) {
      std::uint64_t extent = 0;
      take(' ');
      const std::size_t first = at_;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        if (at_ - first == 18) return false;
        extent = extent * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
      }
      if (at_ == first || shape.size() == max_tensor_rank) return false;
      shape.push_back(static_cast<std::int64_t>(extent));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != ')')) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Splits a file into the text of its header and the bytes of its elements.
inline Status split_npy(Bytes bytes, std::string_view& header, Bytes& elements) {
  if (!looks_like_npy(bytes))
    return Status::error(Errc::bad_format, "not a .npy file; save it with numpy.save");
  const int version = bytes[6];
  if (version < 1 || version > 3) {
    return Status::error(Errc::unsupported, "version ", version,
                         ": only versions 1 to 3 are read; save it with numpy.save");
  }
  const std::size_t start = version == 1 ? 10 : 12;  // the length of the header has 2 bytes or 4
  std::size_t length = bytes.size;
  if (bytes.size >= start) {
    length = version == 1 ? detail::load_le<std::uint16_t>(bytes.data + 8)
                          : detail::load_le<std::uint32_t>(bytes.data + 8);
  }
  if (bytes.size < start || length > bytes.size - start) {
    return Status::error(Errc::bad_format, "cut off in the header; copy it again");
  }
  header = std::string_view(reinterpret_cast<const char*>(bytes.data) + start, length);
  elements = Bytes(bytes.data + start + length, bytes.size - start - length);
  return {};
}

/// The array as a view of the bytes.
inline Result<TensorEntry> npy_view(Bytes bytes) {
  std::string_view text;
  TensorEntry tensor;
  tensor.name = "array";
  Status status = split_npy(bytes, text, tensor.storage);
  if (!status) return status;
  NpyHeader header(text);
  status = header.parse();
  if (!status) return status;
  std::uint64_t size = dtype_bytes(header.dtype);
  for (const std::int64_t extent : header.shape) {
    if (!multiply_into(size, static_cast<std::uint64_t>(extent))) size = ~std::uint64_t{0};
  }
  if (size != tensor.storage.size) {
    return Status::error(Errc::bad_format, tensor.storage.size, " bytes of elements, but shape ",
                         shape_text(header.shape), " needs ", size, "; copy the file again");
  }
  tensor.dtype = header.dtype;
  tensor.shape = header.shape;
  tensor.strides = contiguous_strides(header.shape);
  if (header.fortran_order) {  // column-major
    const auto strides = contiguous_strides({header.shape.rbegin(), header.shape.rend()});
    tensor.strides.assign(strides.rbegin(), strides.rend());
  }
  return tensor;
}
}  // namespace detail

/// The array of a .npy file as a view of its bytes, of any size: nothing is copied. The bytes must outlive it. Errors:
/// bad_format, unsupported.
inline Result<TensorEntry> npy_view(const FileBytes& file) {
  auto view = detail::npy_view(file.bytes);
  if (!view) return view.status().prefixed(file.path, ": npy: ");
  return view;
}

/// Reads a .npy file of version 1 to 3, in C or Fortran order. The elements are little-endian f2, f4 or f8,
/// integers or booleans; they are converted to float. Errors: bad_format, unsupported, too_large.
inline Result<NpyArray> read_npy(const FileBytes& file) {
  auto view = npy_view(file);
  if (!view) return view.status();
  auto values = read_floats(*view);
  if (!values) return values.status().prefixed(file.path, ": npy: ");
  return NpyArray{std::move(view->shape), std::move(*values)};
}
/// As above, for a path.
inline Result<NpyArray> read_npy(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_npy(*file);
}

/// What a .npy file has before the elements of a row-major array of '<f4', version 1. Errors: bad_argument for a shape that
/// no file can have.
inline Result<std::vector<unsigned char>> npy_header(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  bool good = shape.size() <= max_tensor_rank;
  for (const std::int64_t extent : shape)
    good = good && extent >= 0 && multiply_into(count, static_cast<std::uint64_t>(extent));
  if (!good)
    return Status::error(Errc::bad_argument, "an array of shape ", shape_text(shape),
                         " can't be written; give at most 16 extents, none of them negative");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : shape) header += std::to_string(extent) + ", ";
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');  // the elements start at a multiple of 64
  header += '\n';
  std::vector<unsigned char> bytes(10);
  const char magic[] = "\x93NUMPY\x01";
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(magic[i]);
  detail::store_le(bytes.data() + 8, header.size(), 2);
  bytes.insert(bytes.end(), header.begin(), header.end());
  return bytes;
}

/// A row-major array of floats as the bytes of a .npy file: version 1, '<f4'. Errors: bad_argument when `values`
/// has another size than the shape.
inline Result<std::vector<unsigned char>> npy_bytes(const std::vector<std::int64_t>& shape,
                                                    Span<const float> values) {
  auto header = npy_header(shape);
  if (!header) return header.status();
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::uint64_t>(extent);
  if (count != values.size)
    return Status::error(Errc::bad_argument, values.size, " values do not fit shape ", shape_text(shape),
                         "; give as many values as the shape has elements");
  std::vector<unsigned char> bytes = std::move(*header);
  std::size_t at = bytes.size();
  bytes.resize(at + 4 * values.size);
  for (const float value : values) {
    detail::store_le(bytes.data() + at, detail::float_bits(value), 4);
    at += 4;
  }
  return bytes;
}

/// Writes npy_bytes() to a file. Errors: those, and cannot_write.
inline Status write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
                        Span<const float> values) {
  const auto bytes = npy_bytes(shape, values);
  if (!bytes) return bytes.status().prefixed(path, ": ");
  const Bytes whole(*bytes);
  return write_file(path, Span<const Bytes>(&whole, 1));
}

TINYFIQA_END
