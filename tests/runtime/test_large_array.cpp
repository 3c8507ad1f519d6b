#include <tinyfiqa/runtime/large_array.hpp>

#include <doctest/doctest.h>

#include "support.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

using namespace tinyfiqa;

TEST_CASE("an array is aligned, can be copied, and is empty after it was moved from") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{3} << 20u}) {  // 12 MiB
    LargeArray<float> a(size);
    REQUIRE(a.size() == size);
    CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 64 == 0);
    std::iota(a.data(), a.data() + size, 1.0f);
    const LargeArray<float> copy = a;
    CHECK(copy.data() != a.data());
    CHECK(std::equal(copy.begin(), copy.end(), a.begin(), a.end()));
    const float* const place = a.data();
    LargeArray<float> moved = std::move(a);
    CHECK(moved.data() == place);
    CHECK(a.size() == 0);  // NOLINT: what a moved-from array is, is the question
    CHECK(a.data() == nullptr);
    a = moved;
    CHECK(std::equal(a.begin(), a.end(), copy.begin(), copy.end()));
    moved = LargeArray<float>();
    CHECK(moved.begin() == moved.end());
  }
}

TEST_CASE("an array without enough memory for it is empty") {
  if (sanitized) return;  // the address sanitizer ends the program instead
  for (const std::size_t size : {std::size_t{1} << 60u, std::numeric_limits<std::size_t>::max() / 2,
                                 std::numeric_limits<std::size_t>::max()}) {
    const auto a = LargeArray<double>::or_empty(size);
    CHECK(a.data() == nullptr);
    CHECK(a.size() == 0);
  }
}
