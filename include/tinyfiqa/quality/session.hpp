// A model at one input size, with the memory to run it: one session for each thread that scores.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/runtime/large_array.hpp>
#include <tinyfiqa/threads/thread_team.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

TINYFIQA_BEGIN

/// What a session computes.
enum class Want : unsigned char {
  output,    ///< scores [N, 1] or classes [N, 1000]
  features,  ///< pooled backbone features [N, C]
};

/// What a session is fed.
enum class Feed : unsigned char {
  floats,  ///< as the network takes them
  levels,  ///< pictures, 8 bits a channel: no floats of the whole input are needed
};

class Session {
 public:
  /// Plans `model` for N, H, W and at most `threads` threads. The model must outlive the session.
  /// Errors: bad_argument (with the reason), too_large, out_of_memory.
  static Result<Session> create(const Model& model, int n, int h, int w, int threads = 1,
                                Want want = Want::output, Feed feed = Feed::floats) {
    const Outputs& outputs = model.network().outputs;
    const int value = want == Want::output ? outputs.output : outputs.features;
    Session s(model);
    s.feed_ = feed;
    s.plan_ = make_owned_plan(model.network(), value, {n, h, w, 0}, model.backend(), threads,
                              feed == Feed::levels ? &model.input().levels : nullptr);
    const PlanError error = s.plan().error;
    if (error != PlanError::none)
      return Status::error(error == PlanError::too_large ? Errc::too_large : Errc::bad_argument,
                           model.spec().name, " at ", n, "x", h, "x", w,
                           " (N, H, W): ", plan_error_text(error));
    if (threads > 1) s.team_ = std::make_unique<ThreadTeam>(threads);
    s.arena_ = LargeArray<float>::if_there_is_room(s.plan().arena_floats);
    if (s.arena_.data() == nullptr)
      return Status::error(Errc::out_of_memory, model.spec().name, " at ", n, "x", h, "x", w, " needs ",
                           s.plan().arena_bytes() / 1048576, " MiB");
    return s;
  }

  const Plan& plan() const { return plan_.plan; }
  const Model& model() const { return *model_; }
  std::size_t input_floats() const { return static_cast<std::size_t>(plan().input.floats()); }
  std::size_t output_floats() const { return static_cast<std::size_t>(plan().output.floats()); }

  /// input [N, H, W, 3] -> output [N, C]. Allocates nothing.
  void run(const float* input, float* output) { run(Feed::floats, input, nullptr, output); }
  /// The same from RGB levels 0..255 [N, H, W, 3], to the bit. A session that is fed with what it was not
  /// created for gives NaN.
  void run(const unsigned char* levels, float* output) { run(Feed::levels, nullptr, levels, output); }

 private:
  explicit Session(const Model& model) : model_(&model) {}

  void run(Feed feed, const float* input, const unsigned char* levels, float* output) {
    if (feed != feed_) return void(std::fill_n(output, output_floats(), std::nanf("")));
    Frame f;
    f.arena = arena_.data();
    f.packed = model_->packed().data;
    f.input = input;
    f.levels = levels;
    f.output = output;
    if (team_ != nullptr) f.team = team_->team();
    tinyfiqa::run(plan(), f);
  }

  const Model* model_;
  Feed feed_ = Feed::floats;
  OwnedPlan plan_;
  LargeArray<float> arena_;
  std::unique_ptr<ThreadTeam> team_;  // for more than one thread
};

TINYFIQA_END
