// Operations of the user's own: a struct with a size function, a forward and a backward function, written once
// for float and double. Inference and training treat it like a built-in operation. Example:
// examples/custom_op.cpp.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/extents.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The arguments of one call. Maps are dense, [N, H, W, C]. Backward adds to dx and dparams.
template <class T>
struct CustomCall {
  Extents in[2], out;                  ///< in[1] is all zeros if there is one input
  const T* x[2] = {nullptr, nullptr};  ///< inputs
  const T* params = nullptr;           ///< the operation's own parameters, in the network's block
  T* y = nullptr;                      ///< forward writes it; backward reads it
  const T* dy = nullptr;               ///< this and the following: backward only
  T* dx[2] = {nullptr, nullptr};       ///< null for an input that needs no gradient
  T* dparams = nullptr;
};

/// A table of functions; custom_op<Kind> fills it from a struct.
struct CustomOp {
  const char* name;
  /// Extents of the output. c must be the channels that the graph was given, or 0, which stands for them.
  /// n = 0: the inputs do not go together; plan and tape then refuse the network.
  Extents (*size)(const Extents& a, const Extents& b);
  void (*forward_float)(const CustomCall<float>&);
  void (*backward_float)(const CustomCall<float>&);
  void (*forward_double)(const CustomCall<double>&);
  void (*backward_double)(const CustomCall<double>&);
};

template <class T>
void custom_forward(const CustomOp& op, const CustomCall<T>& call) {
  if constexpr (sizeof(T) == sizeof(float))
    op.forward_float(call);
  else
    op.forward_double(call);
}
template <class T>
void custom_backward(const CustomOp& op, const CustomCall<T>& call) {
  if constexpr (sizeof(T) == sizeof(float))
    op.backward_float(call);
  else
    op.backward_double(call);
}

/// The table of functions of a struct:
///   struct Kind {
///     static constexpr const char* name = "...";
///     static Extents size(const Extents& a, const Extents& b);
///     template <class T> static void forward(const CustomCall<T>& call);
///     template <class T> static void backward(const CustomCall<T>& call);
///   };
template <class Kind>
inline constexpr CustomOp custom_op{Kind::name,
                                    &Kind::size,
                                    &Kind::template forward<float>,
                                    &Kind::template backward<float>,
                                    &Kind::template forward<double>,
                                    &Kind::template backward<double>};

TINYFIQA_END
