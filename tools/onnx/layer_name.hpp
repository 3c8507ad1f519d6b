// What a layer of a network is called in tables and files.
#pragma once

#include <tinyfiqa/quality/model_registry.hpp>

#include <string>

/// PyTorch's name of the layer that an operation computes ("features.0.0"): that of its weight, or of a norm
/// by itself. Empty for operations without parameters.
inline std::string layer_name(const tinyfiqa::NetworkDefinition& network, const tinyfiqa::Op& op) {
  if (op.kind != tinyfiqa::OpKind::conv) return "";
  for (const tinyfiqa::NamedParam& p : network.params)
    if (p.param.offset == (op.only_norm() ? op.norm_weight : op.weight))
      return p.name.substr(0, p.name.rfind('.'));
  return "";
}
