// A network of any size on the heap: its definition with parameter names, and plans of it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/formats/named_params.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <string>
#include <vector>

TINYFIQA_BEGIN

/// A network written down: its operations, its outputs, its parameters.
struct NetworkDefinition {
  std::vector<Op> ops;
  Outputs outputs;
  std::vector<NamedParam> params;

  Span<const Op> operations() const { return {ops.data(), ops.size()}; }
};

/// Writes down any network type, the user's own included. nn/definition.hpp does it without a heap.
template <class Net>
NetworkDefinition define_network() {
  Net net;
  number_params(net);
  Graph counting(nullptr, 0);
  net(counting);
  NetworkDefinition d;
  d.ops.resize(static_cast<std::size_t>(counting.count()));
  Graph graph(d.ops.data(), counting.count());
  d.outputs = net(graph);
  d.params = list_params(net);
  return d;
}

namespace detail {

/// The name of the layer that has the parameter at `offset`, such as "features.0.1"; empty if there is none.
inline std::string layer_of_param(const NetworkDefinition& network, int offset) {
  for (const NamedParam& p : network.params)
    if (p.param.offset == offset && offset >= 0) return p.name.substr(0, p.name.rfind('.'));
  return "";
}

}  // namespace detail

/// What to call operation `id` in a message: its layer by PyTorch's name, such as "features.3.0", or for an operation
/// without parameters what it is, and the layer before it, such as "add after features.3.3".
inline std::string operation_name(const NetworkDefinition& network, int id) {
  std::string kind;
  for (int at = id; at >= 0; at = network.ops[static_cast<std::size_t>(at)].inputs[0]) {
    const Op& op = network.ops[static_cast<std::size_t>(at)];
    std::string layer = detail::layer_of_param(network, op.weight >= 0 ? op.weight : op.norm_weight);
    if (!layer.empty()) return kind.empty() ? layer : kind + " after " + layer;
    if (kind.empty()) kind = op_name(op.kind);
  }
  return kind;
}

/// The values of the outputs of these names; without names, of all outputs that need no request.
/// Errors: bad_argument, naming the outputs that there are.
inline Result<std::vector<int>> output_values(const NetworkDefinition& network,
                                              const std::vector<std::string>& names = {}) {
  std::vector<int> values;
  std::string known;
  for (const Output& output : network.outputs) {
    known += (known.empty() ? "" : ", ") + std::string(output.name);
    if (names.empty() && !output.on_request) values.push_back(output.value);
  }
  for (const std::string& name : names) {
    values.push_back(network.outputs.value(name.c_str()));
    if (values.back() < 0)
      return Status::error(Errc::bad_argument, "the network has no output '", name, "'; it has ", known);
  }
  return values;
}

/// Steps and arena layout of one input size, with the arrays that hold them.
struct OwnedPlan {
  std::vector<Step> steps;
  std::vector<Value> values;
  std::vector<Buffer> buffers;
  Plan plan;
};

/// make_plan() into arrays that are kept: planning the same network again, for another size, allocates nothing.
inline void remake_plan(const PlanRequest& request, const Backend& backend, OwnedPlan& p) {
  const int capacity = plan_capacity(request.ops, static_cast<int>(request.outputs.size));
  const auto entries = static_cast<std::size_t>(capacity);
  p.steps.resize(entries);
  p.values.resize(entries);
  p.buffers.resize(entries);
  p.plan = make_plan(request, backend, {p.steps.data(), p.values.data(), p.buffers.data(), capacity});
}

/// make_plan() with arrays of its own. The result's `plan.problem` says whether it can be used.
inline OwnedPlan make_owned_plan(const PlanRequest& request, const Backend& backend) {
  OwnedPlan p;
  remake_plan(request, backend, p);
  return p;
}
/// The same for the first output of a network.
inline OwnedPlan make_owned_plan(const NetworkDefinition& network, const Extents& input,
                                 const Backend& backend, int threads = 1) {
  const int main = network.outputs.main();
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {&main, 1};
  request.input = input;
  request.threads = threads;
  return make_owned_plan(request, backend);
}

TINYFIQA_END
