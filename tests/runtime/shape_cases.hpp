// Graphs whose operations get inputs of sizes that don't go together: one for each operation of two inputs, each
// input, each of N, H, W and C.
#pragma once

#include <tinyfiqa/nn/graph.hpp>

#include <string>
#include <vector>

namespace shape_cases {
using namespace tinyfiqa;

/// A map of another size than its input: the only way to change N.
template <int DN, int DH, int DW, int DC>
struct Resized {
  static constexpr const char* name = "resized";
  static Extents size(const Extents& a, const Extents&) { return {a.n + DN, a.h + DH, a.w + DW, a.c + DC}; }
  template <class T>
  static void forward(const CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i) call.y[i] = 1;
  }
  template <class T>
  static void backward(const CustomCall<T>&) {}
};

/// A sum as the user's own operation, which checks its inputs by itself.
struct OwnSum {
  static constexpr const char* name = "own_sum";
  static Extents size(const Extents& a, const Extents& b) {
    return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c ? a : Extents();
  }
  template <class T>
  static void forward(const CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i) call.y[i] = call.x[0][i] + call.x[1][i];
  }
  template <class T>
  static void backward(const CustomCall<T>&) {}
};

inline constexpr int channels = 4;

struct Case {
  std::string name;  ///< "add, second input, H"
  std::vector<Op> ops;
  int first = 0, second = 0;  ///< the operations that give the two inputs
};

inline Op resizing(char axis) {
  Op op;
  op.kind = OpKind::custom;
  op.inputs[0] = 0;
  op.in_channels = channels;
  op.channels = axis == 'C' ? channels + 1 : channels;
  op.custom = axis == 'N'   ? &custom_op<Resized<1, 0, 0, 0>>
              : axis == 'H' ? &custom_op<Resized<0, 1, 0, 0>>
              : axis == 'W' ? &custom_op<Resized<0, 0, 1, 0>>
              : axis == 'C' ? &custom_op<Resized<0, 0, 0, 1>>
                            : &custom_op<Resized<0, 0, 0, 0>>;
  return op;
}

/// `wrong`: which input (0 or 1) has another size than it should, along `axis`; axis ' ' makes a right graph.
inline Case make_case(OpKind kind, int wrong, char axis) {
  Case c;
  c.name = std::string(op_name(kind)) + (wrong == 0 ? ", first input, " : ", second input, ") + axis;
  Op input;
  input.channels = channels;
  c.ops = {input, resizing(wrong == 0 ? axis : ' '), resizing(wrong == 1 ? axis : ' ')};
  c.first = 1;
  c.second = 2;
  if (kind == OpKind::scale) {  // the gate: a mean over rows and columns, then resized
    Op mean;
    mean.kind = OpKind::mean_hw;
    mean.inputs[0] = 0;
    mean.in_channels = mean.channels = channels;
    c.ops.insert(c.ops.begin() + 2, mean);
    c.second = 3;
    c.ops[3].inputs[0] = 2;
  }
  Op op;
  op.kind = kind;
  op.inputs[0] = c.first;
  op.inputs[1] = c.second;
  op.in_channels = channels;
  op.channels = kind == OpKind::concat ? 2 * channels : channels;
  if (kind == OpKind::custom) op.custom = &custom_op<OwnSum>;
  c.ops.push_back(op);
  return c;
}

inline const OpKind two_inputs[] = {OpKind::add, OpKind::scale, OpKind::concat, OpKind::custom};

inline std::vector<Case> all_wrong() {
  std::vector<Case> cases;
  for (const OpKind kind : two_inputs)
    for (const int wrong : {0, 1})
      for (const char axis : {'N', 'H', 'W', 'C'}) {
        // A gate [N, 1, 1, C] goes with maps of any height and width.
        const bool fits = kind == OpKind::scale && wrong == 0 && (axis == 'H' || axis == 'W');
        if (!fits) cases.push_back(make_case(kind, wrong, axis));
      }
  return cases;
}

}  // namespace shape_cases
