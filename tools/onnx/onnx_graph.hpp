// From the operations that a network has written down to the nodes of an ONNX graph.
#pragma once

#include "onnx/onnx_model.hpp"

#include <string>
#include <vector>

#include <onnx.pb.h>

/// Writes nodes, initialisers, input and output of `model` into `graph`.
class OnnxGraph {
 public:
  OnnxGraph(const tinyfiqa::Model& model, const OnnxInput& input, onnx::GraphProto& graph)
      : model_(model), network_(model.network()), input_(input), graph_(graph) {}

  /// Errors: bad_argument, unsupported.
  tinyfiqa::Status write();

 private:
  /// What the graph calls an operation's value. Linear layers make matrices [N, C] of it; maps are [N, C, H,
  /// W].
  struct Value {
    std::string name;
    tinyfiqa::Extents extents;
    bool flat = false;
  };

  void write_params();
  void write_ends();
  tinyfiqa::Status write_op(int id);
  /// Writes the operation's nodes on its inputs; the output of the last node is its value. `flat`: as in Value.
  tinyfiqa::Status write_nodes(const tinyfiqa::Op& op, const std::vector<Value>& in, bool& flat);
  tinyfiqa::Status write_conv(const tinyfiqa::Op& op, const Value& x, bool& flat);
  void write_norm(const tinyfiqa::Op& op, const std::string& x);
  void write_act(const tinyfiqa::Op& op, const std::string& x);
  void write_shuffle(const tinyfiqa::Op& op, const Value& x);
  void write_slice(const tinyfiqa::Op& op, const Value& x);
  void write_add_upsampled(const Value& fine, const Value& coarse);
  /// Gives the value of operation `id` the names of the network's outputs that it is. `made`: the newest node
  /// computes it.
  void name_outputs(int id, bool made);

  /// Adds a node; its output gets a name made of the layer's and the node's kind.
  onnx::NodeProto& node(const char* kind, const std::vector<std::string>& inputs);
  /// The output of the node added last.
  const std::string& last_output() const { return graph_.node(graph_.node_size() - 1).output(0); }
  /// The name of an int64 constant.
  std::string constant(const char* what, const std::vector<long long>& numbers);
  /// The parameter at this offset of the block; null if there is none.
  const tinyfiqa::NamedParam* param_at(int offset) const;
  /// Its name, or "".
  std::string param_name(int offset) const;
  /// The name of the parameters from this offset on that have `channels` output channels together. Several are
  /// joined by a node.
  std::string joined_params(const char* what, int offset, int channels);
  const Value& value(int id) const { return values_[static_cast<std::size_t>(id)]; }

  const tinyfiqa::Model& model_;
  const tinyfiqa::NetworkDefinition& network_;
  const OnnxInput input_;
  onnx::GraphProto& graph_;
  std::vector<Value> values_;
  std::string layer_;  ///< the name of the operation that is being written
};
