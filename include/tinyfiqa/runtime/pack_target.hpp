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

/// Kernels that pack for vectors of `Width` floats and panels of at most `MaxVectors`. WithLevels: for 8-bit maps too, whose
/// depthwise kernels there add taps, and which subtract LevelOffset from levels (simd/levels.hpp).
template <int Width, int MaxVectors, bool WithLevels = false, int LevelOffset = 0>
struct Packing {
  static constexpr Kernel kernel(std::size_t (*packed_bytes)(const ConvShape&),
                                 void (*pack)(const FoldedConv&, float*, unsigned char*),
                                 DType out = DType::f32) {
    Kernel k;
    k.name = "packing";
    k.dtype = out;
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
  static constexpr const Kernel* choose_conv(const ConvShape& c) {
    if (WithLevels && c.in == DType::u8)
      return c.out == DType::u8 ? choose_level_conv<DType::u8>(c) : choose_level_conv<DType::f32>(c);
    if (c.in != DType::f32 || c.out != DType::f32) return nullptr;
    const KernelSet kind = conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout);
    return kind == KernelSet::gemm ? &gemm : kind == KernelSet::conv ? &conv : &depthwise;
  }

  /// Reads an image if it may.
  template <DType Out>
  static constexpr Kernel level_product(bool is_gemm) {
    Kernel k = is_gemm ? kernel(kernels::packed_gemm_i8<Width>,
                                kernels::pack_gemm_i8_step<Width, MaxVectors, LevelOffset>, Out)
                       : kernel(kernels::packed_conv_i8<Width>,
                                kernels::pack_conv_i8_step<Width, MaxVectors, LevelOffset>, Out);
    k.takes_image = true;
    return k;
  }
  template <DType Out>
  static constexpr Kernel gemm_i8 = level_product<Out>(true);
  template <DType Out>
  static constexpr Kernel conv_i8 = level_product<Out>(false);
  template <DType Out>
  static constexpr Kernel depthwise_i8 = kernel(kernels::packed_taps_i8<Width>,
                                                kernels::pack_taps_i8_step<Width, LevelOffset>, Out);
  template <DType Out>
  static constexpr const Kernel* choose_level_conv(const ConvShape& c) {
    const KernelSet kind = conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout);
    return kind == KernelSet::gemm   ? &gemm_i8<Out>
           : kind == KernelSet::conv ? &conv_i8<Out>
                                     : &depthwise_i8<Out>;
  }

  template <DType Out>
  static constexpr Kernel without_weights = kernel(nullptr, nullptr, Out);
  static constexpr const Kernel* choose_move(DType out) {
    return out == DType::u8 ? &without_weights<DType::u8> : &without_weights<DType::f32>;
  }
  static constexpr const Kernel* choose_operation(OpKind, DType, DType out) { return choose_move(out); }
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
    b.levels = choose_move(DType::f32);
    if (WithLevels) b.to_floats = b.levels;
    b.planar = choose_planar;
    b.weights.halves_to_floats = kernels::halves_to_floats;
    b.weights.scale = kernels::scale_weights;
    return b;
  }();
};

}  // namespace detail

/// Every instruction set that the library has kernels for. (8-bit weights can be packed for those without x86's kernels.)
inline constexpr PackTarget pack_targets[] = {{"scalar", &detail::Packing<1, 4, true>::backend},
                                              {"scalar_small", &detail::Packing<1, 2, true>::backend},
                                              {"sse2", &detail::Packing<4, 2>::backend},
                                              {"sse42", &detail::Packing<4, 2>::backend},
                                              {"neon", &detail::Packing<4, 3, true, 128>::backend},
                                              {"neondotprod", &detail::Packing<4, 3, true, 128>::backend},
                                              {"vector4", &detail::Packing<4, 2, true>::backend},
                                              {"avx2", &detail::Packing<8, 3>::backend},
                                              {"avxvnni", &detail::Packing<8, 3>::backend},
                                              {"avx512", &detail::Packing<16, 3>::backend},
                                              {"avx512vnni", &detail::Packing<16, 3>::backend}};

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
