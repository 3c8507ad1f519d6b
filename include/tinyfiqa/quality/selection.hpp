// The best few of many, one after the other (P2, section 4: the best image of a video or template).
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Keeps the k items with the highest scores, best first; of equal scores the one that came first is better.
/// Memory does not depend on how many are offered.
template <class Item>
class BestFew {
 public:
  struct Entry {
    double score = 0;
    Item item;
  };

  explicit BestFew(std::size_t k) : k_(k) {}

  /// The place, from 1, that a score would take now; 0 for none.
  std::size_t place(double score) const {
    std::size_t at = entries_.size();
    while (at > 0 && score > entries_[at - 1].score) --at;
    return at < k_ ? at + 1 : 0;
  }

  /// Takes the item in if it is among the best so far. Returns its place, from 1; 0 for none.
  std::size_t offer(double score, Item item) {
    const std::size_t at = place(score);
    if (at == 0) return 0;
    if (entries_.size() == k_) entries_.pop_back();
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(at - 1), Entry{score, std::move(item)});
    return at;
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::size_t k_;
  std::vector<Entry> entries_;
};

TINYFIQA_END
