// Selects the best few of a stream of items, such as the best images of a video or a template (Peng et al.,
// section 4).
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Keeps the k items with the highest scores, best first. Among equal scores the earlier item is better.
/// Memory does not grow with the number of items offered.
template <class Item>
class BestFew {
 public:
  struct Entry {
    double score = 0;
    Item item;
  };

  explicit BestFew(std::size_t k) : k_(k) {}

  /// The rank, from 1, that an item of this score would get now; 0 if it would not be kept.
  std::size_t place(double score) const {
    std::size_t at = entries_.size();
    while (at > 0 && score > entries_[at - 1].score) --at;
    return at < k_ ? at + 1 : 0;
  }

  /// Keeps the item if it is among the best k so far. Returns its rank, from 1; 0 if it was not kept.
  std::size_t offer(double score, Item item) {
    const std::size_t at = place(score);
    if (at == 0) return 0;
    if (entries_.size() == k_) entries_.pop_back();
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(at - 1), Entry{score, std::move(item)});
    return at;
  }

  /// Best first, at most k.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::size_t k_;
  std::vector<Entry> entries_;
};

TINYFIQA_END
