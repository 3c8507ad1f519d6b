#include <tinyfiqa/base/float_bits.hpp>

#include "each_backend.hpp"
#include "single_step.hpp"

#include <algorithm>
#include <cmath>
#include <set>

using namespace tinyfiqa;
using namespace single_step;

namespace {

void check_max_pool(const Backend& backend, int window, int padding, int h, int w, int c) {
  Rng rng(3);
  const auto pooled = [&](int size) { return (size + 2 * padding - window) / 2 + 1; };
  const Extents in{2, h, w, c}, out{2, pooled(h), pooled(w), c};
  const auto x = random(static_cast<std::size_t>(in.floats()), rng);
  Step s;
  s.x = at(Place::input, in);
  s.y = at(Place::output, out);
  s.window = window;
  s.stride = 2;
  s.padding = padding;
  const auto y = run_step(backend.operation(OpKind::max_pool, DType::f32, DType::f32), s, x, {},
                          static_cast<std::size_t>(out.floats()));
  std::vector<float> expected(y.size());
  reference::max_pool(shape(in), x.data(), shape(out), expected.data(), {window, 2, padding, 1});
  CHECK(y == expected);
}

}  // namespace

TEST_CASE("max pooling equals its formula, borders and odd sizes included") {
  for_each_backend([](const Backend& backend) {
    for (int c : {1, 5, 24, 35})
      for (int h : {2, 7, 12})
        for (int w : {2, 9}) {
          check_max_pool(backend, 3, 1, h, w, c);
          check_max_pool(backend, 2, 0, h, w, c);
          check_max_pool(backend, 2, 1, h, w, c);
        }
    check_max_pool(backend, 3, 1, 1, 1, 5);
  });
}

TEST_CASE("the mean over a map is within the bound of its sums") {
  for_each_backend([](const Backend& backend) {
    for (int c : {1, 3, 16, 37})
      for (int h : {1, 5, 75})
        for (int w : {1, 52}) {
          Rng rng(4);
          const Extents in{2, h, w, c}, out{2, 1, 1, c};
          const auto x = random(static_cast<std::size_t>(in.floats()), rng);
          Step s;
          s.x = at(Place::input, in);
          s.y = at(Place::output, out);
          const auto y = run_step(backend.operation(OpKind::mean_hw, DType::f32, DType::f32), s, x, {},
                                  static_cast<std::size_t>(out.floats()));
          std::vector<float> expected(y.size());
          reference::mean_hw(shape(in), x.data(), expected.data());
          const double bound = (16 + 3 + h * w / 64 + 2) * 6e-8;
          for (std::size_t i = 0; i < y.size(); ++i)
            CHECK(std::fabs(static_cast<double>(y[i] - expected[i])) <= bound);
        }
  });
}

TEST_CASE("scale, add, copy, interleave and shuffle equal their formulas") {
  for_each_backend([](const Backend& backend) {
    for (int c : {1, 2, 6, 16, 40}) {
      Rng rng(5);
      const Extents e{2, 3, 5, c}, twice{2, 3, 5, 2 * c};
      const auto floats = static_cast<std::size_t>(e.floats());
      const auto x = random(floats, rng), b = random(floats, rng);
      std::vector<float> gate(b.begin(), b.begin() + 2 * c), expected(floats);
      Step s;
      s.x = at(Place::input, e);
      s.b = at(Place::arena, {2, 1, 1, c});
      s.y = at(Place::output, e);
      reference::scale(shape(e), x.data(), gate.data(), expected.data());
      CHECK(run_step(backend.operation(OpKind::scale, DType::f32, DType::f32), s, x, gate, floats) ==
            expected);

      s.b = at(Place::arena, e);
      for (std::size_t i = 0; i < floats; ++i) expected[i] = x[i] + b[i];
      CHECK(run_step(backend.operation(OpKind::add, DType::f32, DType::f32), s, x, b, floats) == expected);
      CHECK(run_step(backend.copy(DType::f32), s, x, b, floats) == x);

      s.y = at(Place::output, twice);
      std::vector<float> joined(2 * floats), mixed(2 * floats);
      reference::concat_part(shape(e), x.data(), 2 * c, 0, joined.data());
      reference::concat_part(shape(e), b.data(), 2 * c, c, joined.data());
      reference::shuffle(shape(twice), joined.data(), 2, mixed.data());
      CHECK(run_step(backend.interleave(DType::f32), s, x, b, 2 * floats) == mixed);

      s.x = at(Place::input, twice);
      s.groups = 2;
      CHECK(run_step(backend.operation(OpKind::shuffle, DType::f32, DType::f32), s, joined, {}, 2 * floats) ==
            mixed);
    }
  });
}

TEST_CASE("nearest upsampling equals its formula, for narrow and wide maps and into a slice") {
  for_each_backend([](const Backend& backend) {
    for (int c : {1, 3, 16, 37})
      for (int factor : {1, 2, 3})
        for (int w : {1, 5}) {
          Rng rng(6);
          Op op;
          op.factor = factor;
          const Extents in{2, 3, w, c}, out{2, 3 * factor, w * factor, c};
          const auto x = random(static_cast<std::size_t>(in.floats()), rng);
          Step s;
          s.x = at(Place::input, in);
          s.y = at(Place::output, out);
          s.source = &op;
          const auto y = run_step(backend.operation(OpKind::upsample, DType::f32, DType::f32), s, x, {},
                                  static_cast<std::size_t>(out.floats()));
          std::vector<float> expected(y.size());
          reference::upsample_forward(op, shape(in), x.data(), shape(out), expected.data());
          CHECK(y == expected);

          s.y = at(Place::output, out, c + 2);
          const auto sparse = run_step(backend.operation(OpKind::upsample, DType::f32, DType::f32), s, x, {},
                                       static_cast<std::size_t>((out.pixels() - 1) * (c + 2) + c));
          for (std::size_t i = 0; i < sparse.size(); ++i) {
            const std::size_t pixel = i / static_cast<std::size_t>(c + 2),
                              k = i % static_cast<std::size_t>(c + 2);
            if (k < static_cast<std::size_t>(c))
              CHECK(sparse[i] == expected[pixel * static_cast<std::size_t>(c) + k]);
            else
              CHECK(std::isnan(sparse[i]));  // not the kernel's to write
          }
        }
  });
}

TEST_CASE(
    "adding an enlarged map equals its formula, at whole and at odd ratios, in place and into a slice") {
  for_each_backend([](const Backend& backend) {
    for (int c : {1, 16, 37})
      for (const auto& [fine_h, coarse_h] : {std::pair<int, int>{6, 3}, {9, 5}, {5, 5}, {7, 1}}) {
        Rng rng(6);
        const int fine_w = fine_h + 2, coarse_w = coarse_h + 1;
        const Extents fine{2, fine_h, fine_w, c}, coarse{2, coarse_h, coarse_w, c};
        const auto x = random(static_cast<std::size_t>(fine.floats()), rng);
        const auto b = random(static_cast<std::size_t>(coarse.floats()), rng);
        Step s;
        s.x = s.y = at(Place::input, fine);
        s.y.place = Place::output;
        s.b = at(Place::arena, coarse);
        std::vector<float> expected(x.size());
        reference::add_upsampled(shape(fine), x.data(), shape(coarse), b.data(), expected.data());
        CHECK(run_step(backend.operation(OpKind::add_upsampled, DType::f32, DType::f32), s, x, b, x.size()) ==
              expected);
      }
  });
}

TEST_CASE("activations equal their formulas over the whole range, and let NaN through") {
  for_each_backend([](const Backend& backend) {
    std::vector<float> x;
    for (float v = -120.0f; v <= 120.0f; v += 0.37f) x.push_back(v);
    for (float v : {0.0f, -0.0f, 3.0f, -3.0f, 1e30f, -1e30f}) x.push_back(v);
    for (Act act : {Act::none, Act::relu, Act::hswish, Act::hsigmoid, Act::sigmoid, Act::silu}) {
      const std::string name = act_name(act);
      INFO(name);
      Step s;
      s.x = at(Place::input, {1, 1, static_cast<int>(x.size()), 1});
      s.y = at(Place::output, s.x.extents);
      s.act = act;
      const auto y =
          run_step(backend.operation(OpKind::activation, DType::f32, DType::f32), s, x, {}, x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double want = reference::act(act, static_cast<double>(x[i]));
        CHECK(std::fabs(static_cast<double>(y[i]) - want) <= 5e-7 * std::fmax(1.0, std::fabs(want)));
      }
      Step one = s;
      one.x.extents.w = one.y.extents.w = 1;
      CHECK(std::isnan(run_step(backend.operation(OpKind::activation, DType::f32, DType::f32), one,
                                {std::nanf("")}, {}, 1)[0]));
    }
  });
}

TEST_CASE("halves become floats exactly, at any place, and what is not finite is found") {
  for_each_backend([](const Backend& backend) {
    std::vector<unsigned char> halves(2 *
                                      0x8000);  // all negative numbers, 0x8000 to 0xffff; then all positive
    int wrong = 0;
    for (const unsigned first : {0x8000u, 0u}) {
      for (unsigned i = 0; i < 0x8000u; ++i) {
        halves[2 * i] = static_cast<unsigned char>(i & 0xffu);
        halves[2 * i + 1] = static_cast<unsigned char>((first + i) >> 8u);
      }
      constexpr int finite = 0x7c00;
      for (const int begin : {0, 1, 5}) {
        GuardedFloats out(finite);
        wrong += !backend.weights.halves_to_floats(halves.data() + 2 * begin, finite - begin, out.data());
        for (int i = begin; i < finite; ++i)
          wrong += out.data()[i - begin] !=
                   detail::half_to_float(static_cast<std::uint16_t>(first + static_cast<unsigned>(i)));
      }
      for (const int bad : {finite, finite + 1, 0x7fff}) {
        for (int place = 0; place < 20; ++place) {
          GuardedFloats out(20);
          std::vector<unsigned char> some(40);
          std::copy_n(halves.begin() + 2 * bad, 2, some.begin() + 2 * place);
          wrong += backend.weights.halves_to_floats(some.data(), 20, out.data());
        }
      }
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("weights are scaled with one rounding, and subnormal ones become zeros") {
  for_each_backend([](const Backend& backend) {
    Rng rng(5);
    const auto before = random(37, rng);
    auto after = before;
    backend.weights.scale(after.data(), 37, 1.0 / 3.0);
    for (std::size_t i = 0; i < 37; ++i)
      CHECK(after[i] == static_cast<float>(static_cast<double>(before[i]) * (1.0 / 3.0)));
    float small[] = {1.0f, -1.0f, 2.0f, 0.0f};
    backend.weights.scale(small, 4, 1e-38);  // the smallest normal float is 1.18e-38
    CHECK(small[0] == 0.0f);
    CHECK(small[1] == 0.0f);
    CHECK(small[2] == 2e-38f);
    CHECK(small[3] == 0.0f);
  });
}

TEST_CASE("dot products with many rows have the bits of 16 partial sums, whatever the tiles") {
  for_each_backend([](const Backend& backend) {
    Rng rng(8);
    for (const int n : {1, 3, 15, 16, 17, 31, 64, 130})
      for (const int count : {0, 1, 2, 3, 4, 5, 8, 9, 19}) {
        INFO(n << " " << count);
        const auto size = static_cast<std::size_t>(n), rows = static_cast<std::size_t>(count);
        GuardedFloats x(size), y(rows * size), out(rows);
        for (GuardedFloats* values : {&x, &y})
          for (float& value : *values) value = rng.uniform(-1, 1);
        backend.embeddings.dot_products(x.data(), y.data(), count, n, out.data());
        for (std::size_t r = 0; r < rows; ++r) {
          const float* const row = y.data() + r * size;
          float parts[16] = {}, expected = 0;
          double magnitude = 0;
          for (std::size_t i = 0; i < size; ++i) {
            volatile float product = x[i] * row[i];  // no compiler fuses it
            (i < size / 16 * 16 ? parts[i % 16] : expected) += product;
            magnitude += std::fabs(double{product});
          }
          for (const float part : parts) expected += part;
#ifdef TINYFIQA_X86
          CHECK(out[r] == expected);
#endif
          CHECK(std::fabs(double{out[r]} - double{expected}) <= magnitude * (n + 16) * 0x1p-24);
        }
      }
  });
}

TEST_CASE("kernels have names of their own that tell operation, tile and instruction set") {
  for_each_backend_of_levels([](const Backend& backend) {
    std::set<std::string> names;
    for (const Kernel* kernel : backend.all) {
      const std::string name = kernel->name;
      CHECK(names.insert(name).second);
      CHECK((name.find("_f32/") != std::string::npos || name.find("_i8/") != std::string::npos));
      CHECK(name.substr(name.rfind('/') + 1) == backend.isa);
    }
    CHECK(names.size() >= 8);
  });
}
