// A hash over the weights of a file and over what decides the meaning of their scores.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dtype.hpp>
#include <tinyfiqa/base/little_endian.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

TINYFIQA_BEGIN

/// The metadata entry that holds the hash of a weight file, as 16 hexadecimal digits.
constexpr const char* weight_hash_key = "tinyfiqa_hash";

/// Readers check the hash of files whose tensors have at most this many bytes in all, which takes well below a
/// millisecond. check_weight_hash() checks any file.
constexpr std::uint64_t hash_checked_on_load = std::uint64_t{4} << 20u;

/// Metadata that the hash covers: what decides how a network is run and what its scores mean. Descriptions
/// (licence, recipe, ...) may be edited.
inline bool is_hashed_metadata(std::string_view key) {
  for (const char* hashed : {"model", "input_size", "crop", "normalisation", "views", "untrained",
                             "calibration", "thresholds", "bands", "band_errors", "test_vector"})
    if (key == hashed) return true;
  return false;
}

namespace detail {
/// A 64-bit hash of bytes: FNV-1a's step over words of 8 bytes, in four lanes, which the processor computes at the
/// same time. For a fixed remainder of the input, each step is a bijection of each word, so any change within one
/// word changes the result. It finds damage, not malice.
inline std::uint64_t hash_bytes(Bytes bytes, std::uint64_t seed) {
  constexpr std::uint64_t prime = 0x9e3779b97f4a7c15u;  // odd, so that multiplying by it is a bijection
  std::uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};
  const auto step = [](std::uint64_t h, std::uint64_t word) {
    h = (h ^ word) * prime;
    return h ^ (h >> 32u);
  };
  std::size_t at = 0;
  for (; at + 32 <= bytes.size; at += 32)
    for (std::size_t i = 0; i < 4; ++i)
      lane[i] = step(lane[i], load_le<std::uint64_t>(bytes.data + at + 8 * i));
  std::uint64_t h = step(bytes.size, lane[0]);
  for (std::size_t i = 1; i < 4; ++i) h = step(h, lane[i]);
  for (; at < bytes.size; at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8 && at + i < bytes.size; ++i)
      word |= static_cast<std::uint64_t>(bytes[at + i]) << (8 * i);
    h = step(h, word);
  }
  return mix_seed(h);
}

inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  return hash_bytes(Bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size()), seed);
}
}  // namespace detail

/// Adds up the hashes of the parts of a weight file. Their order does not matter, so a program that writes the
/// tensors in another order does not change the hash.
class WeightHash {
 public:
  void add_metadata(const Metadata& metadata) {
    for (const auto& [key, value] : metadata)
      if (is_hashed_metadata(key)) sum_ += detail::hash_text(value, detail::hash_text(key, 1));
  }
  /// `bytes`: the elements, row-major, without gaps.
  void add_tensor(std::string_view name, DType dtype, const std::vector<std::int64_t>& shape, Bytes bytes) {
    std::uint64_t seed = detail::hash_text(name, 2) ^ static_cast<std::uint64_t>(dtype);
    for (const std::int64_t extent : shape) seed = detail::mix_seed(seed, static_cast<std::uint64_t>(extent));
    sum_ += detail::hash_bytes(bytes, seed);
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string digits(16, '0');
    for (std::size_t i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[(sum_ >> (60 - 4 * i)) & 15u];
    return digits;
  }

 private:
  std::uint64_t sum_ = 0;
};

/// Compares a file with the hash in its metadata; a file without one passes. Its tensors must have no gaps, as
/// those of a safetensors file. Errors: bad_format if weights or calibration are not those that were hashed.
inline Status check_weight_hash(const TensorFile& file) {
  const std::string* const expected = find_metadata(file.metadata, weight_hash_key);
  if (expected == nullptr) return {};
  WeightHash hash;
  hash.add_metadata(file.metadata);
  for (const TensorEntry& tensor : file.entries()) {
    const auto count = count_elements(tensor);
    if (!count) return count.status();
    hash.add_tensor(tensor.name, tensor.dtype, tensor.shape,
                    Bytes(tensor.storage.data, static_cast<std::size_t>(*count) * dtype_bytes(tensor.dtype)));
  }
  if (hash.text() == *expected) return {};
  return Status::error(
      Errc::bad_format, file.path, ": the weights or their calibration are not those that were written (",
      weight_hash_key, " is ", in_quotes(*expected), ", but they give ", hash.text(),
      "): the file is damaged or was edited; get it again. After an edit on purpose, remove ",
      weight_hash_key, " from its metadata");
}

TINYFIQA_END
