// Descriptions of plans, step by step: shapes, parameters, multiply-adds, kernels.
#pragma once

#include <tinyfiqa/runtime/plan.hpp>

TINYFIQA_BEGIN

/// One step of a plan. A MAC is one multiply-add of a convolution or linear layer. A normalised element is one
/// output of a batch norm; Peng et al. count one operation for each.
struct StepInfo {
  OpKind kind = OpKind::input;
  bool with_residual = false;
  Extents in, out;
  long long params = 0;  ///< trainable ones
  long long macs = 0;
  long long normalised_elements = 0;
  const char* kernel = "";
};

inline StepInfo describe_step(const Plan& plan, Span<const Op> ops, int step) {
  const Step& s = plan.steps[step];
  const Op& op = ops[static_cast<std::size_t>(s.first_op)];
  StepInfo info;
  info.kind = op.kind;
  info.with_residual = op.kind == OpKind::conv && s.b.place != Place::none;
  info.in = s.x.extents;
  info.out = s.y.extents;
  info.kernel = s.kernel->name;
  if (s.kernel->packed_bytes == nullptr) return info;
  const long long per_output = op.only_norm() ? 0 : conv_shape(op).depth();
  // (The step of a product may compute the mean of its result, too.)
  const long long outputs = conv_shape(op).is_product() ? info.in.pixels() * op.channels : info.out.floats();
  info.macs = outputs * per_output;
  info.params = per_output * op.channels;
  if (op.bias >= 0) info.params += op.channels;
  if (op.slope >= 0) info.params += op.channels;
  if (op.has_norm()) {
    info.params += 2LL * op.channels;
    info.normalised_elements = outputs;
  }
  return info;
}

/// Sums over all steps; extents are those of the input and the first output.
inline StepInfo describe_plan(const Plan& plan, Span<const Op> ops) {
  StepInfo total;
  total.in = plan.input;
  total.out = plan.outputs[0];
  for (int i = 0; i < plan.step_count; ++i) {
    const StepInfo info = describe_step(plan, ops, i);
    total.params += info.params;
    total.macs += info.macs;
    total.normalised_elements += info.normalised_elements;
  }
  return total;
}

TINYFIQA_END
