// Adds up the gradients of several ranks while backward still computes the rest of them.
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/operations.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Sums a gradient over all ranks in pieces of about `piece_floats`, from its end to its beginning. Backward goes through the
/// operations in that order, so the last pieces are complete long before the first ones. A thread sums each piece as soon
/// as it is complete. Without a second communicator, or for a single piece, finish() sums all of it.
class GradientSum {
 public:
  static constexpr std::size_t default_piece_floats = std::size_t{1} << 18u;

  /// `size`: floats of the gradient. `ranks` and `background` must outlive this object. `background` is used by a thread, at
  /// the same time as the caller may use `ranks`; null: no thread.
  GradientSum(Span<const Op> ops, std::size_t size, Communicator& ranks, Communicator* background,
              std::size_t piece_floats = default_piece_floats)
      : ranks_(&ranks), background_(background) {
    make_pieces(ops, size, std::max<std::size_t>(1, piece_floats));
    if (background_ != nullptr && pieces_.size() > 1) worker_ = try_thread([this] { work(); });
  }
  ~GradientSum() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (worker_.joinable()) worker_.join();
  }
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  /// Begins with a gradient, of which nothing is complete. It must stay where it is until finish().
  void start(Span<float> gradient) {
    const std::lock_guard<std::mutex> lock(mutex_);
    gradient_ = gradient;
    ready_ = summed_ = 0;
  }
  /// Says that operation `op` and those after it have added all their gradients.
  void done(int op) {
    if (!worker_.joinable()) return;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const std::size_t before = ready_;
      while (ready_ < pieces_.size() && op <= pieces_[ready_].lowest_op) ++ready_;
      if (ready_ == before) return;
    }
    changed_.notify_all();
  }
  /// Returns when the whole gradient is summed.
  void finish() {
    if (!worker_.joinable()) return ranks_->sum(gradient_);
    done(-1);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return summed_ == pieces_.size(); });
  }

 private:
  /// Floats first .. last - 1, which the operations from lowest_op on have gradients of.
  struct Piece {
    std::size_t first, last;
    int lowest_op;
  };

  void make_pieces(Span<const Op> ops, std::size_t size, std::size_t piece_floats) {
    std::map<std::size_t, int> lowest;  // the first operation that uses the parameter that begins there
    for (std::size_t id = ops.size; id-- > 0;)
      for (const int offset :
           {ops[id].weight, ops[id].bias, ops[id].slope, ops[id].norm_weight, ops[id].norm_bias})
        if (offset >= 0 && static_cast<std::size_t>(offset) < size)
          lowest[static_cast<std::size_t>(offset)] = static_cast<int>(id);
    lowest.emplace(0, 0);
    std::size_t end = size;
    int op = static_cast<int>(ops.size);
    for (auto at = lowest.rbegin(); at != lowest.rend(); ++at) {
      op = std::min(op, at->second);
      if (end - at->first < piece_floats && at->first > 0) continue;
      pieces_.push_back({at->first, end, op});
      end = at->first;
    }
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || summed_ < ready_; });
      if (stopping_) return;
      const Piece piece = pieces_[summed_];
      const Span<float> values(gradient_.data + piece.first, piece.last - piece.first);
      lock.unlock();
      background_->sum(values);
      lock.lock();
      ++summed_;
      if (summed_ == pieces_.size()) changed_.notify_all();
    }
  }

  Communicator *ranks_, *background_;
  std::vector<Piece> pieces_;
  std::mutex mutex_;  // protects all members below
  std::condition_variable changed_;
  Span<float> gradient_;
  std::size_t ready_ = 0, summed_ = 0;  // numbers of pieces
  bool stopping_ = false;
  std::thread worker_;
};

TINYFIQA_END
