// The named tensors of a weight file: views of its bytes, converted to floats on demand.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dtype.hpp>
#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/formats/weight_sets.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The largest number of dimensions that is read. PyTorch allows 64; weights have at most 5.
constexpr std::size_t max_tensor_rank = 16;
/// The largest number of elements that is read (1 GiB as floats). An expanded tensor (stride 0) can declare
/// any size with few bytes in the file.
constexpr std::uint64_t max_tensor_elements = std::uint64_t{1} << 28u;
/// The longest name of a tensor in bytes.
constexpr std::size_t max_tensor_name = 1024;
/// The largest number of tensors in a file, and of bytes of all of them together.
constexpr std::size_t max_tensors = std::size_t{1} << 16u;
constexpr std::uint64_t max_tensor_bytes = std::uint64_t{4} << 30u;

/// One tensor. Element (i0, i1, ...) is element offset + i0 * strides[0] + i1 * strides[1] + ... of
/// `storage`. Several tensors may share a storage.
struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< in elements
  Bytes storage;
  std::int64_t offset = 0;  ///< in elements, from the start of the storage
};

/// The strides of a row-major tensor without gaps. The number of its elements must not overflow.
inline std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  // The other extents of an empty tensor may be arbitrarily large: [0, 2^62, 8] has 0 elements.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return strides;
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// The number of elements of a tensor. Checks that all of them lie inside the storage. Errors:
/// bad_format, too_large.
inline Result<std::uint64_t> count_elements(const TensorEntry& tensor) {
  const auto bad = [&](const char* what) {
    return Status::error(Errc::bad_format, in_quotes(tensor.name), ": ", what,
                         "; save or download the file again");
  };
  if (tensor.shape.size() != tensor.strides.size()) return bad("the numbers of strides and extents differ");
  if (tensor.shape.size() > max_tensor_rank) return bad("more than 16 dimensions");
  if (tensor.offset < 0) return bad("a negative storage offset");
  std::uint64_t count = 1, last = static_cast<std::uint64_t>(tensor.offset);
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] < 0 || tensor.strides[i] < 0) return bad("a negative extent or stride");
    if (!multiply_into(count, static_cast<std::uint64_t>(tensor.shape[i])))
      return bad("the number of elements overflows");
    std::uint64_t reach = static_cast<std::uint64_t>(tensor.shape[i] > 0 ? tensor.shape[i] - 1 : 0);
    if (!multiply_into(reach, static_cast<std::uint64_t>(tensor.strides[i])) || !add_into(last, reach)) {
      return bad("the strides overflow");
    }
  }
  if (count > max_tensor_elements) {
    return Status::error(Errc::too_large, in_quotes(tensor.name), ": ", count,
                         " elements; at most 2^28 are read");
  }
  if (count != 0 && last >= tensor.storage.size / dtype_bytes(tensor.dtype))
    return bad("it reaches beyond its storage");
  return count;
}

namespace detail {
/// Calls each(index, bytes, elements, step) for rows of equally spaced elements until all `count` elements
/// are visited in row-major order. `index` is the row-major index of the row's first element, `bytes` points
/// to it, `elements` is the length of the row and `step` the distance of its elements in bytes.
/// count_elements() must have checked the bounds.
template <class Each>
void for_each_row(const TensorEntry& tensor, std::size_t count, Each each) {
  const std::size_t rank = tensor.shape.size(), size = dtype_bytes(tensor.dtype);
  // Trailing dimensions without gaps are joined into one row. Without this, [Cout, Cin, 1, 1]
  // would have rows of one element.
  std::size_t outer = rank;
  std::int64_t row = 1, step = 1;
  for (; outer > 0 && (tensor.shape[outer - 1] == 1 || tensor.strides[outer - 1] == row); --outer)
    row *= tensor.shape[outer - 1];
  if (outer == rank && rank > 0) {
    row = tensor.shape[--outer];
    step = tensor.strides[outer];
  }
  std::int64_t index[max_tensor_rank] = {};
  for (std::size_t done = 0; done < count; done += static_cast<std::size_t>(row)) {
    std::int64_t element = tensor.offset;
    for (std::size_t i = 0; i < outer; ++i) element += index[i] * tensor.strides[i];
    each(done, tensor.storage.data + static_cast<std::size_t>(element) * size, static_cast<std::size_t>(row),
         static_cast<std::size_t>(step) * size);
    for (std::size_t i = outer; i-- > 0;) {
      if (++index[i] < tensor.shape[i]) break;
      index[i] = 0;
    }
  }
}
/// These read one element of a file as a float.
template <class T>
struct LoadNumber {
  static constexpr std::size_t bytes = sizeof(T);
  float operator()(const unsigned char* p) const { return static_cast<float>(detail::load_le<T>(p)); }
};
struct LoadHalf {
  static constexpr std::size_t bytes = 2;
  float operator()(const unsigned char* p) const {
    return detail::half_to_float(detail::load_le<std::uint16_t>(p));
  }
};
struct LoadBfloat16 {
  static constexpr std::size_t bytes = 2;
  float operator()(const unsigned char* p) const {
    return detail::bfloat16_to_float(detail::load_le<std::uint16_t>(p));
  }
};
struct LoadBoolean {
  static constexpr std::size_t bytes = 1;
  float operator()(const unsigned char* p) const { return *p != 0 ? 1.0f : 0.0f; }
};

/// Reads `count` elements, `step` bytes apart, as floats.
using RowReader = void (*)(const unsigned char* from, std::size_t step, std::size_t count, float* to);
template <class Load>
void read_row(const unsigned char* from, std::size_t step, std::size_t count, float* to) {
  const Load load;
  if (step == Load::bytes)  // a separate loop, so that the compiler can vectorise it
    for (std::size_t i = 0; i < count; ++i) to[i] = load(from + i * Load::bytes);
  else
    for (std::size_t i = 0; i < count; ++i) to[i] = load(from + i * step);
}
inline RowReader row_reader(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return read_row<LoadNumber<float>>;
    case DType::f64:
      return read_row<LoadNumber<double>>;
    case DType::f16:
      return read_row<LoadHalf>;
    case DType::bf16:
      return read_row<LoadBfloat16>;
    case DType::i64:
      return read_row<LoadNumber<std::int64_t>>;
    case DType::i32:
      return read_row<LoadNumber<std::int32_t>>;
    case DType::i16:
      return read_row<LoadNumber<std::int16_t>>;
    case DType::i8:
      return read_row<LoadNumber<std::int8_t>>;
    case DType::u64:
      return read_row<LoadNumber<std::uint64_t>>;
    case DType::u32:
      return read_row<LoadNumber<std::uint32_t>>;
    case DType::u16:
      return read_row<LoadNumber<std::uint16_t>>;
    case DType::u8:
      return read_row<LoadNumber<std::uint8_t>>;
    case DType::boolean:
      return read_row<LoadBoolean>;
  }
  return nullptr;
}
}  // namespace detail

/// Reads a tensor as floats in row-major order. `out` must have as many elements as the tensor. Doubles and
/// large integers are rounded, booleans become 0 and 1. Errors: bad_argument, and those of count_elements().
inline Status read_floats(const TensorEntry& tensor, Span<float> out) {
  const auto count = count_elements(tensor);
  if (!count) return count.status();
  if (*count != out.size) {
    return Status::error(Errc::bad_argument, in_quotes(tensor.name), " has ", *count,
                         " elements, but the destination has ", out.size);
  }
  const detail::RowReader read = detail::row_reader(tensor.dtype);
  detail::for_each_row(tensor, out.size,
                       [&](std::size_t at, const unsigned char* from, std::size_t row, std::size_t step) {
                         read(from, step, row, out.data + at);
                       });
  return {};
}

/// Reads a tensor as floats in row-major order. Errors: those of count_elements().
inline Result<std::vector<float>> read_floats(const TensorEntry& tensor) {
  const auto count = count_elements(tensor);
  if (!count) return count.status();
  std::vector<float> values(static_cast<std::size_t>(*count));
  const Status status = read_floats(tensor, Span<float>(values));
  if (!status) return status;
  return values;
}

/// The bytes of a tensor of any type, in row-major order and without gaps. Errors: those of count_elements().
inline Result<std::vector<unsigned char>> read_bytes(const TensorEntry& tensor) {
  const auto count = count_elements(tensor);
  if (!count) return count.status();
  const std::size_t size = dtype_bytes(tensor.dtype);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(*count) * size);
  detail::for_each_row(tensor, static_cast<std::size_t>(*count),
                       [&](std::size_t at, const unsigned char* from, std::size_t row, std::size_t step) {
                         for (std::size_t i = 0; i < row; ++i)
                           std::copy_n(from + i * step, size, bytes.data() + (at + i) * size);
                       });
  return bytes;
}

/// Keys and values that describe a weight file, in the file's order: __metadata__ of safetensors.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// The value of the first entry with that key, or null.
inline const std::string* find_metadata(const Metadata& metadata, std::string_view key) {
  for (const auto& [k, value] : metadata)
    if (k == key) return &value;
  return nullptr;
}

/// A tensor of the file that is not read, and why: "complex numbers".
struct UnreadTensor {
  std::string name, what;
};

/// "'a' and 2 more tensors were left out: complex numbers can't be read".
inline std::string unread_note(const std::vector<UnreadTensor>& unread) {
  const std::string more =
      unread.size() == 1 ? " was" : " and " + std::to_string(unread.size() - 1) + " more were";
  return in_quotes(unread[0].name) + more + " left out: " + unread[0].what + " can't be read";
}

/// The tensors of one weight file, in the file's order. The object shares ownership of the bytes, so entries
/// stay valid when it is copied or moved.
class TensorFile {
 public:
  std::string path;                ///< for messages
  Metadata metadata;               ///< __metadata__ of safetensors
  std::vector<std::string> notes;  ///< what a reader or converter changed, as sentences for the user
  std::vector<UnreadTensor> unread;
  /// The sets of weights in the file, and the name of the one whose tensors these are.
  std::vector<WeightSet> sets;
  std::string set;

  /// What stands in the file under that name instead of a tensor that can be read; null if nothing does.
  const UnreadTensor* find_unread(std::string_view name) const {
    for (const UnreadTensor& tensor : unread)
      if (tensor.name == name) return &tensor;
    return nullptr;
  }

  const std::vector<TensorEntry>& entries() const { return entries_; }
  /// The entry with that name, or null.
  const TensorEntry* find(std::string_view name) const {
    const auto found = index_.find(std::string(name));
    return found == index_.end() ? nullptr : &entries_[found->second];
  }

  /// Checks the bounds of a tensor and adds it. Errors: bad_format for a name that exists already or for
  /// elements outside the storage; too_large, also for more than max_tensors or max_tensor_bytes in all.
  Status add(TensorEntry tensor) {
    const auto count = count_elements(tensor);
    if (!count) return count.status();
    if (tensor.name.size() > max_tensor_name)
      return Status::error(Errc::too_large, in_quotes(tensor.name), ": a name of more than ", max_tensor_name,
                           " bytes; save the weights alone");
    if (entries_.size() == max_tensors)
      return Status::error(Errc::too_large, "more than ", max_tensors, " tensors; save the weights alone");
    bytes_ += *count * dtype_bytes(tensor.dtype);  // below 2^31 each, and at most 2^16 of them
    if (bytes_ > max_tensor_bytes)
      return Status::error(Errc::too_large, in_quotes(tensor.name),
                           ": the tensors have more than 4 GiB in all; save the weights alone");
    if (!index_.emplace(tensor.name, entries_.size()).second) {
      return Status::error(Errc::bad_format, in_quotes(tensor.name),
                           ": two tensors have this name; save the file again");
    }
    entries_.push_back(std::move(tensor));
    return {};
  }
  /// Adds a tensor of floats; the values are copied. Errors: as above.
  Status add(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
    auto bytes = std::make_shared<std::vector<unsigned char>>(values.size() * sizeof(float));
    for (std::size_t i = 0; i < values.size(); ++i)
      detail::store_le(bytes->data() + 4 * i, detail::float_bits(values[i]), 4);
    auto strides = contiguous_strides(shape);
    TensorEntry tensor{std::move(name), DType::f32, std::move(shape), std::move(strides), Bytes(*bytes), 0};
    keep(std::move(bytes));
    return add(std::move(tensor));
  }
  /// The size of all tensors as if they shared nothing, in bytes.
  std::uint64_t bytes() const { return bytes_; }
  /// Keeps `owner` alive as long as this object or a copy of it.
  void keep(std::shared_ptr<const void> owner) {
    if (owner != nullptr) owners_.push_back(std::move(owner));
  }
  /// All owners. A TensorFile that is made of this one's entries must keep them too.
  const std::vector<std::shared_ptr<const void>>& owners() const { return owners_; }

 private:
  std::vector<TensorEntry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  std::uint64_t bytes_ = 0;
  std::vector<std::shared_ptr<const void>> owners_;
};

TINYFIQA_END
