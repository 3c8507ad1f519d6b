// Packing for other machines: the weights of a network in the order of the kernels of any instruction set, whichever one
// this program is compiled for.
#pragma once

#include <tinyfiqa/runtime/backend.hpp>
#include <tinyfiqa/runtime/packed_weights.hpp>

TINYFIQA_BEGIN

/// An instruction set as packing knows it. `backend` plans and packs, but must not run.
struct PackTarget {
  const char* name;  ///< as TINYFIQA_ISA_NAME is on that machine
  const Backend* backend;
};

namespace detail {

/// A kernel that packs for vectors of `Width` floats, and panels of at most `MaxVectors`. It can't run.
constexpr Kernel packing_kernel(const Kernel& native, std::size_t (*packed_bytes)(const ConvShape&),
                                void (*pack)(const FoldedConv&, float*, unsigned char*)) {
  Kernel k = native;
  k.packed_bytes = packed_bytes;
  k.pack = pack;
  k.run = nullptr;
  k.run_rows = nullptr;
  return k;
}

template <int Width, int MaxVectors>
struct Packing {
  static constexpr Kernel gemm = packing_kernel(kernels::gemm_kernel, kernels::packed_gemm<Width>,
                                                kernels::pack_gemm_step<Width, MaxVectors>);
  static constexpr Kernel conv = packing_kernel(kernels::conv_kernel, kernels::packed_conv<Width>,
                                                kernels::pack_conv_step<Width, MaxVectors>);
  static constexpr Kernel depthwise = packing_kernel(
      kernels::depthwise_kernel<3>, kernels::packed_depthwise<Width>, kernels::pack_depthwise_step<Width>);

  static constexpr const Kernel* choose(const ConvShape& c) {
    if (c.in != DType::f32 || c.out != DType::f32) return nullptr;
    switch (conv_kernel_of(c.window, c.stride, c.padding, c.groups, c.cin, c.cout)) {
      case KernelSet::gemm:
        return &gemm;
      case KernelSet::conv:
        return &conv;
      default:
        return &depthwise;
    }
  }
  static constexpr const PlanarKernel* no_planar(const Kernel*) { return nullptr; }

  static constexpr Backend backend = [] {
    Backend b = kernels::backend;
    b.isa = "packing";
    b.vector_floats = Width;
    b.pack_layout.vector_floats = Width;
    b.pack_layout.most_panel_vectors = MaxVectors;
    b.conv = choose;
    b.product_mean = nullptr;  // packing needs no such step
    b.planar = no_planar;
    b.all = {};
    return b;
  }();
};

}  // namespace detail

/// Every instruction set that the library has kernels for. A row that differs from the kernels' own numbers does not
/// compile on that machine.
inline constexpr PackTarget pack_targets[] = {
    {"scalar", &detail::Packing<1, 4>::backend},  {"scalar_small", &detail::Packing<1, 2>::backend},
    {"sse2", &detail::Packing<4, 2>::backend},    {"sse42", &detail::Packing<4, 2>::backend},
    {"neon", &detail::Packing<4, 3>::backend},    {"avx2", &detail::Packing<8, 3>::backend},
    {"avx512", &detail::Packing<16, 3>::backend},
};

namespace detail {
constexpr bool same_text(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}
}  // namespace detail

/// The target of that name, or null.
constexpr const PackTarget* find_pack_target(const char* name) {
  for (const PackTarget& target : pack_targets)
    if (detail::same_text(target.name, name)) return &target;
  return nullptr;
}
static_assert(find_pack_target(TINYFIQA_ISA_NAME) != nullptr &&
                  find_pack_target(TINYFIQA_ISA_NAME)->backend->pack_layout == kernels::backend.pack_layout,
              "tinyfiqa: pack_targets has other numbers for this instruction set than its kernels");

TINYFIQA_END
