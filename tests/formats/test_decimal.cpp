// Decimal numbers by C's functions, for standard libraries without std::from_chars and std::to_chars of floats: they
// must read and print what the standard's functions do.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/decimal.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

using namespace tinyfiqa;

namespace {

float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool same(double a, double b) { return a == b ? std::signbit(a) == std::signbit(b) : a != a && b != b; }

}  // namespace

TEST_CASE("numbers are read by the grammar of std::from_chars") {
  struct Case {
    const char* text;
    int read;  // characters; -1: not a number, -2: too large or too small
    double value;
  };
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Case cases[] = {{"1", 1, 1},
                        {"-0", 2, -0.0},
                        {"0.1", 3, 0.1},
                        {".5", 2, 0.5},
                        {"5.", 2, 5},
                        {"1.5.5", 3, 1.5},
                        {"1,5", 1, 1},
                        {"1e3", 3, 1000},
                        {"1E-3x", 4, 0.001},
                        {"1e", 1, 1},
                        {"1e+", 1, 1},
                        {"0x10", 1, 0},
                        {"000012.50", 9, 12.5},
                        {"0e999999999999", 14, 0},
                        {"", -1, 0},
                        {"+1", -1, 0},
                        {" 1", -1, 0},
                        {"-", -1, 0},
                        {".", -1, 0},
                        {"-.e1", -1, 0},
                        {"e1", -1, 0},
                        {"1e400", -2, 0},
                        {"-1e-400", -2, 0},
                        {"1e99999999999999", -2, 0},
                        {"inf", 3, inf},
                        {"-Infinity", 9, -inf},
                        {"infinite", 3, inf},
                        {"NaN", 3, nan},
                        {"nan(a_1)", 8, nan},
                        {"nan(-)", 3, nan},
                        {"in", -1, 0},
                        {"2.2250738585072011e-308", 23, 2.2250738585072011e-308},
                        {"4.9406564584124654e-324", 23, 4.9406564584124654e-324},
                        {"9007199254740993", 16, 9007199254740992.0}};
  const auto check = [](const Case& c, const std::from_chars_result& got, const double& value) {
    CAPTURE(std::string(c.text));
    if (c.read == -1) CHECK(got.ec == std::errc::invalid_argument);
    if (c.read == -2) CHECK(got.ec == std::errc::result_out_of_range);
    if (c.read < 0) {
      CHECK(value == 77);
      return;
    }
    CHECK(got.ec == std::errc());
    CHECK(got.ptr - c.text == c.read);
    CHECK(same(value, c.value));
  };
  for (const Case& c : cases) {
    double by_c = 77, usual = 77;
    check(c, detail::read_decimal_by_c(std::string_view(c.text), by_c), by_c);
    check(c, detail::read_decimal(std::string_view(c.text), usual), usual);
  }
}

TEST_CASE(
    "a float is printed with the fewest digits that read back, fixed or scientific, whichever is shorter") {
  const struct {
    float value;
    const char* text;
  } cases[] = {{0.0f, "0"},
               {-0.0f, "-0"},
               {1.0f, "1"},
               {-1.5f, "-1.5"},
               {0.1f, "0.1"},
               {100000.0f, "1e+05"},
               {1e6f, "1e+06"},
               {123456.0f, "123456"},
               {134217728.0f, "134217728"},
               {0.001f, "0.001"},
               {0.0001f, "1e-04"},
               {0.00012f, "0.00012"},
               {3.4028235e38f, "3.4028235e+38"},
               {1e-45f, "1e-45"},
               {9.8607613e-32f, "9.8607613e-32"},
               {16777216.0f, "16777216"}};
  for (const auto& c : cases) {
    CHECK(detail::decimal_text_by_c(c.value) == c.text);
    CHECK(detail::decimal_text(c.value) == c.text);
  }
}

TEST_CASE("reading and printing by C's functions equals the standard's for floats of all sizes") {
  Rng rng(5);
  int wrong = 0, not_read_back = 0;
  const auto compare = [&](std::uint32_t bits) {
    const float value = float_of(bits);
    if (!std::isfinite(value)) return;
    const std::string text = detail::decimal_text_by_c(value);
    wrong += text != detail::decimal_text(value);
    for (const int digits : {1, 4, 9})
      wrong += detail::decimal_text_by_c(value, digits) != detail::decimal_text(value, digits);
    float back = 0;
    not_read_back +=
        detail::read_decimal_by_c(std::string_view(text), back).ec != std::errc() || !same(back, value);
    double wide = 0, wide_by_c = 0;
    const std::string more = text + "7";  // exponents become larger by tens: some are out of range
    const auto a = detail::read_decimal(std::string_view(more), wide),
               b = detail::read_decimal_by_c(std::string_view(more), wide_by_c);
    wrong += a.ec != b.ec || a.ptr != b.ptr || !same(wide, wide_by_c);
  };
  for (int i = 0; i < 30000; ++i) compare(rng.next());
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent)  // powers of two and their neighbours
    for (const std::uint32_t bits : {exponent << 23u, (exponent << 23u) + 1, (exponent << 23u) - 1})
      compare(bits);
  CHECK(wrong == 0);
  CHECK(not_read_back == 0);
}
