// What a unit of HEVC data (NAL unit) costs to decode, by ITU-T H.265, 7.3.
#pragma once

#include <cstddef>
#include <cstdint>

struct HevcUnit {
  enum Kind { sequence, picture_parameters, first_slice, further_slice, other };
  Kind kind;
  /// Of a frame; only `sequence` has it. 0: the parameters can't be read.
  std::uint64_t pixels;
};

HevcUnit read_hevc_unit(const unsigned char* unit, std::size_t bytes);
