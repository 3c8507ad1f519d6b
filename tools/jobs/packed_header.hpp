// Packed weights as a C++ header, for programs that carry them as a constant.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>

#include <string>

/// The name of the header's struct: that of the network and "_packed".
std::string packed_struct_name(const tinyfiqa::Model& model);

/// The text of a header with the packed weights of `model`, whose backend is that of the target (runtime/pack_target.hpp).
/// Its struct has the members that runtime/packed_weights.hpp lists. Errors: not_finite for a weight that can't be written
/// as a number.
tinyfiqa::Result<std::string> packed_header(const tinyfiqa::Model& model, const std::string& target);
