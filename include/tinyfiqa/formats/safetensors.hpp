// Reader and writer of safetensors files: 8 bytes with the length of the header, a JSON
// header, and the bytes of the tensors.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/safetensors_header.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/formats/write_file.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The largest header in bytes; the reference implementation has the same limit.
constexpr std::uint64_t max_safetensors_header = 100'000'000;

/// True for bytes that start like a safetensors file: a plausible length and an opening brace.
inline bool looks_like_safetensors(Bytes bytes) {
  return bytes.size >= 9 && bytes[8] == '{' &&
         detail::load_le<std::uint64_t>(bytes.data) <= max_safetensors_header;
}

namespace detail {
/// Checks that the tensors follow each other without gaps. This also excludes overlaps and hidden bytes.
inline Status check_safetensors_layout(const std::vector<SafetensorsItem>& items, std::uint64_t data_bytes) {
  std::vector<const SafetensorsItem*> order;
  for (const auto& item : items) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const SafetensorsItem* a, const SafetensorsItem* b) {
    return std::make_pair(a->begin, a->end) < std::make_pair(b->begin, b->end);
  });
  std::uint64_t cursor = 0;
  for (const SafetensorsItem* item : order) {
    std::uint64_t size = dtype_bytes(item->dtype);
    for (const std::int64_t extent : item->shape) {
      if (!multiply_into(size, static_cast<std::uint64_t>(extent))) {
        return Status::error(Errc::bad_format, in_quotes(item->name),
                             ": the number of elements overflows; save the file again");
      }
    }
    if (item->begin != cursor || item->end < item->begin) {
      return Status::error(Errc::bad_format, in_quotes(item->name),
                           ": its bytes overlap another tensor's or leave a gap; save the file again");
    }
    if (item->end - item->begin != size) {
      return Status::error(Errc::bad_format, in_quotes(item->name), ": ", item->end - item->begin,
                           " bytes, but its shape needs ", size, "; save the file again");
    }
    cursor = item->end;
    if (cursor > data_bytes) break;
  }
  if (cursor == data_bytes) return {};
  return Status::error(Errc::bad_format, data_bytes < cursor ? "cut off: " : "too long: ", data_bytes,
                       " bytes of tensors, but the header declares at least ", cursor,
                       "; copy or download it again");
}

inline Result<TensorFile> parse_safetensors(const FileBytes& file) {
  if (file.bytes.size < 9)
    return Status::error(Errc::bad_format, "cut off: fewer than 9 bytes; copy it again");
  const auto length = detail::load_le<std::uint64_t>(file.bytes.data);
  if (length > max_safetensors_header) {
    return Status::error(Errc::too_large, "a header of ", length,
                         " bytes (at most 100 MB are read); check that this is a safetensors file");
  }
  if (length > file.bytes.size - 8) {
    return Status::error(Errc::bad_format, "cut off in the header; copy or download it again");
  }
  const auto header_bytes = static_cast<std::size_t>(length);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data) + 8, header_bytes);
  auto header = SafetensorsHeaderParser(text).parse();
  if (!header) return header.status();
  const Bytes data(file.bytes.data + 8 + header_bytes, file.bytes.size - 8 - header_bytes);
  const Status layout = check_safetensors_layout(header->items, data.size);
  if (!layout) return layout;
  TensorFile result;
  result.path = file.path;
  result.metadata = std::move(header->metadata);
  result.keep(file.owner);
  for (auto& item : header->items) {
    const Bytes storage(data.data + item.begin, static_cast<std::size_t>(item.end - item.begin));
    auto strides = contiguous_strides(item.shape);
    const Status added =
        result.add({std::move(item.name), item.dtype, std::move(item.shape), std::move(strides), storage, 0});
    if (!added) return added;
  }
  return result;
}
}  // namespace detail

/// Reads the tensors of a safetensors file. They are views of its bytes. If the file has a hash and is not large
/// (hash_checked_on_load), it is compared. Errors: bad_format, unsupported, too_large.
inline Result<TensorFile> read_safetensors(const FileBytes& file) {
  auto result = detail::parse_safetensors(file);
  if (!result) return result.status().prefixed(file.path, ": safetensors: ");
  if (result->bytes() <= hash_checked_on_load)
    if (const Status status = check_weight_hash(*result); !status) return status;
  return result;
}
/// As above, for a path.
inline Result<TensorFile> read_safetensors(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_safetensors(*file);
}

/// A tensor to be written: the bytes of its elements, row-major and little-endian.
struct TensorBytes {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<unsigned char> bytes;
};

/// A tensor to be written: row-major floats.
struct FloatTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  Span<const float> values;
};

namespace detail {
/// The text as a JSON string. Bytes above 0x7f are copied, since names are UTF-8.
inline std::string json_string(const std::string& text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (code < 0x20)
      out += std::string("\\u00") + hex[code >> 4u] + hex[code & 15u];
    else
      out += c;
  }
  return out + "\"";
}

inline Status check_writable(const std::string& path, const std::vector<TensorBytes>& tensors) {
  std::set<std::string> names;
  for (const auto& tensor : tensors) {
    std::uint64_t bytes = dtype_bytes(tensor.dtype);
    bool good = tensor.name != "__metadata__" && names.insert(tensor.name).second;
    for (const std::int64_t extent : tensor.shape) {
      good = good && extent >= 0 && multiply_into(bytes, static_cast<std::uint64_t>(extent));
    }
    if (good && bytes == tensor.bytes.size()) continue;
    return Status::error(Errc::bad_argument, path, ": ", in_quotes(tensor.name),
                         " can't be written: its name is used twice or reserved, or ", tensor.bytes.size(),
                         " bytes do not fit ", dtype_name(tensor.dtype), " ", shape_text(tensor.shape));
  }
  return {};
}

/// Puts the hash of tensors and metadata into the metadata, in the place of an old one.
inline void set_weight_hash(const std::vector<TensorBytes>& tensors, Metadata& metadata) {
  WeightHash hash;
  hash.add_metadata(metadata);
  for (const TensorBytes& tensor : tensors)
    hash.add_tensor(tensor.name, tensor.dtype, tensor.shape, Bytes(tensor.bytes));
  const auto is_hash = [](const auto& entry) { return entry.first == weight_hash_key; };
  metadata.erase(std::remove_if(metadata.begin(), metadata.end(), is_hash), metadata.end());
  metadata.emplace_back(weight_hash_key, hash.text());
}

inline std::string safetensors_header(const std::vector<TensorBytes>& tensors, const Metadata& metadata) {
  std::string json = "{";
  const auto comma = [&] { json += json.size() > 1 ? "," : ""; };
  if (!metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      json += (&key == &metadata.front().first ? "" : ",") + json_string(key) + ":" + json_string(value);
    }
    json += "}";
  }
  std::size_t begin = 0;
  for (const auto& tensor : tensors) {
    const std::size_t end = begin + tensor.bytes.size();
    comma();
    json += json_string(tensor.name) + ":{\"dtype\":\"" + dtype_name(tensor.dtype) + "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      json += (i == 0 ? "" : ",") + std::to_string(tensor.shape[i]);
    json += "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
    begin = end;
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');  // so that the tensors start at a multiple of 8 bytes
  return json;
}

/// Encodes floats as F32 or F16. Errors: bad_argument for finite values that F16 can't represent.
inline Status encode_floats(const FloatTensor& tensor, DType dtype, TensorBytes& out) {
  const std::size_t size = dtype_bytes(dtype);
  out = {tensor.name, dtype, tensor.shape, std::vector<unsigned char>(tensor.values.size * size)};
  for (std::size_t i = 0; i < tensor.values.size; ++i) {
    const std::uint32_t whole = float_bits(tensor.values[i]);
    const std::uint32_t bits = size == 4 ? whole : detail::float_to_half(tensor.values[i]);
    if (size == 2 && (bits & 0x7fffu) == 0x7c00u && (whole & 0x7fffffffu) < 0x7f800000u) {
      return Status::error(Errc::bad_argument, in_quotes(tensor.name),
                           " has values beyond 65504, the largest value of F16; write it as F32");
    }
    detail::store_le(out.bytes.data() + i * size, bits, size);
  }
  return {};
}
}  // namespace detail

/// Writes tensors of any element types without a conversion, and their hash into the metadata. Names must be unique;
/// "__metadata__" is reserved.
/// Errors: bad_argument, cannot_write.
inline Status write_safetensors(const std::string& path, const std::vector<TensorBytes>& tensors,
                                Metadata metadata = {}) {
  const Status good = detail::check_writable(path, tensors);
  if (!good) return good;
  detail::set_weight_hash(tensors, metadata);
  const std::string header = detail::safetensors_header(tensors, metadata);
  unsigned char length[8];
  detail::store_le(length, header.size(), 8);
  std::vector<Bytes> parts = {Bytes(length, 8),
                              Bytes(reinterpret_cast<const unsigned char*>(header.data()), header.size())};
  for (const auto& tensor : tensors) parts.emplace_back(tensor.bytes.data(), tensor.bytes.size());
  return write_file(path, Span<const Bytes>(parts.data(), parts.size()));
}

/// Writes floats as F32 or, rounded to nearest even, as F16. F16 refuses finite values beyond 65504.
/// Errors: bad_argument, cannot_write.
inline Status write_safetensors(const std::string& path, const std::vector<FloatTensor>& tensors,
                                const Metadata& metadata = {}, DType dtype = DType::f32) {
  if (dtype != DType::f32 && dtype != DType::f16) {
    return Status::error(Errc::bad_argument, path, ": weights are written as F32 or F16, not as ",
                         dtype_name(dtype));
  }
  std::vector<TensorBytes> encoded(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Status status = detail::encode_floats(tensors[i], dtype, encoded[i]);
    if (!status) return status.prefixed(path, ": ");
  }
  return write_safetensors(path, encoded, metadata);
}

TINYFIQA_END
