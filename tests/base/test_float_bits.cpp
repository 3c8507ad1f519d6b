#include <tinyfiqa/base/float_bits.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tinyfiqa;

/// The value of a binary16 by its definition.
static double half_value(unsigned bits) {
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10u) & 31u);
  const double fraction = bits & 0x3ffu;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024.0 + fraction, exponent - 25);
}

TEST_CASE("every half becomes the float of its definition and comes back") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float value = detail::half_to_float(static_cast<std::uint16_t>(bits));
    if ((bits & 0x7c00u) == 0x7c00u) {
      wrong += (bits & 0x3ffu) != 0 ? !std::isnan(value) : !std::isinf(value);
      continue;
    }
    wrong += static_cast<double>(value) != half_value(bits);
    wrong += detail::float_to_half(value) != bits;
  }
  CHECK(wrong == 0);
  CHECK(detail::float_to_half(std::numeric_limits<float>::infinity()) == 0x7c00u);
  CHECK(std::isnan(detail::half_to_float(detail::float_to_half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("floats between two halves round to the nearer one, and a tie to the even one") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 0x7bffu; ++bits) {
    const auto low = static_cast<float>(half_value(bits)), high = static_cast<float>(half_value(bits + 1));
    const float middle = low + (high - low) / 2;  // exact in float
    wrong += detail::float_to_half(middle) != (bits % 2 == 0 ? bits : bits + 1);
    wrong += detail::float_to_half(std::nextafter(middle, 0.0f)) != bits;
    wrong += detail::float_to_half(std::nextafter(middle, 1e30f)) != bits + 1;
    wrong += detail::float_to_half(-std::nextafter(middle, 1e30f)) != ((bits + 1) | 0x8000u);
  }
  CHECK(wrong == 0);
  CHECK(detail::float_to_half(65519.996f) == 0x7bffu);
  CHECK(detail::float_to_half(65520.0f) == 0x7c00u);
  CHECK(detail::float_to_half(1e-30f) == 0u);
  CHECK(detail::float_to_half(-0.0f) == 0x8000u);
}

TEST_CASE("bfloat16 is the upper half of a float") {
  CHECK(detail::bfloat16_to_float(0x3f80u) == 1.0f);
  CHECK(detail::bfloat16_to_float(0xc049u) == -3.140625f);
}
