// Training kernels that are the formulas of kernels/reference. For T = double they check gradients. For T = float
// they check the fast kernels, and serve where there is none. They copy lazy maps to dense ones, so they allocate.
#pragma once

#include <tinyfiqa/autograd/custom_kernel.hpp>
#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/kernels/reference/unary.hpp>

#include <algorithm>
#include <utility>
#include <vector>

TINYFIQA_BEGIN
namespace formulas {

inline reference::MapShape shape(const Extents& e) { return {e.n, e.h, e.w, e.c}; }
template <class T>
reference::MapShape shape(const LazyMap<T>& x) {
  return {x.n, x.h, x.w, x.c};
}
inline reference::Window window(const Op& op) { return {op.window, op.stride, op.padding, op.groups}; }
inline std::ptrdiff_t pixels(reference::MapShape s) { return static_cast<std::ptrdiff_t>(s.n) * s.h * s.w; }
inline std::vector<int>::size_type size(reference::MapShape s) {
  return static_cast<std::size_t>(pixels(s) * s.c);
}

/// The values of a lazy map.
template <class T>
std::vector<T> dense(const LazyMap<T>& x) {
  std::vector<T> v(size(shape(x)));
  for (std::ptrdiff_t p = 0; p < pixels(shape(x)); ++p)
    for (int c = 0; c < x.c; ++c) v[static_cast<std::size_t>(p * x.c + c)] = reference::lazy_value(x, p, c);
  return v;
}
/// The gradient of the value as a dense map.
template <class T>
std::vector<T> dense_gradient(const TapeCall<T>& t) {
  LazyMap<T> dy;
  dy.n = t.out.n;
  dy.h = t.out.h;
  dy.w = t.out.w;
  dy.c = t.out.c;
  dy.data = t.dy;
  dy.pixel_stride = t.dy_pixel_stride;
  return dense(dy);
}
/// Writes a dense gradient to the gradient of input `side`, or adds it.
template <class T>
void give(const TapeCall<T>& t, int side, const std::vector<T>& d) {
  const Gradient<T>& to = t.dx[side];
  if (to.data == nullptr) return;
  const reference::MapShape s = shape(t.x[side]);
  for (std::ptrdiff_t p = 0; p < pixels(s); ++p)
    for (int c = 0; c < s.c; ++c) {
      T& at = to.data[p * to.pixel_stride + c];
      at = (to.accumulate ? at : T(0)) + d[static_cast<std::size_t>(p * s.c + c)];
    }
}
template <class T>
std::vector<T> zeros(const LazyMap<T>& x) {
  return std::vector<T>(size(shape(x)));
}
template <class T>
T* param(const TapeCall<T>& t, int offset) {
  return offset < 0 ? nullptr : t.params + offset;
}

// ---- convolution, batch norm or bias, activation.  saved: mean, 1 / std, scale, shift

template <class T>
void conv_norm(const TapeCall<T>& t) {
  const Op& op = *t.op;
  const int channels = t.out.c;
  const auto count = static_cast<T>(t.out.pixels());
  for (int c = 0; c < channels; ++c) {
    const T bias = op.bias < 0 ? T(0) : t.params[op.bias + c];
    T mean = 0, inverse = 1, scale = 1, shift = bias;
    if (op.has_norm()) {
      T &running_mean = t.params[op.running_mean + c], &running_var = t.params[op.running_var + c];
      T var = running_var;
      mean = running_mean - bias;  // the statistics of t.y, which does not contain the bias
      if (t.batch_statistics) {
        const T m = static_cast<T>(op.norm_momentum);
        reference::norm_statistics(shape(t.out), t.y, c, mean, var);
        running_mean += m * (mean + bias - running_mean);
        running_var += m * (var * (count > 1 ? count / (count - 1) : T(1)) - running_var);
      }
      inverse = 1 / std::sqrt(var + static_cast<T>(op.norm_eps));
      scale = t.params[op.norm_weight + c] * inverse;
      shift = t.params[op.norm_bias + c];
    }
    t.saved[c] = mean;
    t.saved[channels + c] = inverse;
    t.saved[2 * channels + c] = scale;
    t.saved[3 * channels + c] = shift;
  }
}
template <class T>
void conv_forward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]);
  if (t.op->only_norm())
    std::copy(x.begin(), x.end(), t.y);
  else
    reference::conv_forward(shape(t.x[0]), x.data(), shape(t.out), window(*t.op), t.params + t.op->weight,
                            t.y);
  conv_norm(t);
}
/// g = dv act'(u), then through batch norm or bias to dz.
template <class T>
std::vector<T> conv_sums_gradient(const TapeCall<T>& t) {
  const Op& op = *t.op;
  const int channels = t.out.c;
  std::vector<T> g = dense_gradient(t), dz = g;
  const auto at = [&](std::ptrdiff_t p, int c) { return static_cast<std::size_t>(p * channels + c); };
  for (int c = 0; c < channels; ++c) {
    const T mean = t.saved[c], inverse = t.saved[channels + c];
    const T slope = op.slope < 0 ? static_cast<T>(op.fixed_slope) : t.params[op.slope + c];
    for (std::ptrdiff_t p = 0; p < t.out.pixels(); ++p) {
      const T u = (t.y[at(p, c)] - mean) * t.saved[2 * channels + c] + t.saved[3 * channels + c];
      if (op.slope >= 0 && u <= 0) t.gradient[op.slope + c] += g[at(p, c)] * u;
      dz[at(p, c)] = g[at(p, c)] *= reference::act_derivative(op.act, u, slope);
      // With batch statistics a bias has no effect: subtracting the mean removes it.
      if (op.bias >= 0 && !(op.has_norm() && t.batch_statistics))
        t.gradient[op.bias + c] += g[at(p, c)] * t.saved[2 * channels + c];
    }
    if (op.has_norm())
      reference::norm_backward(shape(t.out), t.y, g.data(), c, mean, inverse, t.params[op.norm_weight + c],
                               t.batch_statistics, dz.data(), t.gradient + op.norm_weight,
                               t.gradient + op.norm_bias);
  }
  return dz;
}
template <class T>
void conv_backward(const TapeCall<T>& t) {
  const std::vector<T> dz = conv_sums_gradient(t), x = dense(t.x[0]);
  if (t.op->only_norm()) return give(t, 0, dz);
  std::vector<T> dx = zeros(t.x[0]);
  reference::conv_backward(shape(t.x[0]), x.data(), shape(t.out), window(*t.op), t.params + t.op->weight,
                           dz.data(), t.gradient + t.op->weight,
                           t.dx[0].data == nullptr ? nullptr : dx.data());
  give(t, 0, dx);
}

// ---- y = act(x);   dx = dy act'(x)

template <class T>
void activation_forward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]);
  for (std::size_t i = 0; i < x.size(); ++i) t.y[i] = reference::act_value(t.op->act, x[i], T(0));
}
template <class T>
void activation_backward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]);
  std::vector<T> d = dense_gradient(t);
  for (std::size_t i = 0; i < x.size(); ++i) d[i] *= reference::act_derivative(t.op->act, x[i], T(0));
  give(t, 0, d);
}

// ---- pools

template <class T>
void max_pool_forward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]);
  reference::max_pool_forward(shape(t.x[0]), x.data(), shape(t.out), window(*t.op), t.y, t.saved);
}
template <class T>
void max_pool_backward(const TapeCall<T>& t) {
  const std::vector<T> dy = dense_gradient(t);
  std::vector<T> dx = zeros(t.x[0]);
  reference::max_pool_backward(shape(t.x[0]), shape(t.out), window(*t.op), t.saved, dy.data(), dx.data());
  give(t, 0, dx);
}
// ---- y = a + b;   da = dy, db = dy

template <class T>
void add_forward(const TapeCall<T>& t) {
  const std::vector<T> a = dense(t.x[0]), b = dense(t.x[1]);
  for (std::size_t i = 0; i < a.size(); ++i) t.y[i] = a[i] + b[i];
}
template <class T>
void add_backward(const TapeCall<T>& t) {
  const std::vector<T> d = dense_gradient(t);
  give(t, 0, d);
  give(t, 1, d);
}

// ---- y = x gate, the gate's values kept in saved

template <class T>
void scale_forward(const TapeCall<T>& t) {
  const std::vector<T> gate = dense(t.x[1]);
  std::copy(gate.begin(), gate.end(), t.saved);
}
template <class T>
void scale_backward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]), dy = dense_gradient(t);
  std::vector<T> dx = zeros(t.x[0]), dgate = zeros(t.x[1]);
  reference::scale_backward(shape(t.x[0]), x.data(), t.saved, dy.data(), dx.data(), dgate.data());
  give(t, 0, dx);
  give(t, 1, dgate);
}

// ---- y = x + b, b enlarged to the size of x;   dx = dy,   db = the sum of dy over the copies

template <class T>
void add_upsampled_forward(const TapeCall<T>& t) {
  reference::add_upsampled(shape(t.x[0]), dense(t.x[0]).data(), shape(t.x[1]), dense(t.x[1]).data(), t.y);
}
template <class T>
void add_upsampled_backward(const TapeCall<T>& t) {
  const std::vector<T> dy = dense_gradient(t);
  std::vector<T> db = zeros(t.x[1]);
  reference::add_upsampled_backward(shape(t.x[0]), shape(t.x[1]), dy.data(), db.data());
  give(t, 0, dy);
  give(t, 1, db);
}

// ---- operations with one dense input (kernels/reference/unary.hpp)

template <class T, OpKind Kind>
void unary_forward(const TapeCall<T>& t) {
  reference::unary_formula<T>(Kind).forward(*t.op, shape(t.x[0]), dense(t.x[0]).data(), shape(t.out), t.y);
}
template <class T, OpKind Kind>
void unary_backward(const TapeCall<T>& t) {
  std::vector<T> dx = zeros(t.x[0]);
  reference::unary_formula<T>(Kind).backward(*t.op, shape(t.x[0]), shape(t.out), dense_gradient(t).data(),
                                             dx.data());
  give(t, 0, dx);
}

// ---- operations that move channels: body(input, its channel, channel of the output)

template <class T, class Body>
void concat_map(const TapeCall<T>& t, const Body& body) {
  int first = 0;
  for (int i = 0; i < t.op->input_count(); first += t.x[i++].c)
    for (int c = 0; c < t.x[i].c; ++c) body(i, c, first + c);
}
template <class T, class Body>
void slice_map(const TapeCall<T>& t, const Body& body) {
  for (int c = 0; c < t.op->channels; ++c) body(0, t.op->first_channel + c, c);
}
template <class T, class Body>
void shuffle_map(const TapeCall<T>& t, const Body& body) {
  const int channels = t.x[0].c;
  for (int c = 0; c < channels; ++c) body(0, reference::shuffled_from(c, channels, t.op->shuffle_groups), c);
}
template <class T, class Body>
void interleave_map(const TapeCall<T>& t, const Body& body) {
  for (int c = 0; c < t.x[0].c; ++c) body(0, c, 2 * c), body(1, c, 2 * c + 1);
}

#define TINYFIQA_FORMULA_MOVE(name)                                                                      \
  template <class T>                                                                                     \
  void name##_forward(const TapeCall<T>& t) {                                                            \
    for (std::ptrdiff_t p = 0; p < t.out.pixels(); ++p)                                                  \
      name##_map(t, [&](int input, int from, int to) {                                                   \
        t.y[p * t.out.c + to] = reference::lazy_value(t.x[input], p, from);                              \
      });                                                                                                \
  }                                                                                                      \
  template <class T>                                                                                     \
  void name##_backward(const TapeCall<T>& t) {                                                           \
    std::vector<T> d[max_op_inputs];                                                                     \
    for (int i = 0; i < max_op_inputs; ++i) d[i] = zeros(t.x[i]);                                        \
    for (std::ptrdiff_t p = 0; p < t.out.pixels(); ++p)                                                  \
      name##_map(t, [&](int input, int from, int to) {                                                   \
        d[input][static_cast<std::size_t>(p * t.x[input].c + from)] += t.dy[p * t.dy_pixel_stride + to]; \
      });                                                                                                \
    for (int i = 0; i < max_op_inputs; ++i) give(t, i, d[i]);                                            \
  }
TINYFIQA_FORMULA_MOVE(concat)
TINYFIQA_FORMULA_MOVE(slice)
TINYFIQA_FORMULA_MOVE(shuffle)
TINYFIQA_FORMULA_MOVE(interleave)
#undef TINYFIQA_FORMULA_MOVE

// ---- y = x mask;   dx = dy mask

template <class T>
void mask_forward(const TapeCall<T>& t) {
  const std::vector<T> x = dense(t.x[0]);
  for (std::size_t i = 0; i < x.size(); ++i) t.y[i] = x[i] * t.saved[i];
}
template <class T>
void mask_backward(const TapeCall<T>& t) {
  std::vector<T> d = dense_gradient(t);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] *= t.saved[i];
  give(t, 0, d);
}

// ---- the table

template <class T>
std::size_t no_scratch(const TapeCall<T>&) {
  return 0;
}
template <class T>
constexpr TapeKernel<T> formula(const char* name, void (*forward)(const TapeCall<T>&),
                                void (*backward)(const TapeCall<T>&)) {
  TapeKernel<T> k;
  k.name = name;
  k.forward = forward;
  k.backward = backward;
  k.scratch = no_scratch<T>;
  return k;
}
#define TINYFIQA_FORMULA(name) \
  template <class T>           \
  inline constexpr TapeKernel<T> name = formula<T>("formula_" #name, name##_forward<T>, name##_backward<T>)
TINYFIQA_FORMULA(conv);
TINYFIQA_FORMULA(activation);
TINYFIQA_FORMULA(max_pool);
TINYFIQA_FORMULA(add);
TINYFIQA_FORMULA(scale);
TINYFIQA_FORMULA(add_upsampled);
TINYFIQA_FORMULA(concat);
TINYFIQA_FORMULA(shuffle);
TINYFIQA_FORMULA(interleave);
TINYFIQA_FORMULA(mask);
#undef TINYFIQA_FORMULA
template <class T>
inline constexpr TapeKernel<T> slice = formula<T>("formula_slice", nullptr, slice_backward<T>);

template <class T>
const TapeKernel<T>* choose_conv(const Op&) {
  return &conv<T>;
}
template <class T, OpKind Kind>
inline constexpr TapeKernel<T> unary = formula<T>(op_name(Kind), unary_forward<T, Kind>,
                                                  unary_backward<T, Kind>);

/// Sets the kernels of all operations that have a unary formula.
template <class T, std::size_t... Kinds>
constexpr void set_unary(TapeKernels<T>& k, std::index_sequence<Kinds...>) {
  const auto set = [&k](std::size_t kind, const TapeKernel<T>& kernel) {
    if (reference::unary_formula<T>(static_cast<OpKind>(kind)).known) k.operation[kind] = &kernel;
  };
  (set(Kinds, unary<T, static_cast<OpKind>(Kinds)>), ...);
}

/// The formulas of all operations, and the user's own.
template <class T>
inline constexpr TapeKernels<T> table = [] {
  TapeKernels<T> k;
  const auto set = [&k](OpKind kind, const TapeKernel<T>& kernel) {
    k.operation[static_cast<std::size_t>(kind)] = &kernel;
  };
  set_unary(k, std::make_index_sequence<op_kind_count>());
  k.conv = choose_conv<T>;
  set(OpKind::activation, activation<T>);
  set(OpKind::max_pool, max_pool<T>);
  set(OpKind::add, add<T>);
  set(OpKind::scale, scale<T>);
  set(OpKind::add_upsampled, add_upsampled<T>);
  set(OpKind::concat, concat<T>);
  set(OpKind::slice, slice<T>);
  set(OpKind::shuffle, shuffle<T>);
  set(OpKind::dropout, mask<T>);
  set(OpKind::custom, detail::tape_custom<T>);
  k.interleave = &interleave<T>;
  return k;
}();

}  // namespace formulas
TINYFIQA_END
