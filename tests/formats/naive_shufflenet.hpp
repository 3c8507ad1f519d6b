// torchvision's ShuffleNetV2 as plain loops over the tensors of a weight file. It is slow: use small widths.
#pragma once

#include <tinyfiqa/formats/tensor_file.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

/// A map [C, H, W] of one image.
struct Planes {
  std::size_t c, h, w;
  std::vector<double> v;
  double& at(std::size_t ci, std::size_t y, std::size_t x) { return v[(ci * h + y) * w + x]; }
  double padded(std::size_t ci, std::ptrdiff_t y, std::ptrdiff_t x, double outside) const {
    const bool inside =
        y >= 0 && x >= 0 && y < static_cast<std::ptrdiff_t>(h) && x < static_cast<std::ptrdiff_t>(w);
    return inside ? v[(ci * h + static_cast<std::size_t>(y)) * w + static_cast<std::size_t>(x)] : outside;
  }
};

class NaiveShuffleNet {
 public:
  explicit NaiveShuffleNet(const tinyfiqa::TensorFile& file) : file_(file) {}

  /// The output of stage 4; conv5() computes the next layer.
  Planes stage4(const Planes& image) const {
    Planes x = max_pool(relu(conv(image, "conv1.0", "conv1.1", 2)));
    const std::size_t units[] = {4, 8, 4};
    for (std::size_t s = 0; s < 3; ++s) {
      for (std::size_t u = 0; u < units[s]; ++u) {
        const std::string name = "stage" + std::to_string(s + 2) + "." + std::to_string(u) + ".";
        const auto [first, second] = split(x);
        const Planes passed = u == 0 ? branch1(x, name + "branch1.") : first;
        x = interleave(passed, branch2(u == 0 ? x : second, name + "branch2.", u == 0 ? 2 : 1));
      }
    }
    return x;
  }
  Planes conv5(const Planes& x) const { return relu(conv(x, "conv5.0", "conv5.1", 1)); }

 private:
  std::vector<float> values(const std::string& name, std::vector<std::int64_t>* shape = nullptr) const {
    INFO(name);
    const auto* const entry = file_.find(name);
    REQUIRE(entry != nullptr);
    if (shape != nullptr) *shape = entry->shape;
    return *tinyfiqa::read_floats(*entry);
  }

  /// Convolution and batch norm. The convolution is depthwise if the weight has one input channel and as many
  /// output channels as `x`.
  Planes conv(const Planes& x, const std::string& name, const std::string& norm, std::size_t stride) const {
    std::vector<std::int64_t> shape;
    const auto weight = values(name + ".weight", &shape);
    const auto gamma = values(norm + ".weight"), beta = values(norm + ".bias");
    const auto mean = values(norm + ".running_mean"), var = values(norm + ".running_var");
    const auto cout = static_cast<std::size_t>(shape[0]), cin = static_cast<std::size_t>(shape[1]);
    const auto k = static_cast<std::size_t>(shape[2]);
    const bool depthwise = cin == 1 && x.c == cout;
    REQUIRE((depthwise || cin == x.c));
    Planes y{cout, (x.h - 1) / stride + 1, (x.w - 1) / stride + 1, {}};
    for (std::size_t o = 0; o < cout; ++o) {
      for (std::size_t p = 0; p < y.h * y.w; ++p) {
        double sum = 0;
        for (std::size_t t = 0; t < cin * k * k; ++t) {
          const auto dy =
              static_cast<std::ptrdiff_t>(p / y.w * stride + t / k % k) - static_cast<std::ptrdiff_t>(k / 2);
          const auto dx =
              static_cast<std::ptrdiff_t>(p % y.w * stride + t % k) - static_cast<std::ptrdiff_t>(k / 2);
          sum += static_cast<double>(weight[o * cin * k * k + t]) *
                 x.padded(depthwise ? o : t / (k * k), dy, dx, 0);
        }
        const double scale = static_cast<double>(gamma[o]) / std::sqrt(static_cast<double>(var[o]) + 1e-5);
        y.v.push_back((sum - static_cast<double>(mean[o])) * scale + static_cast<double>(beta[o]));
      }
    }
    return y;
  }
  static Planes relu(Planes x) {
    for (double& value : x.v) value = std::max(value, 0.0);
    return x;
  }
  static Planes max_pool(const Planes& x) {
    Planes y{x.c, (x.h - 1) / 2 + 1, (x.w - 1) / 2 + 1, {}};
    for (std::size_t p = 0; p < y.c * y.h * y.w; ++p) {
      double best = -1e300;
      for (std::ptrdiff_t t = 0; t < 9; ++t) {
        const auto row = static_cast<std::ptrdiff_t>(p / y.w % y.h * 2) + t / 3 - 1;
        const auto column = static_cast<std::ptrdiff_t>(p % y.w * 2) + t % 3 - 1;
        best = std::max(best, x.padded(p / (y.h * y.w), row, column, -1e300));
      }
      y.v.push_back(best);
    }
    return y;
  }
  Planes branch1(const Planes& x, const std::string& name) const {
    return relu(conv(conv(x, name + "0", name + "1", 2), name + "2", name + "3", 1));
  }
  Planes branch2(const Planes& x, const std::string& name, std::size_t stride) const {
    const Planes y = conv(relu(conv(x, name + "0", name + "1", 1)), name + "3", name + "4", stride);
    return relu(conv(y, name + "5", name + "6", 1));
  }
  static std::pair<Planes, Planes> split(const Planes& x) {
    const auto middle = x.v.begin() + static_cast<std::ptrdiff_t>(x.c / 2 * x.h * x.w);
    return {Planes{x.c / 2, x.h, x.w, {x.v.begin(), middle}},
            Planes{x.c - x.c / 2, x.h, x.w, {middle, x.v.end()}}};
  }
  static Planes interleave(const Planes& a, const Planes& b) {
    Planes y{a.c + b.c, a.h, a.w, {}};
    const std::size_t plane = a.h * a.w;
    for (std::size_t i = 0; i < y.c; ++i) {
      const Planes& from = i % 2 == 0 ? a : b;
      for (std::size_t p = 0; p < plane; ++p) y.v.push_back(from.v[i / 2 * plane + p]);
    }
    return y;
  }

  const tinyfiqa::TensorFile& file_;
};
