// Seeded orders that are the same on every machine.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// Streams of Rng, so that one seed serves several purposes independently.
namespace shuffle_streams {
constexpr std::uint64_t split = 17, order = 18, augment = 19, bootstrap = 20;
}

/// splitmix64's finaliser (Steele et al. 2014): neighbouring seeds become unrelated ones.
constexpr std::uint64_t mix_seed(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) {
  std::uint64_t z = a;
  for (const std::uint64_t next : {b, c}) {
    z += next * 0xd1342543de82ef95ull + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30u)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27u)) * 0x94d049bb133111ebull;
    z ^= z >> 31u;
  }
  return z;
}

/// Fisher and Yates; the same order on every machine. At most 2^32 - 1 elements.
template <class T>
void shuffle(std::vector<T>& items, Rng rng) {
  for (std::size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[rng.below(static_cast<std::uint32_t>(i))]);
}

}  // namespace detail

TINYFIQA_END
