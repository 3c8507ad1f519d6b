// Attributes of ONNX nodes.
#pragma once

#include <string>
#include <vector>

#include <onnx.pb.h>

inline onnx::AttributeProto& add_attribute(onnx::NodeProto& node, const char* name,
                                           onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(type);
  return a;
}
inline void attribute(onnx::NodeProto& node, const char* name, float x) {
  add_attribute(node, name, onnx::AttributeProto::FLOAT).set_f(x);
}
inline void attribute(onnx::NodeProto& node, const char* name, const char* text) {
  add_attribute(node, name, onnx::AttributeProto::STRING).set_s(text);
}
inline void attribute(onnx::NodeProto& node, const char* name, long long x) {
  add_attribute(node, name, onnx::AttributeProto::INT).set_i(x);
}
inline void attribute(onnx::NodeProto& node, const char* name, const std::vector<long long>& x) {
  onnx::AttributeProto& a = add_attribute(node, name, onnx::AttributeProto::INTS);
  for (const long long i : x) a.add_ints(i);
}
