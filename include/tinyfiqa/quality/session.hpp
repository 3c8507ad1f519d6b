// A model at one input size, with the memory to run it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/runtime/check_finite.hpp>
#include <tinyfiqa/runtime/large_array.hpp>
#include <tinyfiqa/threads/in_use.hpp>
#include <tinyfiqa/threads/run_threads.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// What a session takes as input.
enum class Feed : unsigned char {
  floats,  ///< as the network takes them; for a network of 8-bit maps they are rounded to the nearest levels
  levels,  ///< images, 8 bits a channel: no floats of the whole input are needed
};

struct SessionOptions {
  int threads = 1;  ///< more than 1 is an error in a program without threads (TINYFIQA_NO_THREADS)
  Feed feed = Feed::floats;
  /// The outputs to compute, by name and in this order, such as {"features"}; empty: all that the network
  /// hands out without being asked.
  std::vector<std::string> outputs;
  /// Look for NaN and infinity in the parameters, the input and the output of every step; finite() has what was found.
  /// A run then takes about a tenth longer, and more memory at large inputs.
  bool check_finite = false;
  /// The most memory for the maps of the network, in MiB.
  int max_arena_mib = 8192;
};

/// For one thread at a time: make one session for each thread that scores; they can share the model. A run while
/// another thread is in the session writes NaN.
class Session {
 public:
  /// Plans `model` for N, H, W. The model must outlive the session and stay unchanged while it runs.
  /// Errors: bad_argument (with the reason; also for a model without weights); too_large, also for more than
  /// max_arena_mib; out_of_memory; unsupported for several threads in a program without them; with check_finite
  /// not_finite for a parameter of the model, by its name.
  static Result<Session> create(const Model& model, int n, int h, int w, const SessionOptions& options = {}) {
    auto values = output_values(model.network(), options.outputs);
    if (!values) return values.status().prefixed(model.spec().name, ": ");
    Session s(model);
    s.feed_ = options.feed;
    s.check_finite_ = options.check_finite;
    s.max_arena_mib_ = options.max_arena_mib;
    if (options.check_finite)
      if (const Status status = check_params(model); !status) return status;
    s.values_ = std::move(*values);
    s.pointers_.resize(s.values_.size());
    s.threads_ = options.threads;
    if (const Status status = s.run_threads_.start(options.threads); !status)
      return status.prefixed(model.spec().name, ": ");
    if (const Status status = s.resize(n, h, w); !status) return status;
    return s;
  }

  /// Plans for another size. Allocates only if that needs more memory than any size before. After an error the
  /// session gives NaN until it is resized again. Errors: those of create().
  Status resize(int n, int h, int w) {
    planned_ = false;
    PlanRequest request;
    request.ops = model_->network().operations();
    request.outputs = {values_.data(), values_.size()};
    request.input = {n, h, w, 0};
    request.threads = threads_;
    request.chains = !check_finite_;
    if (feed_ == Feed::levels || model_->has_levels()) request.levels = &model_->input().levels;
    remake_plan(request, model_->backend(), plan_);
    const PlanProblem& problem = plan().problem;
    if (!plan().ok())
      return Status::error(problem.error == PlanError::too_large ? Errc::too_large : Errc::bad_argument,
                           model_->spec().name, " at ", n, "x", h, "x", w,
                           " (N, H, W): ", plan_error_text(problem, request.ops));
    if (plan().packed_bytes > model_->packed().size)
      return Status::error(
          Errc::bad_argument, model_->spec().name,
          " has no packed weights: either none were loaded, or its ModelSpec has no input size "
          "(with_input()) that the network can run at");
    const std::size_t mib = (plan().arena_bytes + 1048575) / 1048576;
    if (mib > static_cast<std::size_t>(std::max(0, max_arena_mib_)))
      return Status::error(Errc::too_large, model_->spec().name, " at ", n, "x", h, "x", w, " needs ", mib,
                           " MiB for its maps, and max_arena_mib is ", max_arena_mib_,
                           "; choose a smaller input, or raise that limit");
    if (plan().arena_bytes > arena_.size()) {
      arena_ = LargeArray<unsigned char>();
      arena_ = LargeArray<unsigned char>::or_empty(plan().arena_bytes);
    }
    if (arena_.data() == nullptr && plan().arena_bytes > 0)  // one layer from input to output needs no memory
      return Status::error(Errc::out_of_memory, model_->spec().name, " at ", n, "x", h, "x", w, " needs ",
                           plan().arena_bytes / 1048576, " MiB");
    if (feed_ == Feed::floats && model_->has_levels()) rounded_.resize(input_floats());
    planned_ = true;
    return {};
  }

  const Plan& plan() const { return plan_.plan; }
  const Model& model() const { return *model_; }
  std::size_t input_floats() const { return static_cast<std::size_t>(plan().input.floats()); }
  int output_count() const { return plan().output_count; }
  /// [N, H, W, C] of output i; scores, logits and embeddings have H = W = 1.
  const Extents& output_extents(int i = 0) const { return plan().outputs[i]; }
  std::size_t output_floats(int i = 0) const { return static_cast<std::size_t>(output_extents(i).floats()); }

  /// input [N, H, W, C] -> the session's only output, dense [N, H, W, C]. Allocates nothing.
  void run(const float* input, float* output) { run(input, Span<float* const>(&output, 1)); }
  /// The same for any number of outputs: outputs[i] has output_floats(i) floats. With another number of outputs
  /// than output_count(), the first number of each becomes NaN and nothing is computed.
  void run(const float* input, Span<float* const> outputs) { run(Feed::floats, input, outputs); }
  /// The same from RGB levels 0..255 [N, H, W, 3], to the bit. A session that was created for the other feed
  /// writes NaN.
  void run(const unsigned char* levels, float* output) { run(levels, Span<float* const>(&output, 1)); }
  void run(const unsigned char* levels, Span<float* const> outputs) { run(Feed::levels, levels, outputs); }

  /// not_finite if the last run met NaN or infinity: the message has the layer and the place. The outputs are then NaN.
  /// Always ok without SessionOptions::check_finite.
  const Status& finite() const { return finite_; }

 private:
  explicit Session(const Model& model) : model_(&model) {}

  void run(Feed feed, const void* input, Span<float* const> outputs) {
    const InUse::Guard guard(in_use_);
    if (!guard || !planned_ ||
        outputs.size != pointers_.size()) {  // the sizes of the caller's arrays are unknown
      for (float* const output : outputs) *output = std::nanf("");
      return;
    }
    if (feed != feed_) return fill_with_nan(outputs);
    if (feed == Feed::floats && model_->has_levels()) {
      input = to_levels(static_cast<const float*>(input));
      if (input == nullptr) return fill_with_nan(outputs);
    }
    std::copy(outputs.begin(), outputs.end(), pointers_.begin());
    Frame f;
    f.arena = arena_.data();
    f.packed = model_->packed().data;
    f.input = input;
    f.outputs = pointers_.data();
    f.team = run_threads_.team();
    if (!check_finite_) return tinyfiqa::run(plan(), f);
    const NotFinite found = run_checked(plan(), f);
    finite_ = found.step == NotFinite::none ? Status() : not_finite(found);
    if (!finite_) fill_with_nan(outputs);
  }

  /// The levels that stand for the numbers nearest to the input's; null if one of these is NaN or infinity.
  const unsigned char* to_levels(const float* input) {
    if (!detail::all_finite(input, static_cast<std::ptrdiff_t>(rounded_.size()))) return nullptr;
    const LevelScale& scale = model_->input().levels;
    for (std::size_t i = 0; i < rounded_.size(); ++i) {
      const float level = input[i] / scale.scale[i % 3] + scale.mean[i % 3];
      rounded_[i] = to_level(level > 0.0f ? std::min(level, 255.0f) : 0.0f, LevelRange());
    }
    return rounded_.data();
  }

  void fill_with_nan(Span<float* const> outputs) const {
    for (int i = 0; i < output_count(); ++i)
      std::fill_n(outputs[static_cast<std::size_t>(i)], output_floats(i), std::nanf(""));
  }

  static Status check_params(const Model& model) {
    for (const NamedParam& p : model.params()) {
      if (model.block().empty()) return {};  // the weights were checked when they were read
      const float* const values = model.block().data + p.param.offset;
      for (int i = 0; i < p.param.size(); ++i)
        if (!detail::is_finite(values[i]))
          return Status::error(Errc::not_finite, model.spec().name, ": value ", i, " of '", p.name, "' is ",
                               detail::number_name(values[i]));
    }
    return {};
  }

  Status not_finite(const NotFinite& found) const {
    const bool from_outside = found.step == NotFinite::input;
    const std::string layer =
        from_outside
            ? "the input"
            : "the output of " + operation_name(model_->network(), plan().steps[found.step].first_op);
    return Status::error(Errc::not_finite, model_->spec().name, ": ", layer, " is ",
                         detail::number_name(found.value), " in image ", found.image, ", row ", found.row,
                         ", column ", found.column, ", channel ", found.channel, " (from 0)");
  }

  InUse in_use_;
  const Model* model_;
  Feed feed_ = Feed::floats;
  bool planned_ = false;  // the last resize() succeeded
  bool check_finite_ = false;
  int max_arena_mib_ = 0;
  int threads_ = 1;
  Status finite_;
  std::vector<int> values_;  // of the outputs
  OwnedPlan plan_;
  LargeArray<unsigned char> arena_;
  std::vector<unsigned char> rounded_;  // an input of floats as levels
  std::vector<void*> pointers_;         // to the outputs of a run
  RunThreads run_threads_;
};

/// Memory for all outputs of a session, one behind the other.
///   OutputArrays y(session);
///   session.run(input, y.pointers());
class OutputArrays {
 public:
  explicit OutputArrays(const Session& session) { resize(session); }
  /// For the session's size of now. Allocates only if that needs more memory than any size before.
  void resize(const Session& session) {
    std::size_t count = 0;
    for (int i = 0; i < session.output_count(); ++i) count += session.output_floats(i);
    values_.resize(count);
    pointers_.clear();
    float* at = values_.data();
    for (int i = 0; i < session.output_count(); at += session.output_floats(i++)) pointers_.push_back(at);
  }
  OutputArrays(const OutputArrays&) = delete;
  OutputArrays& operator=(const OutputArrays&) = delete;
  OutputArrays(OutputArrays&&) = default;
  OutputArrays& operator=(OutputArrays&&) = default;

  Span<float* const> pointers() const { return {pointers_.data(), pointers_.size()}; }
  /// Output i, dense [N, H, W, C].
  const float* operator[](int i) const { return pointers_[static_cast<std::size_t>(i)]; }
  /// All outputs.
  const std::vector<float>& values() const { return values_; }

 private:
  std::vector<float> values_;
  std::vector<float*> pointers_;
};

TINYFIQA_END
