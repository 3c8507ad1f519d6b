#include <tinyfiqa/evaluation/verification.hpp>
#include <tinyfiqa/recognition/recognition.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace tinyfiqa;

namespace {

BootstrapOptions few_resamples() {
  BootstrapOptions options;
  options.resamples = 200;
  return options;
}

/// 50 pairs (2i, 2i + 1) of 100 images; each pair is another person. The first `bad`
/// pairs have score 0, the others 1.
std::vector<ComparedPair> pairs_with_errors(std::uint32_t bad) {
  std::vector<ComparedPair> pairs;
  for (std::uint32_t i = 0; i < 50; ++i) pairs.push_back({2 * i, 2 * i + 1, i, i < bad ? 0.0f : 1.0f});
  return pairs;
}

}  // namespace

TEST_CASE("the threshold leaves the wanted share of impostors above it, and says when there are too few") {
  std::vector<float> scores;
  for (int i = 0; i < 1000; ++i) scores.push_back(1 - 0.001f * static_cast<float>(i));
  const double t = threshold_for_rate(scores, 0.01);
  CHECK(std::count_if(scores.begin(), scores.end(), [&](float s) { return double{s} > t; }) == 10);
  CHECK(std::isnan(threshold_for_rate(scores, 0.001)));
  CHECK(std::isnan(threshold_for_rate({}, 0.1)));
}

TEST_CASE("a quality that knows the errors takes them away, one that knows nothing does not") {
  const auto pairs = pairs_with_errors(10);
  std::vector<double> oracle(100, 1.0), wrong(100, 1.0);
  for (std::size_t i = 0; i < 20; i += 2) oracle[i] = 0, wrong[99 - i] = 0;
  const auto good = discard_curve(pairs, 0.5, oracle, few_resamples());
  const auto bad = discard_curve(pairs, 0.5, wrong, few_resamples());
  REQUIRE((good.ok() && bad.ok()));
  CHECK(good->fnmr[0] == doctest::Approx(0.2));
  CHECK(good->fnmr[5] == doctest::Approx(5.0 / 45));  // 5 discarded images remove 5 of 10 errors
  CHECK(good->fnmr[10] == doctest::Approx(0));
  CHECK(bad->fnmr[10] == doctest::Approx(10.0 / 40));
  CHECK(good->area20 == doctest::Approx(good->area30));
  CHECK(good->area20_interval.low <= good->area20);
  CHECK(good->area20_interval.high >= good->area20);
}

TEST_CASE("images without a quality are discarded first, and equal ones in a seeded order") {
  const auto pairs = pairs_with_errors(10);
  std::vector<double> quality(100, 1.0);
  for (std::size_t i = 0; i < 20; i += 2) quality[i] = std::nan("");
  const auto curve = discard_curve(pairs, 0.5, quality, few_resamples());
  REQUIRE(curve.ok());
  CHECK(curve->fnmr[10] == doctest::Approx(0));
  const auto again = discard_curve(pairs, 0.5, quality, few_resamples());
  CHECK(curve->fnmr == again->fnmr);
  CHECK(curve->area30_interval.high == again->area30_interval.high);
  CHECK(discard_curve({}, 0.5, quality, few_resamples()).status().code() == Errc::bad_argument);
}

TEST_CASE("true positive rates: the share of genuine pairs above the impostors' threshold") {
  std::vector<float> impostors;
  for (int i = 0; i < 200; ++i) impostors.push_back(0.9f - 0.004f * static_cast<float>(i));
  const auto half = true_positive_rate(pairs_with_errors(25), impostors, 0.1, few_resamples());
  CHECK(half.value == doctest::Approx(0.5));
  CHECK(half.interval.low < 0.5);
  CHECK(half.interval.high > 0.5);
  CHECK(std::isnan(true_positive_rate(pairs_with_errors(25), impostors, 0.01, few_resamples()).value));
}

TEST_CASE("accuracy by folds takes each threshold from the other folds") {
  // The best thresholds are 0.2 in fold 0 and 0.5 in fold 1; each fold is decided with the other's threshold.
  std::vector<LabelledPair> pairs;
  for (int i = 0; i < 10; ++i) {
    pairs.push_back({0.1, false, 0});
    pairs.push_back({0.3, true, 0});
    pairs.push_back({0.4, false, 1});
    pairs.push_back({0.6, true, 1});
  }
  const auto accuracy = fold_accuracy(pairs);
  REQUIRE(accuracy.ok());
  CHECK(accuracy->folds == std::vector<double>{0.5, 0.5});
  CHECK(accuracy->threshold == doctest::Approx(0.35));
  for (LabelledPair& p : pairs) p.fold = 0;
  CHECK(fold_accuracy(pairs).status().code() == Errc::bad_argument);
  pairs[0].fold = 2;
  CHECK(std::string(fold_accuracy(pairs).status().message()).find("no pair in fold 2") != std::string::npos);
}

TEST_CASE(
    "a ROC has a point for each threshold, equal scores go together, and its area is the share of ordered "
    "pairs") {
  std::vector<LabelledPair> pairs = {{0.9, true}, {0.8, false}, {0.8, true}, {0.5, true}, {0.1, false}};
  const auto roc = roc_curve(pairs);
  REQUIRE(roc.ok());
  CHECK(roc->false_positive == std::vector<double>{0, 0, 0.5, 0.5, 1});
  CHECK(roc->true_positive == std::vector<double>{0, 1 / 3.0, 2 / 3.0, 1, 1});
  double area = 0, ordered = 0;
  for (std::size_t i = 1; i < roc->false_positive.size(); ++i)
    area += (roc->false_positive[i] - roc->false_positive[i - 1]) *
            (roc->true_positive[i] + roc->true_positive[i - 1]) / 2;
  for (const LabelledPair& a : pairs)
    for (const LabelledPair& b : pairs)
      if (a.same && !b.same) ordered += (a.score > b.score ? 1 : a.score < b.score ? 0 : 0.5) / 6;
  CHECK(area == doctest::Approx(ordered));
  for (LabelledPair& p : pairs) p.same = true;
  CHECK(roc_curve(pairs).status().code() == Errc::bad_argument);
}

TEST_CASE("verification pairs: all of one person, as many of two, the same for the same seed") {
  const std::vector<std::string> people = {"b", "a", "b", "b", "c", "a"};
  const auto pairs = verification_pairs(people, 100, 1);
  REQUIRE(pairs.size() == 8);  // three pairs of b and one of a
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(pairs[i].same == (i < 4));
    CHECK((people[pairs[i].a] == people[pairs[i].b]) == pairs[i].same);
  }
  CHECK(verification_pairs(people, 2, 1).size() == 4);
  const auto again = verification_pairs(people, 100, 1);
  for (std::size_t i = 0; i < 8; ++i) CHECK((again[i].a == pairs[i].a && again[i].b == pairs[i].b));
  CHECK(verification_pairs({"a", "a"}, 100, 1).empty());
  CHECK(verification_pairs({"a", "b"}, 100, 1).empty());
}

TEST_CASE("embeddings that part people verify all pairs, of any length") {
  const std::vector<std::string> people = {"a", "b", "a", "b", "a", "b"};
  std::vector<float> embeddings;
  for (std::size_t i = 0; i < people.size(); ++i) {
    const float length = 1.0f + static_cast<float>(i);
    embeddings.push_back(people[i] == "a" ? length : 0);
    embeddings.push_back(people[i] == "a" ? 0 : length);
  }
  const auto accuracy = verification_accuracy(embeddings, 2, verification_pairs(people, 100, 3));
  REQUIRE_MESSAGE(accuracy.ok(), accuracy.status().message());
  CHECK(*accuracy == doctest::Approx(1));
}

TEST_CASE("classes are the people on the training rows, in the order of their names") {
  Dataset data;
  for (const char* name : {"Zoe", "adam", "Bob", "Zoe"}) {
    data.samples.emplace_back();
    data.samples.back().identity = name;
  }
  const PersonClasses classes(data, {0, 2});
  CHECK(classes.names == std::vector<std::string>{"Bob", "Zoe"});
  CHECK(classes.of == std::vector<int>{1, -1, 0, 1});
}
