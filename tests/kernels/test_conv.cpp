#include "conv_case.hpp"
#include "each_backend.hpp"

using namespace tinyfiqa;
using namespace single_step;

namespace {

void check_everywhere(const ConvCase& c) {
  const std::string name = text(c);
  INFO(name);
  for_each_backend([&](const Backend& backend) {
    CHECK(worst_conv_error(backend, c, GuardedFloats::Guard::behind) == 0);
    CHECK(worst_conv_error(backend, c, GuardedFloats::Guard::before) == 0);
  });
}

}  // namespace

TEST_CASE("a 1x1 convolution equals its formula for every width and depth that the tiles split differently") {
  for (int cout : {1, 2, 5, 8, 11, 16, 22, 24, 33, 48, 58, 72, 96, 113})
    for (int cin : {1, 2, 3, 4, 7, 11, 24, 88}) check_everywhere({{cout, cin, 1, 1, 0, 1}, 1, 5, 7});
}

TEST_CASE("a 1x1 convolution equals its formula for every number of rows") {
  for (int rows = 1; rows <= 30; ++rows) check_everywhere({{40, 13, 1, 1, 0, 1}, 1, rows, 1});
  check_everywhere({{40, 13, 1, 1, 0, 1}, 3, 97, 1});
}

TEST_CASE("a 1x1 convolution applies each activation, slices and residuals") {
  for (Act act : {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu, Act::prelu})
    for (bool residual : {false, true}) check_everywhere({{27, 19, 1, 1, 0, 1}, 2, 4, 5, act, residual, 6});
}

TEST_CASE("a linear layer on one or a few images equals its formula") {
  for (int n : {1, 2, 3, 4, 5, 9})
    for (int cin : {1, 5, 64, 577}) check_everywhere({{37, cin, 1, 1, 0, 1}, n, 1, 1});
}

TEST_CASE("a depthwise convolution equals its formula for windows, strides, channels and borders") {
  for (int window : {1, 3, 5, 7})
    for (int stride : {1, 2})
      for (int c : {1, 3, 8, 11, 16, 29})
        for (int size : {1, 2, 6, 13})
          check_everywhere({{c, c, window, stride, window / 2, c}, 2, size, 15 - size});
}

TEST_CASE("a depthwise convolution equals its formula for every width of map and any padding") {
  for (int width = 1; width <= 34; ++width)
    for (int window : {3, 5})
      for (int stride : {1, 2}) check_everywhere({{19, 19, window, stride, window / 2, 19}, 1, 4, width});
  for (int window : {1, 3, 5})
    for (int padding = 0; padding <= window; ++padding)  // beyond half a window too: columns of padding alone
      for (int stride : {1, 2}) check_everywhere({{19, 19, window, stride, padding, 19}, 1, 6, 17});
}

TEST_CASE("a depthwise convolution without padding, as in MobileFaceNet's last layers") {
  check_everywhere({{20, 20, 7, 1, 0, 20}, 3, 7, 7, Act::none});
}

TEST_CASE("a depthwise convolution applies each activation and reads slices") {
  for (Act act : {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu, Act::prelu})
    check_everywhere({{21, 21, 3, 1, 1, 21}, 1, 6, 9, act, false, 21});
}

TEST_CASE("a dense convolution equals its formula for windows, strides, groups and borders") {
  for (int window : {2, 3, 5})
    for (int stride : {1, 2, 3})
      for (int cin : {1, 3, 8})
        for (int size : {5, 12})
          check_everywhere({{18, cin, window, stride, window / 2, 1}, 2, size, 41 - size});
  check_everywhere({{12, 8, 3, 1, 1, 4}, 1, 6, 6});
  check_everywhere({{12, 6, 3, 1, 1, 6}, 1, 6, 6});
  check_everywhere({{12, 9, 1, 2, 0, 1}, 1, 7, 8});
  check_everywhere({{9, 7, 3, 1, 1, 1}, 1, 6, 30, Act::prelu, true, 3});
}

TEST_CASE("threads change nothing") {
  check_everywhere({{40, 30, 1, 1, 0, 1}, 2, 40, 40, Act::relu, true, 0, 2});
  check_everywhere({{40, 40, 3, 2, 1, 40}, 2, 40, 40, Act::hswish, false, 0, 3});
  check_everywhere({{16, 3, 3, 2, 1, 1}, 2, 60, 60, Act::hswish, false, 0, 2});
}
