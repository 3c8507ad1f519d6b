// What the ranks of a training tell each other, beside the gradient. A null communicator is one process alone.
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// The largest of one whole number >= 0 of each rank.
inline double largest_of_ranks(Communicator* ranks, double value) {
  if (ranks == nullptr) return value;
  std::vector<double> all(static_cast<std::size_t>(ranks->size()));
  all[static_cast<std::size_t>(ranks->rank())] = value;
  ranks->sum(all);
  double largest = 0;
  for (const double v : all) largest = v > largest ? v : largest;
  return largest;
}
/// True if `here` is true in one of the ranks.
inline bool some_rank(Communicator* ranks, bool here) { return largest_of_ranks(ranks, here ? 1 : 0) > 0; }

/// values = the mean of the values of all ranks.
inline void average_over_ranks(Communicator* ranks, Span<float> values) {
  if (ranks == nullptr || values.empty()) return;
  ranks->sum(values);
  for (float& v : values) v /= static_cast<float>(ranks->size());
}

/// Completes `values` [rows, width], of which each rank has filled other rows and left the rest zero. A rank without rows
/// gives an empty array.
inline void gather_from_ranks(Communicator* ranks, std::size_t rows, std::vector<float>& values) {
  if (ranks == nullptr) return;
  const std::size_t own_width = values.size() / rows;
  values.resize(rows * static_cast<std::size_t>(largest_of_ranks(ranks, static_cast<double>(own_width))));
  ranks->sum(values);
}

/// text = the text of rank 0.
inline void broadcast_text(Communicator* ranks, std::string& text) {
  if (ranks == nullptr) return;
  std::uint64_t size = text.size();
  unsigned char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  ranks->broadcast(Span<unsigned char>(bytes, sizeof bytes));
  std::memcpy(&size, bytes, sizeof size);
  std::vector<unsigned char> content(text.begin(), text.end());
  content.resize(static_cast<std::size_t>(size));
  ranks->broadcast(content);
  text.assign(content.begin(), content.end());
}

/// Checks that all ranks have the weights of rank 0, to the bit. Errors: mismatch, in all ranks.
inline Status check_same_weights(Communicator* ranks, Span<const float> block) {
  if (ranks == nullptr) return {};
  const Bytes bytes(reinterpret_cast<const unsigned char*>(block.data), block.size * sizeof(float));
  const std::string own = std::to_string(hash_bytes(bytes, 1));
  std::string first = own;
  broadcast_text(ranks, first);
  if (!some_rank(ranks, own != first)) return {};
  return Status::error(Errc::mismatch,
                       "the processes don't have the same weights; run the same program on all nodes, "
                       "with the same --isa and the same --init");
}

}  // namespace detail
TINYFIQA_END
