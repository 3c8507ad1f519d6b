// From the operations that a network has written down to the nodes of an ONNX graph.
#pragma once

#include "onnx/onnx_model.hpp"

#include <cstdint>
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
    std::string scale, zero;  ///< the constants of its levels; empty for a value that is no levels

    bool has_levels() const { return !scale.empty(); }
  };

  void write_params();
  void write_ends();
  tinyfiqa::Status write_op(int id);
  /// Writes the operation's nodes on its inputs; the output of the last node is its value. `flat`: as in Value.
  tinyfiqa::Status write_nodes(int id, const std::vector<Value>& in, bool& flat);
  tinyfiqa::Status write_conv(const tinyfiqa::Op& op, const Value& x, bool& flat);
  /// The sums of a convolution or linear layer; `params`: the names of its weight and, where it has one, its bias.
  tinyfiqa::Status write_sums(const tinyfiqa::Op& op, const Value& x, const std::vector<std::string>& params,
                              bool& flat);
  void write_norm(const tinyfiqa::Op& op, const std::string& x);
  void write_act(const tinyfiqa::Op& op, const std::string& x);
  void write_shuffle(const tinyfiqa::Op& op, const Value& x);
  void write_slice(const tinyfiqa::Op& op, const Value& x);
  void write_add_upsampled(const Value& fine, const Value& coarse);
  /// Gives the value of operation `id` the names of the network's outputs that it is. `made`: the newest node
  /// computes it.
  void name_outputs(int id, bool made);

  // -- 8-bit networks (quantised_graph.cpp)

  /// A convolution or linear layer in whole numbers, as ONNX has them: its bias does not take the zero of x into account.
  struct WholeLayer {
    std::vector<std::int8_t> weight;
    std::vector<std::int32_t> bias;
    std::vector<float> scale;      ///< of the weights, [Cout]; the bias counts in x_scale * scale
    std::vector<long long> shape;  ///< of the weights: [Cout, Cin / G, K, K]; [Cout, Cin] of a linear layer
    float x_scale = 1.0f;
  };
  /// Without the level factors of its output.
  WholeLayer whole_layer(int id) const;
  /// True for a convolution whose input is levels: its weights are whole numbers.
  bool reads_levels(const tinyfiqa::Op& op) const;
  /// True for a parameter that the whole numbers contain.
  bool is_in_levels(const tinyfiqa::NamedParam& p) const;
  /// Finds the convolutions whose results are added to another map before they are rounded.
  void note_fused_sums(const tinyfiqa::Plan& plan);
  bool has_fused_sum(int id) const { return fused_sums_[static_cast<std::size_t>(id)]; }
  /// True for one whose sums become levels with nothing but ReLU between.
  bool is_rounded_at_once(int id) const;
  tinyfiqa::Status write_level_conv(int id, const Value& x, bool& flat);
  /// The image as levels 0..255, with a border as wide as the padding of `op`, which reads it.
  void write_image_levels(const tinyfiqa::Op& op);
  /// Weight and bias for an engine's 8-bit kernels, or as constants that engines make floats of at once. Return the names.
  std::vector<std::string> write_whole(const WholeLayer& layer);
  std::vector<std::string> write_foldable(const WholeLayer& layer);
  /// Divides the last node's output by level factors.
  void write_division(const float* factor, int channels, bool flat);
  /// Gives the value of `op` the constants of its levels. `in`: its first input.
  void name_levels(const tinyfiqa::Op& op, const Value& in, Value& out);
  /// Rounds the last node's output to levels: QuantizeLinear, DequantizeLinear. `what`: for their names.
  void write_levels(const std::string& scale, const std::string& zero, const std::string& what);

  /// Adds a node; its output has the node's name: the layer's and `what`, or else the node's kind.
  onnx::NodeProto& node(const char* kind, const std::vector<std::string>& inputs, const char* what = nullptr);
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
  std::vector<bool> fused_sums_;  ///< by operation
  std::string layer_;             ///< the name of the operation that is being written
};
