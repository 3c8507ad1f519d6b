// Packing for other machines: the weights of a network in the order of the kernels of any instruction set, whichever
// one this program is compiled for. Give Model the backend of a target; Model::packed() then has the weights for it.
#pragma once

#include <tinyfiqa/base/cpu.hpp>
#include <tinyfiqa/runtime/convolution_kernels.hpp>
#include <tinyfiqa/runtime/packed_weights.hpp>

TINYFIQA_BEGIN

/// An instruction set as packing knows it.
struct PackTarget {
  const char* name;        ///< as TINYFIQA_ISA_NAME is on that machine
  const Backend* backend;  ///< plans and packs; its plans must not run
};

namespace detail {

/// Kernels that pack for vectors of `Width` floats and panels of at most `MaxVectors`.
template <int Width, int MaxVectors>
struct Packing {
  static constexpr Kernel kernel(std::size_t (*packed_bytes)(const ConvShape&),
                                 void (*pack)(const FoldedConv&, float*, unsigned char*)) {
    Kernel k;
    k.name = "packing";
    k.packed_bytes = packed_bytes;
    k.pack = pack;
    return k;
  }
  static constexpr Kernel gemm =
      kernel(kernels::packed_gemm<Width>, kernels::pack_gemm_step<Width, MaxVectors>);
  static constexpr Kernel conv =
      kernel(kernels::packed_conv<Width>, kernels::pack_conv_step<Width, MaxVectors>);
  static constexpr Kernel depthwise =
      kernel(kernels::packed_depthwise<Width>, kernels::pack_depthwise_step<Width>);
  static constexpr Kernel without_weights = kernel(nullptr, nullptr);

  static constexpr const Kernel* choose_conv(const ConvShape& c) {
    if (c.in != DType::f32 || c.out != DType::f32) return nullptr;
    const KernelSet kind = conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout);
    return kind == KernelSet::gemm ? &gemm : kind == KernelSet::conv ? &conv : &depthwise;
  }
  static constexpr const Kernel* choose_operation(OpKind, DType, DType) { return &without_weights; }
  static constexpr const Kernel* choose_move(DType) { return &without_weights; }
  static constexpr const PlanarKernel* choose_planar(const Kernel*) { return nullptr; }

  static constexpr Backend backend = [] {
    Backend b;
    b.isa = "packing";
    b.vector_floats = Width;
    b.pack_layout.vector_floats = Width;
    b.pack_layout.most_panel_vectors = MaxVectors;
    b.conv = choose_conv;
    b.operation = choose_operation;
    b.copy = b.interleave = choose_move;
    b.levels = &without_weights;
    b.planar = choose_planar;
    b.weights.halves_to_floats = kernels::halves_to_floats;
    b.weights.scale = kernels::scale_weights;
    return b;
  }();
};

}  // namespace detail

/// Every instruction set that the library has kernels for.
inline constexpr PackTarget pack_targets[] = {
    {"scalar", &detail::Packing<1, 4>::backend},  {"scalar_small", &detail::Packing<1, 2>::backend},
    {"sse2", &detail::Packing<4, 2>::backend},    {"sse42", &detail::Packing<4, 2>::backend},
    {"neon", &detail::Packing<4, 3>::backend},    {"vector4", &detail::Packing<4, 2>::backend},
    {"avx2", &detail::Packing<8, 3>::backend},    {"avxvnni", &detail::Packing<8, 3>::backend},
    {"avx512", &detail::Packing<16, 3>::backend}, {"avx512vnni", &detail::Packing<16, 3>::backend}};

/// The target of that name, or null.
constexpr const PackTarget* find_pack_target(const char* name) {
  for (const PackTarget& target : pack_targets)
    if (detail::same_text(target.name, name)) return &target;
  return nullptr;
}
static_assert(find_pack_target(TINYFIQA_ISA_NAME)->backend->pack_layout ==
                  PackLayout{simd::width, kernels::gemm_max_vectors, pack_layout_version},
              "tinyfiqa: pack_targets has other numbers for this instruction set than its kernels");

TINYFIQA_END
