// Checks that packed weights of a program (runtime/packed_weights.hpp) belong to its kernels and its network.
#pragma once

#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/packed_weights.hpp>
#include <tinyfiqa/runtime/plan.hpp>

TINYFIQA_BEGIN

/// True if weights with this tag are in the order that the backend's kernels read.
constexpr bool are_packed_for(const PackTag& tag, const Backend& backend) {
  return tag.layout == backend.pack_layout;
}
/// True if weights with this tag are those of a network with these operations.
constexpr bool are_packed_for(const PackTag& tag, Span<const Op> ops) {
  return tag.definition == definition_hash(ops);
}

/// For Frame::packed of a plan that is made at run time; null if the weights are for other kernels than the backend's,
/// for another network, or fewer than the plan's. (ConstantPlan checks the same when it is compiled.)
template <class Weights>
const unsigned char* use_packed(const Plan& plan, Span<const Op> ops, const Backend& backend) {
  const bool good = are_packed_for(Weights::tag, backend) && are_packed_for(Weights::tag, ops) &&
                    sizeof(Weights::data) >= plan.packed_bytes;
  return good ? reinterpret_cast<const unsigned char*>(&Weights::data) : nullptr;
}

TINYFIQA_END
