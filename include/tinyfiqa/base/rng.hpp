// A small seeded random number generator whose sequence is the same on every machine.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cmath>
#include <cstdint>

TINYFIQA_BEGIN

namespace detail {
/// The finaliser of splitmix64 (Steele et al. 2014): turns neighbouring seeds into unrelated ones.
constexpr std::uint64_t mix_seed(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) {
  std::uint64_t z = a;
  const std::uint64_t more[] = {b, c};
  for (const std::uint64_t next : more) {
    z += next * 0xd1342543de82ef95ull + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30u)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27u)) * 0x94d049bb133111ebull;
    z ^= z >> 31u;
  }
  return z;
}
}  // namespace detail

/// PCG-XSH-RR 64/32 (O'Neill 2014), with 16 bytes of state. Equal seeds give equal sequences on
/// every machine.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed, std::uint64_t stream = 0) : increment_((stream << 1u) | 1u) {
    next();
    state_ += seed;
    next();
  }

  /// Uniform over all 32-bit values.
  constexpr std::uint32_t next() {
    const std::uint64_t old = state_;
    state_ = old * 6364136223846793005ull + increment_;
    const auto xorshifted = static_cast<std::uint32_t>(((old >> 18u) ^ old) >> 27u);
    const auto rot = static_cast<std::uint32_t>(old >> 59u);
    return (xorshifted >> rot) | (xorshifted << ((32u - rot) & 31u));
  }
  /// Uniform in [0, 1), a multiple of 2^-24.
  constexpr float uniform() { return static_cast<float>(next() >> 8u) * (1.0f / 16777216.0f); }
  /// Uniform in [low, high).
  constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, bound), without modulo bias. `bound` must not be 0.
  constexpr std::uint32_t below(std::uint32_t bound) {
    const std::uint32_t threshold = (0u - bound) % bound;
    for (;;) {
      const std::uint32_t r = next();
      if (r >= threshold) return r % bound;
    }
  }
  /// Standard normal, from two uniform numbers (Box and Muller 1958).
  float normal() {
    const float u = 1.0f - uniform(), v = uniform();
    return std::sqrt(-2.0f * std::log(u)) * std::cos(6.28318530717958647692f * v);
  }

 private:
  std::uint64_t state_ = 0;
  std::uint64_t increment_;
};

TINYFIQA_END
