#include <tinyfiqa/baselines/descriptors.hpp>
#include <tinyfiqa/baselines/rank_svm.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

using namespace tinyfiqa;

namespace {

constexpr std::size_t side = descriptor_side;

std::vector<float> image(const std::function<double(double x, double y)>& grey) {
  std::vector<float> p;
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      p.push_back(static_cast<float>(grey(static_cast<double>(x), static_cast<double>(y))));
  return p;
}

std::vector<float> noise(std::uint64_t seed) {
  Rng rng(seed);
  return image([&](double, double) { return std::floor(double{rng.uniform()} * 256); });
}

/// A plane wave with `cycles_x` and `cycles_y` cycles per image.
std::vector<float> wave(double cycles_x, double cycles_y) {
  return image([=](double x, double y) {
    return 128 + 100 * std::cos(2 * 3.14159265358979 * (cycles_x * x + cycles_y * y) / double{side});
  });
}

double sum(const std::vector<float>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

std::size_t strongest(const std::vector<float>& v) {
  return static_cast<std::size_t>(std::max_element(v.begin(), v.end()) - v.begin());
}

/// The mean of each filter's features over its cells.
std::vector<float> by_filter(const std::vector<float>& features, std::size_t cells) {
  std::vector<float> means(features.size() / cells);
  for (std::size_t i = 0; i < features.size(); ++i)
    means[i / cells] += features[i] / static_cast<float>(cells);
  return means;
}

void check_near(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(double{a[i]} - double{b[i]}));
  CHECK(worst <= tolerance);
}

}  // namespace

TEST_CASE("the Fourier transform is its formula, and its inverse undoes it") {
  constexpr std::size_t n = 8;
  Rng rng(1);
  std::vector<Complex> x(n * n);
  for (Complex& v : x) v = {rng.normal(), rng.normal()};
  std::vector<Complex> fast = x;
  SquareFourier fourier(n);
  fourier.forward(fast);
  for (std::size_t v = 0; v < n; ++v)
    for (std::size_t u = 0; u < n; ++u) {
      std::complex<double> expected = 0;
      for (std::size_t i = 0; i < n * n; ++i)
        expected += std::complex<double>(x[i]) *
                    std::polar(1.0, -2 * 3.14159265358979 * static_cast<double>(u * (i % n) + v * (i / n)) /
                                        double{n});
      CHECK(std::abs(std::complex<double>(fast[v * n + u]) - expected) < 1e-5);
    }
  fourier.inverse(fast);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(fast[i] - x[i]) < 1e-6f);
}

TEST_CASE("HoG: an edge's direction is in the bin of its gradient, and turns with it") {
  const auto across = hog_features(image([](double x, double) { return 2 * x; }));
  const auto down = hog_features(image([](double, double y) { return 2 * y; }));
  const auto slanted = hog_features(image([](double x, double y) { return 2 * (x + y); }));
  REQUIRE(across.size() == 1764);
  for (std::size_t block = 1; block < 48; block += 7) {  // the second block of each row
    const auto bin = [&](const std::vector<float>& f, std::size_t b) { return f[block * 36 + b]; };
    CHECK(bin(across, 0) > 0.19f);
    CHECK(bin(across, 4) + bin(across, 5) < 1e-6f);
    // 90 degrees is between the bins of 80 and 100, 45 degrees between those of 40 and 60.
    CHECK(bin(down, 4) == doctest::Approx(bin(down, 5)));
    CHECK(bin(down, 4) > 0.19f);
    CHECK(bin(slanted, 2) > bin(slanted, 3));
    CHECK(bin(slanted, 3) > 0.05f);
    CHECK(bin(slanted, 0) + bin(slanted, 5) < 1e-6f);
  }
}

TEST_CASE("HoG ignores brightness, and contrast unless it is near 0; a flat image has no features") {
  const auto x = noise(2);
  auto brighter = x, stronger = x;
  for (float& v : brighter) v += 50;
  for (float& v : stronger) v *= 3;
  check_near(hog_features(x), hog_features(brighter), 1e-5);
  check_near(hog_features(x), hog_features(stronger), 1e-4);
  CHECK(sum(hog_features(image([](double, double) { return 77; }))) == 0);
}

TEST_CASE("LBP: shares of each square sum to 1; a flat image has one pattern") {
  const auto flat = lbp_features(image([](double, double) { return 77; }));
  REQUIRE(flat.size() == 944);
  for (std::size_t region = 0; region < 16; ++region)
    CHECK(flat[region * 59 + 57] == 1.0f);  // all eight neighbours are as bright
  CHECK(sum(lbp_features(noise(3))) == doctest::Approx(16));
}

TEST_CASE("LBP is what a naive count says, and does not change under any rising function of grey") {
  const auto x = noise(4);
  auto curved = x;
  for (float& v : curved) v = v * v + 3 * v;
  CHECK(lbp_features(x) == lbp_features(curved));
  // The share of pixels of the first square whose pattern is not uniform.
  int others = 0, count = 0;
  for (int py = 1; py < 16; ++py)
    for (int px = 1; px < 16; ++px, ++count) {
      std::vector<bool> ring;
      for (const auto& [dy, dx] :
           {std::pair{-1, -1}, {-1, 0}, {-1, 1}, {0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}})
        ring.push_back(x[static_cast<std::size_t>((py + dy) * 64 + px + dx)] >=
                       x[static_cast<std::size_t>(py * 64 + px)]);
      int changes = 0;
      for (std::size_t i = 0; i < 8; ++i) changes += ring[i] != ring[(i + 1) % 8] ? 1 : 0;
      others += changes > 2 ? 1 : 0;
    }
  CHECK(lbp_features(x)[58] == doctest::Approx(double(others) / count));
}

TEST_CASE("Gabor: a wave answers in the filter of its frequency and direction; brightness in none") {
  SpectralDescriptors spectral;
  REQUIRE(spectral.gabor(noise(5)).size() == 2560);
  // |k| = pi / 2 / sqrt(2)^scale is 16 / sqrt(2)^scale cycles in 64 pixels.
  CHECK(strongest(by_filter(spectral.gabor(wave(16, 0)), 64)) == 0);
  CHECK(strongest(by_filter(spectral.gabor(wave(0, 8)), 64)) == 2 * 8 + 4);
  CHECK(strongest(by_filter(spectral.gabor(wave(4 / std::sqrt(2.0) * 2, 0)), 64)) / 8 == 3);
  const auto flat = spectral.gabor(image([](double, double) { return 200; }));
  CHECK(*std::max_element(flat.begin(), flat.end()) < 1e-3f);
  auto x = noise(6), twice = x;
  for (float& v : twice) v *= 2;
  auto expected = spectral.gabor(x);
  for (float& v : expected) v *= 2;
  check_near(spectral.gabor(twice), expected, 1e-3);
}

TEST_CASE("Gabor responses are those of the filter's own formula, summed over the image") {
  // Compares scale 2, direction 0 at one pixel with the sum in the spatial domain over a periodic image.
  const auto x = noise(7);
  FilterBank bank(side);
  const double k = 3.14159265358979 / 4, s = 2 * 3.14159265358979;
  bank.add([&](Frequency f) {
    const double w = s * s / (2 * k * k), dx = double{f.x} - k, fy = double{f.y}, fx = double{f.x};
    return static_cast<float>(std::exp(-w * (dx * dx + fy * fy)) -
                              std::exp(-w * (fx * fx + fy * fy + k * k)));
  });
  const auto response = bank.respond(bank.spectrum(x), 0);
  std::complex<double> expected = 0;
  const int cy = 20, cx = 31;
  for (int y = -64; y < 128; ++y)
    for (int px = -64; px < 128; ++px) {
      const double dx = cx - px, dy = cy - y,
                   g = k * k / (s * s) * std::exp(-k * k * (dx * dx + dy * dy) / (2 * s * s));
      const std::complex<double> kernel =
          g * (std::polar(1.0, k * dx) - std::exp(-s * s / 2)) / (2 * 3.14159265358979);
      expected += kernel * double{x[static_cast<std::size_t>((y + 64) % 64 * 64 + (px + 64) % 64)]};
    }
  CHECK(std::abs(std::complex<double>(response[cy * 64 + cx]) - expected) < 1e-2 * std::abs(expected));
}

TEST_CASE(
    "Gist: contrast is evened out, directions and scales are told apart, shifts of the image move cells") {
  SpectralDescriptors spectral;
  const auto g = spectral.gist(noise(8));
  REQUIRE(g.size() == 512);
  const auto flat = spectral.gist(image([](double, double) { return 90; }));
  CHECK(*std::max_element(flat.begin(), flat.end()) < 1e-3f);
  // 0.3 cycles per pixel are 19.2 cycles per image; divided by 1.85^2 these are 5.6.
  CHECK(strongest(by_filter(spectral.gist(wave(19, 0)), 16)) == 0);
  CHECK(strongest(by_filter(spectral.gist(wave(0, 6)), 16)) == 2 * 8 + 4);
  const auto x = noise(9);
  std::vector<float> shifted(x.size());
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t i = 0; i < side; ++i) shifted[y * side + (i + 16) % side] = x[y * side + i];
  const auto before = spectral.gist(x), after = spectral.gist(shifted);
  for (std::size_t f = 0; f < 32; ++f)
    for (std::size_t cell = 0; cell < 16; ++cell)
      CHECK(after[f * 16 + cell / 4 * 4 + (cell + 1) % 4] ==
            doctest::Approx(before[f * 16 + cell]).epsilon(1e-3));
}

TEST_CASE("rank SVM: order along a direction is found, and the solution is where the gradient is zero") {
  constexpr std::size_t rows = 60, columns = 5;
  Rng rng(10);
  std::vector<float> x;
  std::vector<double> labels;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) x.push_back(rng.normal());
    const float* row = x.data() + i * columns;
    labels.push_back(double{row[0]} - 2 * double{row[3]} + 0.3 * double{rng.normal()});
  }
  const auto pairs = draw_rank_pairs(labels, 500, 0.5, Rng(11));
  CHECK(pairs.size() == 500);
  for (const RankPair& p : pairs) CHECK(labels[p.better] - labels[p.worse] >= 0.5);
  RankOptions options;
  options.cost = 50;
  options.rounds = 400;
  const auto w = train_rank_svm(x, columns, pairs, options);
  CHECK(w[0] > 0);
  CHECK(w[3] / w[0] == doctest::Approx(-2).epsilon(0.2));
  std::vector<double> gradient = w;
  for (const RankPair& p : pairs) {
    double margin = 0;
    const auto d = [&](std::size_t k) {
      return double{x[p.better * columns + k]} - double{x[p.worse * columns + k]};
    };
    for (std::size_t k = 0; k < columns; ++k) margin += w[k] * d(k);
    for (std::size_t k = 0; k < columns; ++k)
      gradient[k] -= 2 * options.cost / double(pairs.size()) * std::max(0.0, 1 - margin) * d(k);
  }
  for (const double g : gradient) CHECK(std::fabs(g) < 1e-3);
}

TEST_CASE("no pairs are drawn of labels that differ by less than the gap") {
  CHECK(draw_rank_pairs({1, 1.05, 0.98}, 10, 0.5, Rng(1)).empty());
  CHECK(draw_rank_pairs({1, 1, 1}, 10, 0, Rng(1)).empty());
  CHECK(draw_rank_pairs({}, 10, 0, Rng(1)).empty());
}
