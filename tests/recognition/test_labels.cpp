#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/recognition/labels.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

using namespace tinyfiqa;

namespace {

/// Vectors of a given length in the plane, one for each angle in degrees.
std::vector<float> directions(const std::vector<double>& degrees, double length = 1) {
  std::vector<float> e;
  for (const double d : degrees) {
    e.push_back(static_cast<float>(length * std::cos(d * 3.14159265358979 / 180)));
    e.push_back(static_cast<float>(length * std::sin(d * 3.14159265358979 / 180)));
  }
  return e;
}

double cos_of(double degrees) { return std::cos(degrees * 3.14159265358979 / 180); }

std::vector<FaceLabel> label(const std::vector<float>& e, std::size_t d,
                             const std::vector<std::uint32_t>& people, std::size_t count,
                             const LabelOptions& options = {}, Span<const float> classifier = {}) {
  auto labels = label_faces(e, d, people, count, options, classifier);
  REQUIRE_MESSAGE(labels.ok(), labels.status().message());
  return std::move(*labels);
}

}  // namespace

TEST_CASE("labels with both kinds of mean centres equal numpy's, on any number of threads") {
  const auto faces = read_npy(fixture("recognition/faces.npy"));
  const auto expected = read_csv(fixture("recognition/expected.csv"));
  REQUIRE((faces.ok() && expected.ok()));
  std::vector<std::uint32_t> people;
  for (std::uint32_t i = 0; i < 48; ++i) people.push_back(i / 6);
  for (const int threads : {1, 3})
    for (const Centres centres : {Centres::loo, Centres::mean}) {
      LabelOptions options;
      options.centres = centres;
      options.threads = threads;
      const auto labels = label(faces->values, 16, people, 8, options);
      for (std::size_t i = 0; i < 48; ++i) {
        const std::string& text = expected->rows[i].fields[centres == Centres::loo ? 1 : 2];
        CHECK(labels[i].quality == doctest::Approx(std::strtod(text.c_str(), nullptr)).epsilon(2e-6));
      }
    }
}

TEST_CASE("a label is the cosine with the mean of the person's other faces") {
  const auto labels = label(directions({0, 20, 40, 180, 200}, 7), 2, {0, 0, 0, 1, 1}, 2);
  CHECK(labels[0].quality == doctest::Approx(cos_of(30)));
  CHECK(labels[1].quality == doctest::Approx(1));
  CHECK(labels[4].quality == doctest::Approx(cos_of(20)));
  CHECK(labels[0].norm == doctest::Approx(7));
  CHECK(labels[3].nearest == 0);
  CHECK(labels[3].nearest_cosine == doctest::Approx(cos_of(160)));
}

TEST_CASE("classifier weights are centres of any length, and one image is enough for them") {
  LabelOptions options;
  options.centres = Centres::classifier;
  const auto weights = directions({10, 90}, 3);
  const auto labels = label(directions({0, 90}), 2, {0, 1}, 2, options, weights);
  CHECK(labels[0].quality == doctest::Approx(cos_of(10)));
  CHECK(labels[1].quality == doctest::Approx(1));
}

TEST_CASE("whom the classifier does not know gets no label and is nobody's nearest") {
  LabelOptions options;
  options.centres = Centres::classifier;
  const auto known = directions({10});
  const std::vector<float> weights = {known[0], known[1], 0, 0};
  const auto labels = label(directions({0, 90}), 2, {0, 1}, 2, options, weights);
  CHECK(labels[0].quality == doctest::Approx(cos_of(10)));
  CHECK(labels[0].nearest_cosine == -1);
  CHECK(labels[1].missing == NoLabel::no_centre);
}

TEST_CASE("people with one image, copies of one image included, get no label") {
  const auto labels = label(directions({0, 90, 90, 180, 190}), 2, {0, 1, 1, 2, 2}, 3);
  CHECK(labels[0].missing == NoLabel::one_image);
  CHECK(labels[1].missing == NoLabel::one_image);
  CHECK(labels[2].missing == NoLabel::one_image);
  CHECK(labels[3].missing == NoLabel::none);
}

TEST_CASE("a copy of an image does not raise its own label") {
  const auto labels = label(directions({0, 60, 60}), 2, {0, 0, 0}, 1);
  CHECK(labels[1].quality == doctest::Approx(cos_of(60)));
  CHECK(labels[2].quality == doctest::Approx(cos_of(60)));
}

TEST_CASE("changed copies count in no centre, and their originals not in theirs") {
  // Faces at 0, 20 and 40 degrees, and a degraded copy of the first one at 90 degrees.
  LabelOptions options;
  options.originals = {0, 1, 2, 0};
  const auto labels = label(directions({0, 20, 40, 90}), 2, {0, 0, 0, 0}, 1, options);
  CHECK(labels[0].quality == doctest::Approx(cos_of(30)));
  CHECK(labels[1].quality == doctest::Approx(1));
  CHECK(labels[3].quality == doctest::Approx(cos_of(60)));
  CHECK(labels[3].suspect == Suspect::none);

  options.originals = {0, 0};  // a person's only image and its copy
  CHECK(label(directions({0, 5}), 2, {0, 0}, 1, options)[1].missing == NoLabel::one_image);
  for (const auto& bad : {std::vector<std::size_t>{0}, {0, 7}, {1, 0}}) {
    options.originals = bad;
    CHECK_FALSE(label_faces({1, 0, 0, 1}, 2, {0, 0}, 1, options).ok());
  }
  options.originals = {0, 0};
  CHECK(label_faces({1, 0, 0, 1}, 2, {0, 1}, 2, options).status().code() == Errc::bad_argument);
}

TEST_CASE("an embedding that is not finite gives no label and leaves the others alone") {
  auto e = directions({0, 20, 40});
  e[2] = std::numeric_limits<float>::quiet_NaN();
  const auto labels = label(e, 2, {0, 0, 0}, 1);
  CHECK(labels[1].missing == NoLabel::no_embedding);
  CHECK(labels[0].quality == doctest::Approx(cos_of(40)));
}

TEST_CASE(
    "faces near another centre, strangers and copies under another name are suspects; bad ones are not") {
  // Person 0 is around 0 degrees, person 1 around 120.
  std::vector<double> angles = {0, 5, -5, 118, 120, 125, 130, 240, 245, 2, 2};
  auto e = directions(angles, 10);
  for (std::size_t k = 16; k < 18; ++k) e[k] *= 0.3f;  // at 245 degrees: a bad image
  const auto labels = label(e, 2, {0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1}, 2);
  CHECK(labels[0].suspect == Suspect::none);
  CHECK(labels[3].suspect == Suspect::other_person);
  CHECK(labels[3].nearest == 1);
  CHECK(labels[7].suspect == Suspect::stranger);
  CHECK(labels[8].suspect == Suspect::none);
  CHECK(labels[9].suspect == Suspect::copy);
  CHECK(labels[10].suspect == Suspect::copy);
}

namespace {

/// Three people, a degraded copy, a copy under the same name and one under another, and a face without an embedding.
struct MixedFaces {
  std::vector<float> e = directions({0, 5, 9, 120, 125, 131, 240, 246, 250, 90, 5, 5, 0}, 3);
  std::vector<std::uint32_t> people = {0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 1, 2};
  LabelOptions options;

  MixedFaces() {
    e[2 * 12] = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < people.size(); ++i) options.originals.push_back(i == 9 ? 1 : i);
  }
};

bool same(const FaceLabel& a, const FaceLabel& b) {
  return a.quality == b.quality && (a.norm == b.norm || !(std::isfinite(a.norm) || std::isfinite(b.norm))) &&
         a.nearest_cosine == b.nearest_cosine && a.nearest == b.nearest && a.suspect == b.suspect &&
         a.missing == b.missing;
}

}  // namespace

TEST_CASE(
    "labels of parts are those of all faces, to the bit, also of copies whose original is in another part") {
  for (const int threads : {1, 2}) {
    MixedFaces faces;
    faces.options.threads = threads;
    const auto all = label(faces.e, 2, faces.people, 3, faces.options);
    CHECK(all[11].suspect == Suspect::copy);
    CHECK(all[9].suspect == all[1].suspect);
    for (std::size_t first = 0; first < all.size(); ++first) {
      faces.options.first = first;
      for (faces.options.count = 1; faces.options.count <= all.size(); ++faces.options.count) {
        const auto part = label(faces.e, 2, faces.people, 3, faces.options);
        for (std::size_t i = first; i < std::min(all.size(), first + faces.options.count); ++i) {
          CAPTURE(i);
          CHECK(same(part[i], all[i]));
        }
      }
    }
  }
}

TEST_CASE("without the nearest centre, labels are the same and nobody is taken for another person") {
  MixedFaces faces;
  faces.people[3] = 0;  // far from its own centre, near that of person 1
  const auto with = label(faces.e, 2, faces.people, 3, faces.options);
  faces.options.nearest = false;
  std::size_t done = 0;
  faces.options.progress = [&](std::size_t faces_done, std::size_t all) {
    CHECK(all == 13);
    done = faces_done;
  };
  const auto without = label(faces.e, 2, faces.people, 3, faces.options);
  CHECK(with[3].suspect == Suspect::other_person);
  CHECK(without[3].suspect == Suspect::stranger);
  CHECK(done == 13);
  for (std::size_t i = 0; i < with.size(); ++i) {
    CHECK(without[i].quality == with[i].quality);
    CHECK(without[i].nearest_cosine == -1);
  }
}

TEST_CASE("an image under many names is a copy everywhere, and under one name it counts once") {
  const std::size_t count = 300;
  std::vector<float> e;
  std::vector<std::uint32_t> people;
  for (std::uint32_t i = 0; i < count; ++i) {  // everybody has this image twice, and one of their own
    for (const double angle : {10.0, 10.0, 20.0 + i}) {
      const auto one = directions({angle});
      e.insert(e.end(), one.begin(), one.end());
      people.push_back(i);
    }
  }
  const auto labels = label(e, 2, people, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    CHECK(labels[3 * i].suspect == Suspect::copy);
    CHECK((i == 0 || labels[3 * i + 1].suspect == Suspect::copy));  // the first name was the only one then
    CHECK(labels[3 * i].quality == doctest::Approx(cos_of(10.0 + i)));
    CHECK(labels[3 * i + 2].quality == doctest::Approx(cos_of(10.0 + i)));
  }
}

TEST_CASE("the nearest centre is that of the plain comparison, to the bit, for any number of people") {
  Rng rng(4);
  for (const std::size_t d : {2u, 100u, 600u})
    for (const std::uint32_t count : {1u, 7u, 130u, 300u}) {
      std::vector<float> e;
      std::vector<std::uint32_t> people;
      for (std::uint32_t i = 0; i < 2 * count; ++i) {
        people.push_back(i / 2);
        for (std::size_t k = 0; k < d; ++k) e.push_back(rng.normal());
      }
      LabelOptions options;
      options.centres = Centres::classifier;
      std::vector<float> centres;
      for (std::size_t k = 0; k < count * d; ++k) centres.push_back(rng.normal());
      const auto labels = label(e, d, people, count, options, centres);
      for (std::uint32_t p = 0; p < count; ++p) normalise({centres.data() + p * d, d});
      for (std::uint32_t i = 0; i < people.size(); ++i) {
        double nearest = -1;
        normalise({e.data() + i * d, d});
        for (std::uint32_t p = 0; p < count; ++p) {
          if (p == people[i]) continue;
          nearest = std::max(nearest, double{dot_product(e.data() + i * d, centres.data() + p * d, d)});
        }
        CHECK(labels[i].nearest_cosine == nearest);
      }
    }
}

TEST_CASE("wrong sizes are errors that say what was expected") {
  CHECK(label_faces({1, 2, 3}, 2, {0}, 1).status().code() == Errc::mismatch);
  CHECK(label_faces({1, 2}, 2, {4}, 1).status().code() == Errc::bad_argument);
  CHECK(label_faces(EmbeddingRows(), {}, 0).status().code() == Errc::mismatch);
  CHECK(label_faces({}, 2, {}, 0).ok());
  LabelOptions options;
  options.centres = Centres::classifier;
  CHECK(label_faces({1, 2}, 2, {0}, 1, options).status().code() == Errc::mismatch);
}
