// Packed weights as constants of a program, and the tag that says which kernels they are for. `tinyfiqa export
// --c-array` writes them. Their order depends on the vectors of the kernels: kernels of another instruction set would
// read wrong numbers without a notice.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstdint>

TINYFIQA_BEGIN

/// Goes up when the order of packed weights changes.
inline constexpr int pack_layout_version = 2;

/// The numbers that the order of packed weights depends on.
struct PackLayout {
  int vector_floats = 1;       ///< of a vector of the kernels
  int most_panel_vectors = 1;  ///< of a panel of a product (kernels/gemm.hpp)
  int version = pack_layout_version;

  constexpr bool operator==(const PackLayout& other) const {
    return vector_floats == other.vector_floats && most_panel_vectors == other.most_panel_vectors &&
           version == other.version;
  }
};

/// What packed weights are for. The weights of a program are a struct with these members:
///   static constexpr tinyfiqa::PackTag tag{...};
///   static constexpr int height, width;                 the input size that they are made for
///   static constexpr float mean[3], scale[3];           of the levels of an image (LevelScale)
///   static constexpr tinyfiqa::Quantisation levels[];   of 8-bit weights alone: of each value; floats have scale 0
///   alignas(64) static constexpr float data[];          of 8-bit weights unsigned char
struct PackTag {
  const char* target = "";  ///< the name of the instruction set, for people
  PackLayout layout;
  const char* network = "";      ///< for people
  std::uint64_t definition = 0;  ///< definition_hash() of the network's operations
};

TINYFIQA_END
