// Operations of one's own: a struct with a size, a forward and a backward function, written once for float
// and double. Inference plans and training take it like a built-in operation; examples/custom_op.cpp shows
// one.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/extents.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// What an operation gets. Maps are dense, [N, H, W, C]. In backward, dx and dparams are added to.
template <class T>
struct CustomCall {
  Extents in[2], out;                  ///< in[1] is all zeros for an operation with one input
  const T* x[2] = {nullptr, nullptr};  ///< inputs
  const T* params = nullptr;           ///< the operation's own parameters, in the network's block
  T* y = nullptr;                      ///< forward: to be written;  backward: as forward left it
  const T* dy = nullptr;               ///< backward only, as all below
  T* dx[2] = {nullptr, nullptr};       ///< null for an input that needs no gradient
  T* dparams = nullptr;
};

/// A table of functions; custom_op<Kind> fills it from a struct.
struct CustomOp {
  const char* name;
  /// Extents of the output; its channels must be those that the graph was told, or 0, which means them.
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

/// The table of a struct
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
