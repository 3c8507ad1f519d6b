// Scoring many images on several threads, for every command that does.
#pragma once

#include <tinyfiqa/fiqa/scorer.hpp>

#include "model_options.hpp"
#include "score_table.hpp"

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// --size and --tta.
struct ViewOptions {
  SizeOption size;
  std::string tta;

  void add_to(CLI::App& command);
};

/// Views and input size as the options have them; an ensemble sees flips unless told otherwise.
tinyfiqa::Result<tinyfiqa::ScoreOptions> score_options(const ViewOptions& options, const std::string& model);

/// As many scorers as threads are worth having; one that uses all of them when there is a single image.
/// `threads` below 1: one for each core.
tinyfiqa::Result<std::vector<tinyfiqa::Scorer>> make_scorers(
    const std::vector<std::shared_ptr<const tinyfiqa::Model>>& models, tinyfiqa::ScoreOptions options,
    int threads, std::size_t images);

/// One file's row; a status that is an error already is passed on.
ScoreRow score_file(tinyfiqa::Scorer& scorer, const std::string& path, const tinyfiqa::Crop& crop,
                    const tinyfiqa::Status& status = {});

/// Scores images 0 .. count - 1 on several threads, each with a scorer of its own, and hands the rows out in
/// order.
class ScoreRun {
 public:
  explicit ScoreRun(std::size_t count) : count_(count) {}

  /// `score(scorer, index)` gives a ScoreRow, on any thread; `sink(index, row)` takes it, on this one.
  template <class Score, class Sink>
  void start(std::vector<tinyfiqa::Scorer>& scorers, const Score& score, const Sink& sink) {
    std::vector<std::thread> workers;
    for (auto& scorer : scorers) workers.emplace_back([&] { work(scorer, score); });
    for (std::size_t i = 0; i < count_; ++i) sink(i, take(i));
    for (auto& worker : workers) worker.join();
  }

 private:
  // How far the workers may be ahead of the output: rows wait in memory for a slow one before them.
  static constexpr std::size_t window = 256;

  template <class Score>
  void work(tinyfiqa::Scorer& scorer, const Score& score) {
    for (;;) {
      std::size_t index = 0;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return next_ >= count_ || next_ < taken_ + window; });
        if (next_ >= count_) return;
        index = next_++;
      }
      ScoreRow row = score(scorer, index);
      const std::lock_guard<std::mutex> lock(mutex_);
      done_.emplace(index, std::move(row));
      changed_.notify_all();
    }
  }

  ScoreRow take(std::size_t index);

  std::size_t count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, ScoreRow> done_;
  std::size_t next_ = 0, taken_ = 0;
};
