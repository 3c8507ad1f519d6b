// Reverse-mode automatic differentiation of a network. Forward keeps what backward needs. Backward adds the
// gradient of every parameter to a block with the layout of the parameters.
#pragma once

#include <tinyfiqa/autograd/custom_kernel.hpp>
#include <tinyfiqa/autograd/formula_kernels.hpp>
#include <tinyfiqa/autograd/tape_plan.hpp>
#include <tinyfiqa/autograd/training_backend.hpp>
#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/runtime/large_array.hpp>
#include <tinyfiqa/threads/thread_team.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

TINYFIQA_BEGIN

enum class TapeMode : unsigned char {
  train,         ///< batch norm with batch statistics, running statistics are updated; dropout
  frozen_norms,  ///< batch norm with frozen running statistics; dropout
  eval,          ///< as in inference: running statistics, no dropout
};

/// T = float trains, on the kernels of a backend; T = double checks, on the formulas of kernels/reference.
///   Tape<float> tape(ops, outputs, threads, *native_training_backend().tape);
///   tape.forward(params, images, {n, h, w, 3}, TapeMode::train, rng);
///   tape.output(i);                             // of each output: compute the loss and its gradient
///   tape.backward(params, d_outputs, gradient);
/// Not for several threads at once; it makes threads of its own.
template <class T>
class Tape {
 public:
  /// `ops` must stay where they are. `outputs`: the values that losses are taken of.
  Tape(Span<const Op> ops, Span<const int> outputs, int threads, const TapeKernels<T>& kernels)
      : ops_(ops), outputs_(outputs.begin(), outputs.end()), kernels_(&kernels) {
    if (threads > 1) threads_ = std::make_unique<ThreadTeam>(threads);
  }
  /// For one output.
  Tape(Span<const Op> ops, int output, int threads, const TapeKernels<T>& kernels)
      : Tape(ops, Span<const int>(&output, 1), threads, kernels) {}

  /// Makes backward() compute the gradient of the input too. Call it before the first forward().
  void differentiate_input() {
    differentiate_input_ = true;
    plan_ = TapePlan();
  }

  /// Makes batch norm use the statistics of the images of all ranks (TapeMode::train). Each rank then computes a part of the
  /// batch, with the same operations. `ranks` must outlive the tape; null: the statistics of these images, as at first.
  void sync_norms(Communicator* ranks) {
    static_assert(sizeof(T) == sizeof(float),
                  "tinyfiqa: only the kernels, which compute in float, can do this");
    ranks_ = ranks;
  }

  /// Computes the outputs for N images `input` [N, H, W, C]. `input` must stay valid until backward is done. Plans
  /// and allocates if the size differs from that of the last call. Changes only the running statistics in
  /// `params`, and only in TapeMode::train. Dropout takes one draw of `rng`. `first_image` is the number of the
  /// first image if `input` is a part of a batch: its dropout masks are then those of the whole batch.
  /// Errors: bad_argument for sizes that the network can't take, and for batch norm over a single value;
  /// out_of_memory.
  Status forward(T* params, const T* input, Extents size, TapeMode mode, Rng& rng, int first_image = 0) {
    return run_forward(params, input, size, mode, rng, first_image, [](int) { return true; });
  }

  /// Computes as forward() does, and looks at what each operation gives. Returns the first operation that gives NaN or
  /// infinity, or -1. Errors: those of forward().
  Result<int> first_not_finite(T* params, const T* input, Extents size, TapeMode mode, Rng& rng,
                               int first_image = 0) {
    int found = -1;
    const Status s = run_forward(params, input, size, mode, rng, first_image, [&](int id) {
      if (!gives_finite(id)) found = id;
      return found < 0;
    });
    if (!s) return s;
    return found;
  }

  /// Output i of the last forward, dense [N, H', W', C'].
  Span<const T> output(std::size_t i = 0) const { return {out_[i].data(), out_[i].size()}; }
  /// All zeros before the first forward.
  Extents output_extents(std::size_t i = 0) const {
    return plan_.values.empty() ? Extents() : value(outputs_[i]).extents;
  }

  /// Adds the gradient of the sum over outputs of sum(d_outputs[i] * output(i)) to `gradient`, for the last
  /// forward. d_outputs[i] is dense and has output i's size. Call it once for each forward.
  void backward(T* params, Span<const T* const> d_outputs, T* gradient) {
    backward(params, d_outputs, gradient, [](int) {});
  }
  /// The same. Calls on_done(id) when operation `id` and those after it have added their gradients.
  template <class OnDone>
  void backward(T* params, Span<const T* const> d_outputs, T* gradient, const OnDone& on_done) {
    start_gradients(d_outputs);
    for (int id = plan_.count - 1; id >= 0; --id) {
      if (!value(id).runs_backward) continue;
      TapeCall<T> call = call_of(id, params);
      add_gradients(id, gradient, call);
      kernel_of(id)->backward(call);
      on_done(id);
    }
  }
  /// For one output.
  void backward(T* params, const T* d_output, T* gradient) {
    backward(params, Span<const T* const>(&d_output, 1), gradient);
  }

  /// The gradient of the input of the last backward, dense [N, H, W, C]. Needs differentiate_input().
  std::vector<T> input_gradient() const {
    std::vector<T> dense;
    for (int id = 0; id < plan_.count; ++id) {
      if (op(id).kind != OpKind::input) continue;
      const TapeValue& v = value(id);
      const T* from = gradient_of(id);
      for (long long p = 0; p < v.extents.pixels(); ++p, from += v.gradient_pixel_stride)
        if (v.gradient >= 0) dense.insert(dense.end(), from, from + v.extents.c);
    }
    return dense;
  }

  /// Memory of a step, without the parameters, their gradient and the input.
  std::size_t peak_bytes() const {
    std::size_t bytes = arena_.size();
    for (const auto& out : out_) bytes += out.size() * sizeof(T);
    return bytes;
  }
  const TapePlan& plan() const { return plan_; }

  /// Plans and allocates for a size before the first forward.
  Status prepare(Extents size) {
    TapePlan plan = make_tape_plan(ops_, outputs_, size, sizeof(T), differentiate_input_, lane_kernels());
    if (plan.problem.error != PlanError::none)
      return Status::error(Errc::bad_argument, "training at ", size.n, "x", size.h, "x", size.w,
                           " (N, H, W): ", plan_error_text(plan.problem, ops_));
    plan_ = std::move(plan);
    share_sums();
    arena_ = LargeArray<unsigned char>();
    base_ = nullptr;
    std::size_t scratch = 0;
    single_value_ = -1;
    for (int id = 0; id < plan_.count; ++id) {
      const TapeValue& v = value(id);
      if (!v.live || v.absorbed) continue;
      if (op(id).has_norm() && v.extents.pixels() == 1) single_value_ = id;
      const TapeKernel<T>* kernel = kernel_of(id);
      if (kernel != nullptr) scratch = std::max(scratch, kernel->scratch(call_of(id, nullptr)));
    }
    const std::size_t bytes = plan_.arena_bytes + scratch * sizeof(T);
    arena_ = LargeArray<unsigned char>::or_empty(bytes);
    base_ = arena_.data();
    if (base_ == nullptr) {
      plan_ = TapePlan();
      return Status::error(Errc::out_of_memory, "training needs ", bytes / 1048576, " MiB");
    }
    out_.resize(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      out_[i].assign(static_cast<std::size_t>(value(outputs_[i]).extents.floats()), T(0));
    return {};
  }

 private:
  const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  const TapeValue& value(int id) const { return plan_.values[static_cast<std::size_t>(id)]; }
  T* memory(int buffer) const {
    if (base_ == nullptr || buffer < 0) return nullptr;
    return reinterpret_cast<T*>(base_ + plan_.buffers[static_cast<std::size_t>(buffer)].offset);
  }

  /// The one place that knows which kernel an operation has.
  const TapeKernel<T>* kernel_of(int id) const {
    const TapeValue& v = value(id);
    const OpKind kind = op(id).kind;
    if (!v.live || v.absorbed || kind == OpKind::input) return nullptr;
    if (kind == OpKind::slice && !v.runs_backward) return nullptr;
    const int input = op(id).inputs[0];
    if (input >= 0 && (v.lanes || value(input).lanes))
      return kernels_->lanes(op(id), op(input).kind == OpKind::input);
    if (kind == OpKind::conv) return kernels_->conv(op(id));
    if (kind == OpKind::shuffle && value(op(id).inputs[0]).absorbed) return kernels_->interleave;
    const auto row = static_cast<std::size_t>(kind);
    const TapeKernel<T>* const fast = kernels_->operation[row];
    return fast != nullptr ? fast : formulas::table<T>.operation[row];
  }

  LaneKernels lane_kernels() const {
    LaneKernels lanes;
    if (kernels_->lanes == nullptr) return lanes;
    lanes.images = kernels_->lane_images;
    for (const Op& o : ops_) {
      lanes.first.push_back(kernels_->lanes(o, true) != nullptr);
      lanes.other.push_back(kernels_->lanes(o, false) != nullptr);
    }
    return lanes;
  }

  /// A convolution with batch norm needs sums over its gradient before its backward. The operation that writes
  /// that gradient last computes them, if it can: it has the values in registers.
  void share_sums() {
    int used = 0;
    for (int id = 0; id < plan_.count; ++id) {
      TapeValue& v = plan_.values[static_cast<std::size_t>(id)];
      const bool normed = op(id).kind == OpKind::conv && (op(id).has_norm() || op(id).bias >= 0);
      const bool whole = v.gradient_pixel_stride == v.extents.c || v.lanes;
      const bool own = whole && !plan_.is_output(id);
      if (!v.runs_backward || !normed || !own) continue;
      int last = -1;  // backward runs from high numbers to low ones
      for (int reader = plan_.count - 1; reader > id; --reader)
        if (value(reader).runs_backward && side_of(reader, id) >= 0) last = reader;
      if (last < 0 || kernel_of(last) == nullptr || !kernel_of(last)->takes_sums) continue;
      // Operations that share this gradient buffer must have run backward already.
      bool complete = true;
      for (int other = 0; other <= last; ++other)
        complete = complete && (other == id || value(other).gradient != v.gradient);
      if (!complete) continue;
      v.dy_sums = used;
      used += 3 * v.extents.c;
      plan_.values[static_cast<std::size_t>(last)].sums_for[side_of(last, id)] = id;
    }
    sums_.assign(static_cast<std::size_t>(used), 0.0);
  }

  /// Which input of `reader` the value `id` is; -1 when it is none of them, or several.
  int side_of(int reader, int id) const {
    int side = -1, count = 0;
    for (int i = 0; i < max_op_inputs; ++i)
      if (value(reader).inputs[i] == id) side = i, ++count;
    return count == 1 ? side : -1;
  }

  /// forward(); calls go_on(id) after each operation, and ends if that returns false.
  template <class GoOn>
  Status run_forward(T* params, const T* input, Extents size, TapeMode mode, Rng& rng, int first_image,
                     GoOn go_on) {
    const Extents& planned = plan_.input;
    if (size.n != planned.n || size.h != planned.h || size.w != planned.w) {
      if (Status s = prepare(size); !s) return s;
    }
    if (mode == TapeMode::train && single_value_ >= 0 && ranks_ == nullptr)
      return Status::error(
          Errc::bad_argument, "batch norm of operation ", single_value_,
          " would see a single value for each channel; use larger images or batches, or frozen norms");
    input_ = input;
    mode_ = mode;
    const std::uint64_t draw = std::uint64_t{rng.next()} << 32u | rng.next();
    for (int id = 0; id < plan_.count; ++id) {
      const TapeKernel<T>* kernel = kernel_of(id);
      if (kernel == nullptr || kernel->forward == nullptr) continue;
      const TapeCall<T> call = call_of(id, params);
      if (op(id).kind == OpKind::dropout) make_mask(id, draw, first_image);
      kernel->forward(call);
      if (!go_on(id)) return {};
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) copy_output(outputs_[i], params, out_[i]);
    return {};
  }

  /// Whether all numbers that operation `id` has just written are finite.
  bool gives_finite(int id) const {
    const auto all_finite = [](const T* values, long long count) {
      return values == nullptr || std::all_of(values, values + count, [](T v) { return std::isfinite(v); });
    };
    const TapeValue& v = value(id);
    const bool own = v.storage == id;
    if (own && !all_finite(memory(v.data), v.stored_numbers(kernels_->lane_images))) return false;
    const bool normed = op(id).kind == OpKind::conv && (op(id).has_norm() || op(id).bias >= 0);
    const T* const saved = normed ? memory(v.saved) : nullptr;
    if (saved == nullptr) return true;
    const int c = v.extents.c;  // readers take (y - mean) scale + shift
    return all_finite(saved, c) && all_finite(saved + 2 * c, 2LL * c);
  }

  /// The value of `id` as its readers get it: a slice, a gate and an activation are applied on reading.
  LazyMap<T> map_of(int id, const T* params) const {
    const TapeValue& v = value(id);
    const TapeValue& s = value(v.storage);
    const Op& o = op(v.storage);
    LazyMap<T> x;
    x.n = v.extents.n;
    x.h = v.extents.h;
    x.w = v.extents.w;
    x.c = v.extents.c;
    x.data = o.kind == OpKind::input ? input_ : memory(s.data);
    if (x.data != nullptr) x.data += v.first_channel;
    x.pixel_stride = s.extents.c;
    if (o.kind == OpKind::conv) {
      x.act = o.act;
      const bool plain = !o.has_norm() && o.bias < 0;
      const T* saved = memory(s.saved);
      if (!plain && saved != nullptr) {
        x.centre = saved + v.first_channel;
        x.scale = saved + 2 * s.extents.c + v.first_channel;
        x.shift = saved + 3 * s.extents.c + v.first_channel;
      }
      x.fixed_slope = static_cast<T>(o.fixed_slope);
      if (o.slope >= 0 && params != nullptr) x.slope = params + o.slope + v.first_channel;
    }
    if (v.gate >= 0) {
      x.gate = memory(value(v.gate).saved);
      x.gate_stride = v.extents.c;
    }
    return x;
  }

  void copy_output(int id, const T* params, std::vector<T>& out) const {
    const LazyMap<T> y = map_of(id, params);
    const auto pixels = static_cast<std::ptrdiff_t>(y.n) * y.h * y.w;
    for (std::ptrdiff_t p = 0; p < pixels; ++p)
      for (int c = 0; c < y.c; ++c)
        out[static_cast<std::size_t>(p * y.c + c)] = reference::lazy_value(y, p, c);
  }
  /// Writes the caller's gradients of the outputs to the arena. One value may be several outputs.
  void start_gradients(Span<const T* const> d_outputs) {
    for (const int id : outputs_)
      if (value(id).gradient >= 0) std::fill_n(gradient_of(id), value(id).extents.floats(), T(0));
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (value(outputs_[i]).gradient < 0) continue;
      T* const d = gradient_of(outputs_[i]);
      for (std::size_t k = 0; k < out_[i].size(); ++k) d[k] += d_outputs[i][k];
    }
  }

  T* gradient_of(int id) const {
    const TapeValue& v = value(id);
    return v.gradient < 0 || base_ == nullptr ? nullptr : memory(v.gradient) + v.gradient_channel;
  }

  TapeCall<T> call_of(int id, T* params) const {
    const TapeValue& v = value(id);
    TapeCall<T> call;
    call.op = &op(id);
    for (int side = 0; side < max_op_inputs; ++side)
      if (v.inputs[side] >= 0) call.x[side] = map_of(v.inputs[side], params);
    call.y = memory(v.data);
    call.saved = memory(v.saved);
    call.scratch = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + plan_.arena_bytes);
    call.params = params;
    call.out = v.extents;
    call.batch_statistics = mode_ == TapeMode::train;
    call.ranks = ranks_;
    if (threads_ != nullptr) call.team = threads_->team();
    return call;
  }
  void add_gradients(int id, T* gradient, TapeCall<T>& call) {
    const TapeValue& v = value(id);
    call.dy = gradient_of(id);
    call.dy_pixel_stride = v.gradient_pixel_stride;
    if (v.dy_sums >= 0) call.dy_sums = sums_.data() + v.dy_sums;
    call.gradient = gradient;
    for (int side = 0; side < max_op_inputs; ++side) {
      const int input = v.inputs[side];
      if (input < 0 || !value(input).needs_gradient) continue;
      const int sums = v.sums_for[side] < 0 ? -1 : value(v.sums_for[side]).dy_sums;
      call.dx[side] = {gradient_of(input), value(input).gradient_pixel_stride, v.accumulate[side],
                       sums < 0 ? nullptr : sums_.data() + sums};
    }
  }

  /// 0 with probability p, else 1 / (1 - p). The mask of an image depends only on the draw, the operation and the
  /// number of the image. So threads and micro-batches do not change it.
  void make_mask(int id, std::uint64_t draw, int first_image) const {
    const T p = static_cast<T>(op(id).drop_probability);
    const bool drops = mode_ != TapeMode::eval && p > 0;
    const Extents& e = value(id).extents;
    T* mask = memory(value(id).saved);
    for (int n = 0; n < e.n; ++n) {
      Rng rng(detail::mix_seed(draw, static_cast<std::uint64_t>(id),
                               static_cast<std::uint64_t>(first_image) + static_cast<std::uint64_t>(n)));
      for (long long i = e.floats() / e.n; i > 0; --i)
        *mask++ = !drops ? T(1) : static_cast<T>(rng.uniform()) < p ? T(0) : 1 / (1 - p);
    }
  }

  Span<const Op> ops_;
  std::vector<int> outputs_;
  std::unique_ptr<ThreadTeam> threads_;  // for more than one thread
  const TapeKernels<T>* kernels_;
  TapePlan plan_;
  LargeArray<unsigned char> arena_;
  unsigned char* base_ = nullptr;  // arena_'s
  std::vector<std::vector<T>> out_;
  std::vector<double> sums_;
  const T* input_ = nullptr;
  bool differentiate_input_ = false;
  TapeMode mode_ = TapeMode::train;
  int single_value_ = -1;
  Communicator* ranks_ = nullptr;
};

TINYFIQA_END
