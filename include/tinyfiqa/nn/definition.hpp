// Network definitions without a heap: arrays of fixed size, filled at compile time or at run time.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/nn/param.hpp>

#include <cstdint>

TINYFIQA_BEGIN

/// Operations, outputs and parameter counts of a network with N operations.
template <int N>
struct FixedDefinition {
  Op ops[N];
  Outputs outputs;
  ParamCount params;

  constexpr Span<const Op> operations() const { return {ops, static_cast<std::size_t>(N)}; }
};

/// The number of operations of a network.
template <class Net>
constexpr int operation_count() {
  Net net;
  Graph counting(nullptr, 0);
  net(counting);
  return counting.count();
}

/// The definition of a network:  constexpr auto network = define_fixed<TinyFQnet>();
template <class Net>
constexpr FixedDefinition<operation_count<Net>()> define_fixed() {
  FixedDefinition<operation_count<Net>()> d;
  Net net;
  d.params = number_params(net);
  Graph graph(d.ops, operation_count<Net>());
  d.outputs = net(graph);
  return d;
}

/// A hash of the operations, as far as packed weights depend on them.
constexpr std::uint64_t definition_hash(Span<const Op> ops) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a of 64 bits, with integers in place of bytes
  for (const Op& op : ops) {
    const int fields[] = {static_cast<int>(op.kind),
                          static_cast<int>(op.act),
                          static_cast<int>(op.dtype),
                          op.inputs[0],
                          op.inputs[1],
                          op.inputs[2],
                          op.inputs[3],
                          op.channels,
                          op.in_channels,
                          op.window,
                          op.stride,
                          op.padding,
                          op.groups,
                          op.first_channel,
                          op.shuffle_groups,
                          op.factor,
                          op.custom_params,
                          op.slope < 0 ? 0 : 1,
                          op.bias < 0 ? 0 : 1,
                          op.only_norm() ? 1 : 0};
    for (const int field : fields) hash = (hash ^ static_cast<std::uint32_t>(field)) * 0x100000001b3u;
  }
  return hash;
}

TINYFIQA_END
