// Shuffling by a seed, with the same result on every machine.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

TINYFIQA_BEGIN

namespace detail {

/// Streams of Rng: one seed gives independent sequences for several purposes.
namespace shuffle_streams {
constexpr std::uint64_t split = 17, order = 18, augment = 19, bootstrap = 20;
}

/// Fisher and Yates. At most 2^32 - 1 elements.
template <class Items>
void shuffle(Items& items, Rng rng) {
  for (std::size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[rng.below(static_cast<std::uint32_t>(i))]);
}

}  // namespace detail

TINYFIQA_END
