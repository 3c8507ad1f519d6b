// Which kernels a program needs. Kernels take most of the time that a small program needs to compile, and most of its
// size: one that runs two networks can do without the kernels that these never call.
#pragma once

#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/planar_plan.hpp>

TINYFIQA_BEGIN

/// A set of kernels: a bit for each kernel of convolutions, and one for each operation that has a kernel of its own
/// (kernel_of()). Steps that every network may need (copies, levels of images) are in all sets.
enum class KernelSet : unsigned {
  none = 0,
  gemm = 1,  ///< 1x1 convolutions and linear layers
  conv = 2,  ///< all convolutions that no other kernel takes
  depthwise_1x1 = 4,
  depthwise_3x3 = 8,
  depthwise_5x5 = 16,
  depthwise_7x7 = 32,
  planar = 64,  ///< faster versions of gemm, conv and depthwise_3x3 for narrow maps; no network needs them
  quantised =
      1u << 31,  ///< for 8-bit maps, those of the kernels above and of the operations that are in the set
  all = ~0u,
};
constexpr KernelSet operator|(KernelSet a, KernelSet b) {
  return static_cast<KernelSet>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr KernelSet kernel_of(OpKind kind) {
  return static_cast<KernelSet>(128u << static_cast<unsigned>(kind));
}
static_assert(op_kind_count <= 24, "tinyfiqa: a KernelSet has 24 bits for operations");

/// True if `set` has all kernels of `part`.
constexpr bool has(KernelSet set, KernelSet part) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(part)) == static_cast<unsigned>(part);
}

/// The kernel that a convolution of this shape has.
constexpr KernelSet conv_kernel_of(int window, int stride, int padding, int groups, int cin, int cout) {
  if (window == 1 && stride == 1 && padding == 0 && groups == 1) return KernelSet::gemm;
  if (groups == cin && groups == cout) {
    if (window == 1) return KernelSet::depthwise_1x1;
    if (window == 3) return KernelSet::depthwise_3x3;
    if (window == 5) return KernelSet::depthwise_5x5;
    if (window == 7) return KernelSet::depthwise_7x7;
  }
  return KernelSet::conv;
}

/// The kernels that one operation may need.
constexpr KernelSet kernels_of(const Op& op) {
  if (op.dtype == DType::u8) {
    Op floats = op;
    floats.dtype = DType::f32;
    return kernels_of(floats) | KernelSet::quantised;
  }
  if (op.kind != OpKind::conv) return kernel_of(op.kind);
  const KernelSet kernel =
      conv_kernel_of(op.window, op.stride, op.padding, op.groups, op.in_channels, op.channels);
  // Planes begin behind a dense convolution: only its planar version reads a map by pixels.
  const bool begins_planes = kernel == KernelSet::conv && is_narrow(op.channels);
  return begins_planes ? kernel | KernelSet::planar : kernel;
}

/// The kernels that these operations may need.
constexpr KernelSet kernels_of(Span<const Op> ops) {
  KernelSet set = KernelSet::none;
  for (const Op& op : ops) set = set | kernels_of(op);
  return set;
}
/// The kernels that a network may need.
template <class Net>
constexpr KernelSet kernels_of_network() {
  constexpr auto network = define_fixed<Net>();
  return kernels_of(network.operations());
}
/// The same for several networks together.
template <class... Nets>
constexpr KernelSet kernels_of_networks() {
  return (kernels_of_network<Nets>() | ...);
}

TINYFIQA_END
