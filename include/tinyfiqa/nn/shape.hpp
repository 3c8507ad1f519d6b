// The sizes of all values of a network, and the error if they do not fit together. Inference and training use
// the same function.
#pragma once

#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/nn/graph.hpp>

#include <limits>

TINYFIQA_BEGIN

/// Why a plan could not be made.
enum class PlanError : unsigned char {
  none,
  bad_input_size,     ///< N, H or W is not positive
  map_too_small,      ///< a window does not fit its map
  too_large,          ///< a map or the arena has more elements than an int counts
  not_covered,        ///< the backend has no kernel for an operation
  storage_too_small,  ///< the caller's arrays are too small
  bad_inputs,         ///< an operation has too many or too few inputs, or one that comes after it
  sizes_differ,       ///< inputs of one operation have sizes that don't go together
  unsuited_input,     ///< an input has channels or a size that the operation can't take
  gated_again,        ///< training: a map that a gate multiplies is sliced or gated again
  bad_outputs,        ///< no output, too many, or one that is not a value of the network
  needs_levels,       ///< a network of 8-bit maps reads the levels of images, not floats
  levels_differ,      ///< an operation moves levels that stand for other numbers than its own
};

/// An error, and the operation and inputs that caused it; -1 if there is none.
struct PlanProblem {
  PlanError error = PlanError::none;
  int op = -1;
  int first = -1, second = -1;  ///< the operations whose values are the inputs in question
  Extents first_size, second_size;
};

namespace detail {

constexpr bool same_pixels(const Extents& a, const Extents& b) {
  return a.n == b.n && a.h == b.h && a.w == b.w;
}

/// True if the sizes of inputs 0 and i fit the rule.
constexpr bool go_together(InputRule rule, const Extents& a, const Extents& b) {
  switch (rule) {
    case InputRule::any:
      return true;
    case InputRule::same_size:
      return same_pixels(a, b) && a.c == b.c;
    case InputRule::same_pixels:
      return same_pixels(a, b);
    case InputRule::gate:
      return b.n == a.n && b.h == 1 && b.w == 1 && b.c == a.c;
  }
  return false;
}

/// Computes the size of one operation's value from those of its inputs.
template <class SizeOf>
constexpr PlanProblem measure_op(const Op& op, int id, const SizeOf& size_of, Extents& result) {
  const OpInfo& info = op_info(op.kind);
  PlanProblem problem;
  problem.op = id;
  const int count = op.input_count();
  bool good = count >= info.least_inputs && count <= info.most_inputs;
  for (int i = 0; i < count; ++i) good = good && op.inputs[i] < id;
  if (!good) {
    problem.error = PlanError::bad_inputs;
    return problem;
  }
  Extents in[max_op_inputs];
  for (int i = 0; i < count; ++i) in[i] = size_of(op.inputs[i]);
  for (int i = 1; i < count; ++i)
    if (!go_together(info.inputs, in[0], in[i]))
      return {PlanError::sizes_differ, id, op.inputs[0], op.inputs[i], in[0], in[i]};
  result = info.shape(op, in);
  if (result.n >= 1 && result.h >= 1 && result.w >= 1) return {};
  const bool windows = op.kind == OpKind::conv || op.kind == OpKind::max_pool;
  problem.error = windows && in[0].c == op.in_channels ? PlanError::map_too_small : PlanError::unsuited_input;
  problem.first = op.inputs[0];
  problem.first_size = in[0];
  if (count > 1) {
    problem.second = op.inputs[1];
    problem.second_size = in[1];
  }
  return problem;
}

}  // namespace detail

/// True if there are outputs, not too many, and all are values of the network.
constexpr bool are_outputs(Span<const Op> ops, Span<const int> outputs) {
  bool good = outputs.size >= 1 && outputs.size <= static_cast<std::size_t>(Outputs::capacity);
  for (const int id : outputs) good = good && id >= 0 && static_cast<std::size_t>(id) < ops.size;
  return good;
}

/// Computes the sizes of values 0 .. count - 1 for an input of N, H, W; its channels are the network's own.
/// `size_of(id)` returns a reference to where the size of value `id` is kept.
template <class SizeOf>
constexpr PlanProblem measure_values(Span<const Op> ops, int count, const Extents& input,
                                     const SizeOf& size_of) {
  PlanProblem problem;
  if (input.n < 1 || input.h < 1 || input.w < 1) {
    problem.error = PlanError::bad_input_size;
    return problem;
  }
  for (int id = 0; id < count; ++id) {
    const Op& op = ops[static_cast<std::size_t>(id)];
    Extents& size = size_of(id);
    if (op.kind == OpKind::input) {
      size = input;
      size.c = op.channels;
    } else {
      problem = detail::measure_op(op, id, size_of, size);
      if (problem.error != PlanError::none) return problem;
    }
    // In double: the product of four ints may not fit any integer.
    const double elements = static_cast<double>(size.n) * size.h * size.w * size.c;
    if (elements > std::numeric_limits<int>::max()) {
      problem.error = PlanError::too_large;
      problem.op = id;
      return problem;
    }
  }
  return problem;
}

namespace detail {

using PlanErrorText = detail::FixedText<400>;

/// "operation 3 (conv)"
inline void append_op(PlanErrorText& text, Span<const Op> ops, int id) {
  text.append("operation ").append(id).append(" (");
  text.append(op_name(ops[static_cast<std::size_t>(id)].kind)).append(")");
}
/// "operation 3 (conv) gives 1x64x64x16"
inline void append_value(PlanErrorText& text, Span<const Op> ops, int id, const Extents& e) {
  append_op(text, ops, id);
  text.append(" gives ").append(e.n).append('x').append(e.h).append('x').append(e.w).append('x').append(e.c);
}
inline void append_inputs(PlanErrorText& text, Span<const Op> ops, const PlanProblem& p) {
  if (p.first < 0) return;
  append_value(text, ops, p.first, p.first_size);
  if (p.second >= 0) append_value(text.append(", "), ops, p.second, p.second_size);
  text.append(" (N x H x W x C)");
}

}  // namespace detail

/// One line of text that names the operations and their sizes.
inline detail::FixedText<400> plan_error_text(const PlanProblem& p, Span<const Op> ops) {
  constexpr const char* texts[] = {"no error",
                                   "batch, height and width must be positive",
                                   "the input is too small for this network",
                                   "the input is too large",
                                   "no kernel covers one of the network's operations",
                                   "the arrays for the plan are too small",
                                   "an operation has a wrong number of inputs, or one that comes after it",
                                   "the inputs of an operation differ in size",
                                   "an input does not suit its operation",
                                   "training can't slice or gate a map that is gated already",
                                   "the outputs are not values of the network, or too many",
                                   "a network of 8-bit maps reads images, not floats",
                                   "an operation moves levels that stand for other numbers than its own"};
  detail::FixedText<400> text;
  text.append(texts[static_cast<unsigned char>(p.error)]);
  if (p.op < 0) return text;
  text.append(": ");
  detail::append_op(text, ops, p.op);
  if (p.first >= 0) text.append(": ");
  detail::append_inputs(text, ops, p);
  return text;
}

TINYFIQA_END
