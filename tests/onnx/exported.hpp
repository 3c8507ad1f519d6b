// Exported files, read back.
#pragma once

#include <doctest/doctest.h>

#include "onnx/onnx_model.hpp"

#include <map>
#include <string>

#include <onnx.pb.h>

inline onnx::ModelProto exported(const tinyfiqa::Model& model, const OnnxInput& input) {
  const auto bytes = onnx_model(model, input);
  REQUIRE_MESSAGE(bytes.ok(), std::string(bytes.status().message()));
  onnx::ModelProto proto;
  REQUIRE(proto.ParseFromString(*bytes));
  return proto;
}

inline std::map<std::string, std::string> metadata(const onnx::ModelProto& proto) {
  std::map<std::string, std::string> all;
  for (const auto& entry : proto.metadata_props()) all[entry.key()] = entry.value();
  return all;
}

inline std::map<std::string, int> kinds(const onnx::GraphProto& graph) {
  std::map<std::string, int> count;
  for (const auto& node : graph.node()) ++count[node.op_type()];
  return count;
}
