// Network definitions without a heap: arrays of fixed size, filled at compile time or at run time.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/nn/param.hpp>

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

TINYFIQA_END
