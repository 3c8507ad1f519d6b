#include "decoders/modules/hevc_unit.hpp"

#include <algorithm>

namespace {

/// Reads bits, without the third byte of 00 00 03, which only keeps the data free of start codes. Zeros behind the end.
class Bits {
 public:
  Bits(const unsigned char* data, std::size_t bytes) : data_(data), end_(data + bytes) {}

  bool ended() const { return ended_; }
  unsigned bit() {
    if (left_ == 0) next_byte();
    return byte_ >> --left_ & 1u;
  }
  unsigned bits(int count) {
    unsigned value = 0;
    for (; count > 0; --count) value = value << 1u | bit();
    return value;
  }
  void skip(int count) {
    for (; count > 0; --count) bit();
  }
  /// ue(v): as many zeros as bits follow the one.
  std::uint64_t number() {
    int zeros = 0;
    while (zeros < 32 && !ended_ && bit() == 0) ++zeros;
    return (std::uint64_t{1} << static_cast<unsigned>(zeros)) - 1 + bits(zeros);
  }

 private:
  const unsigned char *data_, *end_;
  unsigned byte_ = 0;
  int left_ = 0, zeros_ = 0;
  bool ended_ = false;

  void next_byte() {
    if (zeros_ >= 2 && data_ != end_ && *data_ == 3) {
      ++data_;
      zeros_ = 0;
    }
    left_ = 8;
    ended_ = ended_ || data_ == end_;
    byte_ = ended_ ? 0 : *data_++;
    zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
  }
};

/// profile_tier_level(), 7.3.3
void skip_profile(Bits& in, unsigned layers_beyond_first) {
  constexpr int profile = 88, level = 8;
  in.skip(profile + level);
  unsigned present[8] = {};
  for (unsigned i = 0; i < layers_beyond_first; ++i) present[i] = in.bits(2);
  if (layers_beyond_first > 0) in.skip(2 * static_cast<int>(8 - layers_beyond_first));
  for (unsigned i = 0; i < layers_beyond_first; ++i)
    in.skip(((present[i] & 2u) != 0 ? profile : 0) + ((present[i] & 1u) != 0 ? level : 0));
}

/// seq_parameter_set_rbsp(), 7.3.2.2.1, as far as the size
std::uint64_t read_size(Bits& in) {
  in.skip(4);
  const unsigned layers_beyond_first = in.bits(3);
  in.skip(1);
  skip_profile(in, layers_beyond_first);
  in.number();
  if (in.number() == 3) in.skip(1);
  constexpr std::uint64_t most = 1u << 31u;  // so that the product is a number
  const std::uint64_t width = std::min(in.number(), most), height = std::min(in.number(), most);
  return in.ended() ? 0 : width * height;
}

}  // namespace

HevcUnit read_hevc_unit(const unsigned char* unit, std::size_t bytes) {
  Bits in(unit, bytes);
  in.skip(1);
  const unsigned type = in.bits(6);
  const unsigned layer = in.bits(6);
  in.skip(3);
  if (layer > 0) return {HevcUnit::other, 0};  // another view of the same photo; libde265 leaves it out
  if (type == 33) return {HevcUnit::sequence, read_size(in)};
  if (type == 34) return {HevcUnit::picture_parameters, 0};
  if (type < 32) return {in.bit() == 1 ? HevcUnit::first_slice : HevcUnit::further_slice, 0};
  return {HevcUnit::other, 0};
}
