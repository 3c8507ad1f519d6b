// A model at one input size, with the memory to run it.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/runtime/large_array.hpp>
#include <tinyfiqa/threads/in_use.hpp>
#include <tinyfiqa/threads/thread_team.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// What a session takes as input.
enum class Feed : unsigned char {
  floats,  ///< as the network takes them
  levels,  ///< images, 8 bits a channel: no floats of the whole input are needed
};

struct SessionOptions {
  int threads = 1;
  Feed feed = Feed::floats;
  /// The outputs to compute, by name and in this order, such as {"features"}; empty: all that the network
  /// hands out without being asked.
  std::vector<std::string> outputs;
};

/// For one thread at a time: make one session for each thread that scores; they can share the model. A run while
/// another thread is in the session writes NaN.
class Session {
 public:
  /// Plans `model` for N, H, W. The model must outlive the session and stay unchanged while it runs.
  /// Errors: bad_argument (with the reason), too_large, out_of_memory.
  static Result<Session> create(const Model& model, int n, int h, int w, const SessionOptions& options = {}) {
    auto values = output_values(model.network(), options.outputs);
    if (!values) return values.status().prefixed(model.spec().name, ": ");
    Session s(model);
    s.feed_ = options.feed;
    s.values_ = std::move(*values);
    s.pointers_.resize(s.values_.size());
    s.threads_ = options.threads;
    if (options.threads > 1) s.team_ = std::make_unique<ThreadTeam>(options.threads);
    if (const Status status = s.resize(n, h, w); !status) return status;
    return s;
  }

  /// Plans for another size. Allocates only if that needs more memory than any size before. After an error the
  /// session can't run until it is resized again. Errors: those of create().
  Status resize(int n, int h, int w) {
    PlanRequest request;
    request.ops = model_->network().operations();
    request.outputs = {values_.data(), values_.size()};
    request.input = {n, h, w, 0};
    request.threads = threads_;
    if (feed_ == Feed::levels) request.levels = &model_->input().levels;
    remake_plan(request, model_->backend(), plan_);
    const PlanProblem& problem = plan().problem;
    if (!plan().ok())
      return Status::error(problem.error == PlanError::too_large ? Errc::too_large : Errc::bad_argument,
                           model_->spec().name, " at ", n, "x", h, "x", w,
                           " (N, H, W): ", plan_error_text(problem, request.ops));
    if (plan().arena_bytes > arena_.size()) {
      arena_ = LargeArray<unsigned char>();
      arena_ = LargeArray<unsigned char>::or_empty(plan().arena_bytes);
    }
    if (arena_.data() == nullptr)
      return Status::error(Errc::out_of_memory, model_->spec().name, " at ", n, "x", h, "x", w, " needs ",
                           plan().arena_bytes / 1048576, " MiB");
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

 private:
  explicit Session(const Model& model) : model_(&model) {}

  void run(Feed feed, const void* input, Span<float* const> outputs) {
    const InUse::Guard guard(in_use_);
    if (!guard || outputs.size != pointers_.size()) {  // how large the caller's arrays are is unknown
      for (float* const output : outputs) *output = std::nanf("");
      return;
    }
    if (feed != feed_) {
      for (int i = 0; i < output_count(); ++i)
        std::fill_n(outputs[static_cast<std::size_t>(i)], output_floats(i), std::nanf(""));
      return;
    }
    std::copy(outputs.begin(), outputs.end(), pointers_.begin());
    Frame f;
    f.arena = arena_.data();
    f.packed = model_->packed().data;
    f.input = input;
    f.outputs = pointers_.data();
    if (team_ != nullptr) f.team = team_->team();
    tinyfiqa::run(plan(), f);
  }

  InUse in_use_;
  const Model* model_;
  Feed feed_ = Feed::floats;
  int threads_ = 1;
  std::vector<int> values_;  // of the outputs
  OwnedPlan plan_;
  LargeArray<unsigned char> arena_;
  std::vector<void*> pointers_;       // to the outputs of a run
  std::unique_ptr<ThreadTeam> team_;  // for more than one thread
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
