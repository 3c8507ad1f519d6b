// libtinyfiqa, as a program in C uses it. (check_languages.py compares its scores with the tool's.)
#include <doctest/doctest.h>
#include <tinyfiqa.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string source_file(const char* name) { return std::string(TINYFIQA_SOURCE_DIR) + "/" + name; }
const std::string portrait = source_file("examples/photos/astronaut.jpg");
const std::string group = source_file("examples/photos/group.jpg");
const std::string faceless = source_file("examples/photos/coffee.jpg");

struct ScorerDeleter {
  void operator()(tinyfiqa_scorer* s) const { tinyfiqa_scorer_free(s); }
};
using ScorerPointer = std::unique_ptr<tinyfiqa_scorer, ScorerDeleter>;

ScorerPointer make_scorer(const tinyfiqa_scorer_options* options = nullptr) {
  tinyfiqa_scorer* scorer = nullptr;
  tinyfiqa_error error;
  REQUIRE_MESSAGE(tinyfiqa_scorer_create(options, &scorer, &error) == TINYFIQA_OK, error.message);
  return ScorerPointer(scorer);
}

ScorerPointer make_scorer_in(const char* precision) {
  tinyfiqa_scorer_options options = {};
  options.precision = precision;
  return make_scorer(&options);
}

ScorerPointer make_scorer(int32_t faces) {
  tinyfiqa_scorer_options options = {};
  options.faces = faces;
  return make_scorer(&options);
}

std::vector<tinyfiqa_scored_face> score_file(tinyfiqa_scorer* scorer, const std::string& path) {
  std::vector<tinyfiqa_scored_face> faces(100);
  std::size_t count = 0;
  tinyfiqa_error error;
  REQUIRE_MESSAGE(
      tinyfiqa_score_file(scorer, path.c_str(), faces.data(), faces.size(), &count, &error) == TINYFIQA_OK,
      error.message);
  CHECK(error.code == TINYFIQA_OK);
  CHECK(std::string(error.message).empty());
  faces.resize(count);
  return faces;
}

bool same_scores(const std::vector<tinyfiqa_scored_face>& a, const std::vector<tinyfiqa_scored_face>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

/// A picture with a gradient, [height, width] pixels of `channels` bytes.
std::vector<unsigned char> gradient(int height, int width, int channels) {
  std::vector<unsigned char> pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) pixels.push_back(static_cast<unsigned char>(x * 3 + y * 2 + c * 40));
  return pixels;
}

tinyfiqa_image image_of(const std::vector<unsigned char>& pixels, int height, int width, int32_t order) {
  tinyfiqa_image image = {};
  image.data = pixels.data();
  image.height = height;
  image.width = width;
  image.order = order;
  return image;
}

}  // namespace

TEST_CASE("a portrait has one face with a quality, a band and plausible landmarks") {
  const auto faces = score_file(make_scorer().get(), portrait);
  REQUIRE(faces.size() == 1);
  const tinyfiqa_face& face = faces[0].face;
  const tinyfiqa_score& score = faces[0].score;
  CHECK(score.whole_quality == std::lround(score.quality));
  CHECK(score.band >= TINYFIQA_BAND_REJECT);
  CHECK(score.raw > 0);
  CHECK(face.confidence > 0.6f);
  for (int i = 0; i < 5; ++i) {
    CHECK(face.landmarks[2 * i] > face.x);
    CHECK(face.landmarks[2 * i] < face.x + face.width);
    CHECK(face.landmarks[2 * i + 1] > face.y);
    CHECK(face.landmarks[2 * i + 1] < face.y + face.height);
  }
  CHECK(std::string(tinyfiqa_framing_name(face.framing)) == "photo");
}

TEST_CASE("all faces come largest first, and no more are written than there is room for") {
  const auto scorer = make_scorer(TINYFIQA_ALL_FACES);
  const auto all = score_file(scorer.get(), group);
  REQUIRE(all.size() > 1);
  for (std::size_t i = 1; i < all.size(); ++i)
    CHECK(all[i].face.width * all[i].face.height <= all[i - 1].face.width * all[i - 1].face.height);

  std::vector<tinyfiqa_scored_face> room(2);
  std::memset(room.data(), 0x55, sizeof room[0] * 2);
  const tinyfiqa_scored_face untouched = room[1];
  std::size_t count = 0;
  CHECK(tinyfiqa_score_file(scorer.get(), group.c_str(), room.data(), 1, &count, nullptr) == TINYFIQA_OK);
  CHECK(count == all.size());
  CHECK(std::memcmp(&room[0], &all[0], sizeof room[0]) == 0);
  CHECK(std::memcmp(&room[1], &untouched, sizeof untouched) == 0);
  CHECK(tinyfiqa_score_file(scorer.get(), group.c_str(), nullptr, 0, &count, nullptr) == TINYFIQA_OK);
  CHECK(count == all.size());
}

TEST_CASE("a photo without a face is no error") { CHECK(score_file(make_scorer().get(), faceless).empty()); }

TEST_CASE("the bytes of a file have the scores of the file") {
  const auto scorer = make_scorer(TINYFIQA_ALL_FACES);
  std::ifstream file(group, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<tinyfiqa_scored_face> faces(100);
  std::size_t count = 0;
  CHECK(tinyfiqa_score_bytes(scorer.get(), bytes.data(), bytes.size(), faces.data(), faces.size(), &count,
                             nullptr) == TINYFIQA_OK);
  faces.resize(count);
  CHECK(same_scores(faces, score_file(scorer.get(), group)));
}

TEST_CASE("the detector finds the faces that the scorer scores") {
  tinyfiqa_detector* detector = nullptr;
  REQUIRE(tinyfiqa_detector_create(nullptr, &detector, nullptr) == TINYFIQA_OK);
  const auto scored = score_file(make_scorer(TINYFIQA_ALL_FACES).get(), group);
  std::vector<tinyfiqa_face> faces(100);
  std::size_t count = 0;
  CHECK(tinyfiqa_detect_file(detector, group.c_str(), faces.data(), faces.size(), &count, nullptr) ==
        TINYFIQA_OK);
  REQUIRE(count == scored.size());
  for (std::size_t i = 0; i < count; ++i)
    CHECK(std::memcmp(&faces[i], &scored[i].face, sizeof faces[i]) == 0);
  tinyfiqa_detector_free(detector);
}

TEST_CASE("pixels have the same score in every order of channels, and with gaps between rows") {
  const auto scorer = make_scorer(TINYFIQA_WHOLE_IMAGE);
  const int height = 90, width = 70;
  const auto rgb = gradient(height, width, 3);
  std::vector<unsigned char> bgra, gapped;
  for (std::size_t i = 0; i < rgb.size(); i += 3)
    bgra.insert(bgra.end(), {rgb[i + 2], rgb[i + 1], rgb[i], std::uint8_t{7}});
  for (int y = 0; y < height; ++y) {
    gapped.insert(gapped.end(), rgb.begin() + 3 * width * y, rgb.begin() + 3 * width * (y + 1));
    gapped.insert(gapped.end(), 11, 0xee);
  }
  const auto score = [&](const tinyfiqa_image& image) {
    tinyfiqa_scored_face face = {};
    std::size_t count = 0;
    tinyfiqa_error error;
    CHECK_MESSAGE(tinyfiqa_score_image(scorer.get(), &image, &face, 1, &count, &error) == TINYFIQA_OK,
                  error.message);
    CHECK(count == 1);
    CHECK(face.face.width == static_cast<float>(width));
    return face.score.raw;
  };
  const float expected = score(image_of(rgb, height, width, TINYFIQA_RGB));
  CHECK(score(image_of(bgra, height, width, TINYFIQA_BGRA)) == expected);
  tinyfiqa_image with_gaps = image_of(gapped, height, width, TINYFIQA_RGB);
  with_gaps.row_stride = 3 * width + 11;
  CHECK(score(with_gaps) == expected);

  tinyfiqa_score known = {};
  const tinyfiqa_image image = image_of(rgb, height, width, TINYFIQA_RGB);
  CHECK(tinyfiqa_score_known_face(scorer.get(), &image, nullptr, nullptr, &known, nullptr) == TINYFIQA_OK);
  CHECK(known.raw == expected);
  const float box[4] = {10, 10, 40, 50};
  CHECK(tinyfiqa_score_known_face(scorer.get(), &image, box, nullptr, &known, nullptr) == TINYFIQA_OK);
  CHECK(known.raw != expected);
}

TEST_CASE("a known face of a file has the score that it has in the file's bytes, and that of the search") {
  const auto scorer = make_scorer(TINYFIQA_LARGEST_FACE);
  const auto found = score_file(scorer.get(), group).at(0);
  std::ifstream file(group, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  tinyfiqa_score of_file = {}, of_bytes = {};
  tinyfiqa_error error;
  REQUIRE(tinyfiqa_score_known_face_file(scorer.get(), group.c_str(), nullptr, found.face.landmarks, &of_file,
                                         &error) == TINYFIQA_OK);
  REQUIRE(tinyfiqa_score_known_face_bytes(scorer.get(), bytes.data(), bytes.size(), nullptr,
                                          found.face.landmarks, &of_bytes, &error) == TINYFIQA_OK);
  CHECK(of_file.raw == found.score.raw);
  CHECK(of_bytes.raw == found.score.raw);
  CHECK(tinyfiqa_score_known_face_file(scorer.get(), "no_such.jpg", nullptr, nullptr, &of_file, &error) ==
        TINYFIQA_NOT_FOUND);
  CHECK(std::string(error.message).find("no_such.jpg") == 0);
  CHECK(tinyfiqa_score_known_face_bytes(scorer.get(), nullptr, 0, nullptr, nullptr, &of_file, &error) ==
        TINYFIQA_BAD_ARGUMENT);
  CHECK(tinyfiqa_score_known_face_file(scorer.get(), group.c_str(), nullptr, nullptr, nullptr, &error) ==
        TINYFIQA_BAD_ARGUMENT);
}

TEST_CASE("errors name what is wrong and change no result") {
  const auto scorer = make_scorer(TINYFIQA_WHOLE_IMAGE);
  tinyfiqa_scored_face face = {};
  std::size_t count = 77;
  tinyfiqa_error error;
  CHECK(tinyfiqa_score_file(scorer.get(), "no_such.jpg", &face, 1, &count, &error) == TINYFIQA_NOT_FOUND);
  CHECK(error.code == TINYFIQA_NOT_FOUND);
  CHECK(std::string(error.message).find("no_such.jpg") == 0);
  CHECK(tinyfiqa_score_bytes(scorer.get(), "GIF89a", 6, &face, 1, &count, &error) == TINYFIQA_BAD_FORMAT);
  CHECK(tinyfiqa_score_bytes(scorer.get(), nullptr, 6, &face, 1, &count, &error) == TINYFIQA_BAD_ARGUMENT);
  CHECK(tinyfiqa_score_file(scorer.get(), nullptr, &face, 1, &count, &error) == TINYFIQA_BAD_ARGUMENT);
  CHECK(tinyfiqa_score_file(nullptr, "a.jpg", &face, 1, &count, &error) == TINYFIQA_BAD_ARGUMENT);
  const auto pixels = gradient(8, 8, 3);
  tinyfiqa_image image = image_of(pixels, 8, 8, 17);
  CHECK(tinyfiqa_score_image(scorer.get(), &image, &face, 1, &count, &error) == TINYFIQA_BAD_ARGUMENT);
  CHECK(std::string(error.message).find("17") != std::string::npos);
  image = image_of(pixels, 8, 8, TINYFIQA_RGB);
  image.row_stride = 5;
  CHECK(tinyfiqa_score_image(scorer.get(), &image, &face, 1, &count, &error) == TINYFIQA_BAD_ARGUMENT);
  CHECK(count == 77);
}

TEST_CASE("options out of range, missing files and files of another kind give no scorer") {
  const std::string tinyfqnet = source_file("weights/tinyfqnet.safetensors");
  const std::string detector = source_file("weights/detector.safetensors");
  const char* weights[] = {"no_such.safetensors"};
  const auto refused = [](const tinyfiqa_scorer_options& options) {
    tinyfiqa_scorer* scorer = nullptr;
    tinyfiqa_error error;
    const tinyfiqa_code code = tinyfiqa_scorer_create(&options, &scorer, &error);
    CHECK(scorer == nullptr);
    CHECK(std::strlen(error.message) > 10);
    return code;
  };
  tinyfiqa_scorer_options options = {};
  options.faces = 5;
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options = {};
  options.weights = weights;
  options.weight_count = 1;
  CHECK(refused(options) == TINYFIQA_NOT_FOUND);
  weights[0] = detector.c_str();
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options = {};
  options.views = "upside_down";
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options = {};
  options.model = "tinyfqnet";
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options = {};
  options.precision = "int8";
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options.precision = "i8";
  weights[0] = tinyfqnet.c_str();
  options.weights = weights;
  options.weight_count = 1;
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
  options = {};
  options.search.detector = tinyfqnet.c_str();
  CHECK(refused(options) == TINYFIQA_MISMATCH);
  options = {};
  options.search.threshold = 2;
  CHECK(refused(options) == TINYFIQA_BAD_ARGUMENT);
}

TEST_CASE("weights of a file, and a clone with the same scores in another thread") {
  const std::string path = source_file("weights/tinyfqnet.safetensors");
  const char* const weights[] = {path.c_str()};
  tinyfiqa_scorer_options options = {};
  options.weights = weights;
  options.weight_count = 1;
  const auto scorer = make_scorer(&options);
  int32_t limits[3] = {};
  tinyfiqa_scorer_bands(scorer.get(), limits);
  CHECK(limits[0] > 0);
  CHECK(limits[0] < limits[1]);
  CHECK(limits[1] < limits[2]);
  tinyfiqa_scorer_bands(nullptr, limits);
  CHECK(limits[0] + limits[1] + limits[2] == 0);

  tinyfiqa_scorer* made = nullptr;
  REQUIRE(tinyfiqa_scorer_clone(scorer.get(), &made, nullptr) == TINYFIQA_OK);
  const ScorerPointer clone(made);
  const auto expected = score_file(scorer.get(), portrait);
  CHECK_FALSE(same_scores(expected, score_file(make_scorer().get(), portrait)));
  std::vector<tinyfiqa_scored_face> found(1);
  std::thread([&] {
    std::size_t count = 0;
    tinyfiqa_score_file(clone.get(), portrait.c_str(), found.data(), 1, &count, nullptr);
  }).join();
  CHECK(same_scores(expected, found));
}

TEST_CASE(
    "the built-in network in 8 bits has the scores of its weight file, and nearly those of the floats") {
  const std::string floats_path = source_file("weights/tinyfqnet_m.safetensors"),
                    whole_path = source_file("weights/i8/tinyfqnet_m.safetensors");
  const char* const weights[] = {whole_path.c_str(), floats_path.c_str()};
  tinyfiqa_scorer_options options = {};
  options.weights = weights;
  options.weight_count = 1;
  const auto of_file = make_scorer(&options), built_in = make_scorer_in("i8"), floats = make_scorer();
  const auto scores = score_file(built_in.get(), portrait), expected = score_file(floats.get(), portrait);
  CHECK(same_scores(scores, score_file(of_file.get(), portrait)));
  CHECK_FALSE(same_scores(scores, expected));
  CHECK(std::fabs(scores.at(0).score.quality - expected.at(0).score.quality) < 4);
  CHECK(same_scores(expected, score_file(make_scorer_in("f32").get(), portrait)));

  options.weight_count = 2;
  const auto precision = [](const ScorerPointer& scorer) {
    return std::string(tinyfiqa_scorer_precision(scorer.get()));
  };
  CHECK(precision(floats) == "f32");
  CHECK(precision(built_in) == "i8");
  CHECK(precision(of_file) == "i8");
  CHECK(precision(make_scorer(&options)) == "mixed");
  CHECK(precision(nullptr).empty());
  tinyfiqa_scorer* clone = nullptr;
  REQUIRE(tinyfiqa_scorer_clone(built_in.get(), &clone, nullptr) == TINYFIQA_OK);
  CHECK(precision(ScorerPointer(clone)) == "i8");
}

TEST_CASE("a detector in 8 bits finds the faces of the built-in one, nearly where that finds them") {
  const std::string path = source_file("weights/i8/detector.safetensors");
  tinyfiqa_scorer_options options = {};
  options.faces = TINYFIQA_ALL_FACES;
  const auto floats = score_file(make_scorer(&options).get(), group);
  options.search.detector = path.c_str();
  const auto whole = score_file(make_scorer(&options).get(), group);
  REQUIRE(whole.size() == floats.size());
  CHECK_FALSE(same_scores(whole, floats));
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(std::fabs(whole[i].face.x - floats[i].face.x) < 3);
}

TEST_CASE("auto scores in 8 bits where the processor has dot products for them") {
  const auto scorer = make_scorer_in("auto");
  const std::string isa = tinyfiqa_instruction_set(), chosen = tinyfiqa_scorer_precision(scorer.get());
  CHECK(chosen == (isa == "avx512vnni" || isa == "avxvnni" || isa == "neondotprod" ? "i8" : "f32"));
  CHECK(same_scores(score_file(scorer.get(), portrait),
                    score_file(make_scorer_in(chosen.c_str()).get(), portrait)));
}

TEST_CASE("a scorer that two threads use at once gives one of them an error, never a wrong score") {
  const auto scorer = make_scorer();
  const auto expected = score_file(scorer.get(), portrait);
  int right = 0, busy = 0;
  const auto work = [&](int& scores, int& refusals) {
    for (int i = 0; i < 20; ++i) {
      std::vector<tinyfiqa_scored_face> face(1);
      std::size_t count = 0;
      const tinyfiqa_code code =
          tinyfiqa_score_file(scorer.get(), portrait.c_str(), face.data(), 1, &count, nullptr);
      scores += code == TINYFIQA_OK && same_scores(face, expected);
      refusals += code == TINYFIQA_IN_USE;
    }
  };
  int right2 = 0, busy2 = 0;
  std::thread other([&] { work(right2, busy2); });
  work(right, busy);
  other.join();
  CHECK(right + right2 + busy + busy2 == 40);
  CHECK(right + right2 > 0);
}

TEST_CASE("words and version") {
  CHECK(std::string(tinyfiqa_band_name(TINYFIQA_BAND_GOOD)) == "good");
  CHECK(std::string(tinyfiqa_band_name(TINYFIQA_BAND_NONE)).empty());
  CHECK(std::string(tinyfiqa_framing_name(99)).empty());
  CHECK(std::string(tinyfiqa_version()) == TINYFIQA_EXPECTED_VERSION);
  CHECK(std::to_string(TINYFIQA_VERSION_MAJOR) + "." + std::to_string(TINYFIQA_VERSION_MINOR) + "." +
            std::to_string(TINYFIQA_VERSION_PATCH) ==
        TINYFIQA_EXPECTED_VERSION);
  CHECK_FALSE(std::string(tinyfiqa_instruction_set()).empty());
}
