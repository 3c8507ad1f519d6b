#include "data_support.hpp"
#include "thread_ranks.hpp"

#include <tinyfiqa/data/loader.hpp>
#include <tinyfiqa/data/read_dataset.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// `count` images of noise, 20 x 14 pixels; the score of image i is i.
struct NoiseImages : TempDir {
  Dataset data;
  std::vector<std::size_t> rows;

  explicit NoiseImages(std::size_t count) {
    std::string csv = "path,score\n";
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "p" + std::to_string(i) + ".ppm";
      write_noise(name, 20, 14, i + 1);
      csv += name + "," + std::to_string(i) + "\n";
    }
    auto read = read_dataset(write("labels.csv", csv));
    REQUIRE(read.ok());
    data = std::move(*read);
    rows.resize(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
  }
};

LoaderOptions options(int batch, int workers) {
  LoaderOptions o;
  o.input = tinyfqnet_input(10, 8);
  o.batch = batch;
  o.workers = workers;
  return o;
}

Augmentation everything() {
  Augmentation a;
  a.hflip = 0.5f;
  a.crop.probability = a.brightness.probability = a.contrast.probability = a.blur.probability =
      a.jpeg.probability = 0.5f;
  return a;
}

struct Epoch {
  std::vector<float> images, scores;
  std::vector<std::size_t> samples;
  std::vector<int> counts;

  bool operator==(const Epoch& other) const {
    return images == other.images && scores == other.scores && samples == other.samples &&
           counts == other.counts;
  }
};

Epoch run(ImageLoader& loader, std::uint64_t epoch, std::size_t first_batch = 0) {
  Epoch e;
  const Status started = loader.start(epoch, first_batch);
  REQUIRE_MESSAGE(started.ok(), started.message());
  for (Batch batch;;) {
    const auto more = loader.next(batch);
    REQUIRE_MESSAGE(more.ok(), more.status().message());
    if (!*more) return e;
    e.images.insert(e.images.end(), batch.images.begin(), batch.images.end());
    e.scores.insert(e.scores.end(), batch.scores.begin(), batch.scores.end());
    e.samples.insert(e.samples.end(), batch.samples.begin(), batch.samples.end());
    e.counts.push_back(batch.count);
  }
}

}  // namespace

TEST_CASE("an epoch gives each row once, with the pixels that preprocess makes of its file") {
  NoiseImages p(11);
  ImageLoader loader(p.data, p.rows, options(4, 2));
  const Epoch e = run(loader, 0);
  CHECK(loader.batches() == 3);
  CHECK(e.counts == std::vector<int>{4, 4, 3});
  std::vector<std::size_t> sorted = e.samples;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == p.rows);
  CHECK(e.samples != p.rows);
  const InputSpec spec = tinyfqnet_input(10, 8);
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(e.scores[i] == static_cast<float>(e.samples[i]));
    std::vector<float> expected(spec.size());
    REQUIRE(preprocess(*read_image(p.data.samples[e.samples[i]].file), {}, spec, expected).ok());
    CHECK(std::equal(expected.begin(), expected.end(),
                     e.images.begin() + static_cast<std::ptrdiff_t>(i * spec.size())));
  }
}

TEST_CASE("order and augmentation depend on seed and epoch alone: not on workers, cache or history") {
  NoiseImages p(23);
  LoaderOptions base = options(5, 1);
  base.augmentation = everything();
  ImageLoader reference(p.data, p.rows, base);
  const Epoch zero = run(reference, 0), one = run(reference, 1), three = run(reference, 3);
  CHECK(zero.samples != one.samples);
  CHECK(zero.images != one.images);
  for (const int workers : {1, 2, 5})
    for (const std::size_t cache : {std::size_t{0}, std::size_t{3000}, std::size_t{1} << 20u})
      for (const int ahead : {1, 4}) {
        LoaderOptions o = base;
        o.workers = workers;
        o.cache_bytes = cache;
        o.ahead = ahead;
        ImageLoader loader(p.data, p.rows, o);
        CHECK(run(loader, 3) == three);
        CHECK(run(loader, 0) == zero);
        CHECK(run(loader, 3) == three);
      }
  LoaderOptions other = base;
  other.seed = 2;
  ImageLoader loader(p.data, p.rows, other);
  CHECK_FALSE(run(loader, 0) == zero);
}

TEST_CASE("an epoch can be begun at any of its batches") {
  NoiseImages p(10);
  LoaderOptions o = options(3, 2);
  o.augmentation = everything();
  ImageLoader loader(p.data, p.rows, o);
  const Epoch whole = run(loader, 7), rest = run(loader, 7, 2);
  CHECK(rest.counts == std::vector<int>{3, 1});
  CHECK(std::equal(rest.images.begin(), rest.images.end(),
                   whole.images.begin() + static_cast<std::ptrdiff_t>(6 * o.input.size())));
  CHECK(run(loader, 7, 4).counts.empty());
  CHECK(run(loader, 7, 99).counts.empty());
}

TEST_CASE("without shuffling rows keep their order, and a partial batch is dropped on request") {
  NoiseImages p(7);
  LoaderOptions o = options(3, 2);
  o.shuffle = false;
  o.drop_last = true;
  ImageLoader loader(p.data, {6, 5, 5, 3, 2, 1, 0}, o);
  const Epoch e = run(loader, 0);
  CHECK(e.samples == std::vector<std::size_t>{6, 5, 5, 3, 2, 1});
  CHECK(loader.batches() == 2);
  o.drop_last = false;
  o.batch = 100;
  ImageLoader one(p.data, p.rows, o);
  CHECK(run(one, 0).counts == std::vector<int>{7});
  ImageLoader none(p.data, {}, o);
  CHECK(run(none, 0).counts.empty());
}

TEST_CASE("what fits into the cache is decoded once, the rest each time") {
  NoiseImages p(6);
  LoaderOptions o = options(2, 2);
  o.cache_bytes = 3 * 80 * 4 + 100;  // four images of 8 x 10 pixels
  ImageLoader loader(p.data, p.rows, o);
  CHECK(loader.cached_rows() == 4);
  const Epoch first = run(loader, 0);
  for (int i = 0; i < 4; ++i) REQUIRE(std::filesystem::remove(p.file("p" + std::to_string(i) + ".ppm")));
  CHECK(run(loader, 0) == first);
  REQUIRE(std::filesystem::remove(p.file("p5.ppm")));
  REQUIRE(loader.start(0).ok());
  Batch batch;
  for (;;) {
    const auto more = loader.next(batch);
    if (more && *more) continue;
    CHECK(more.status().code() == Errc::not_found);
    break;
  }
}

TEST_CASE("an unusable file ends the epoch with its name, always the first one in order") {
  NoiseImages p(12);
  p.write("p7.ppm", "P6\n20 14\n255\ncut");
  p.write("p8.ppm", "nonsense");
  LoaderOptions o = options(4, 3);
  o.shuffle = false;
  for (int round = 0; round < 20; ++round) {
    ImageLoader loader(p.data, p.rows, o);
    REQUIRE(loader.start(0).ok());
    Batch batch;
    CHECK(*loader.next(batch));
    const auto failed = loader.next(batch);
    CHECK(failed.status().code() == Errc::bad_format);
    CHECK(mentions(failed.status(), p.file("p7.ppm: ")));
    CHECK(mentions(loader.next(batch).status(), "p7.ppm"));
  }
  p.data.samples[2].crop.box = FaceBox{15, 0, 50, 10};
  ImageLoader loader(p.data, {2}, o);
  REQUIRE(loader.start(0).ok());
  Batch batch;
  CHECK(mentions(loader.next(batch).status(), p.file("p2.ppm: the box x=15")));
}

TEST_CASE("the loader gives a network the crop of a box that the network wants") {
  NoiseImages p(1);
  const FaceBox box{3.5f, 2, 8.5f, 11};
  Crop points;
  points.landmarks = average_landmarks(box);
  p.data.samples[0].crop.box = box;
  for (const InputSpec& input : {tinyfqnet_input(10, 8), imagenet_input(10, 8)}) {
    LoaderOptions o = options(1, 1);
    o.input = input;
    ImageLoader loader(p.data, p.rows, o);
    REQUIRE(loader.start(0).ok());
    Batch batch;
    REQUIRE(*loader.next(batch));
    std::vector<float> expected(input.size());
    const Crop crop = input.crop == FaceCrop::aligned ? points : p.data.samples[0].crop;
    REQUIRE(preprocess(*read_image(p.file("p0.ppm")), crop, input, expected).ok());
    CHECK(batch.images == expected);
  }
}

TEST_CASE("preloading finds every unusable image, and can leave their rows out") {
  NoiseImages p(12);
  p.write("p0.ppm", "nonsense");
  p.write("p7.ppm", "P6\n20 14\n255\ncut");
  LoaderOptions o = options(4, 3);
  o.cache_bytes = 3 * 80 * 5;
  ImageLoader loader(p.data, p.rows, o);
  std::atomic<int> calls{0};
  const auto problems = loader.preload(true, [&](std::size_t) { ++calls; });
  CHECK(calls == 12);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].line == 2);
  CHECK(problems[0].text.find("p0.ppm") != std::string::npos);
  CHECK(problems[1].line == 9);
  CHECK(loader.rows() == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 8, 9, 10, 11});
  ImageLoader fresh(p.data, loader.rows(), o);
  CHECK(run(loader, 2) == run(fresh, 2));
  CHECK(loader.preload().empty());
  CHECK(run(loader, 2) == run(fresh, 2));
}

TEST_CASE("several processes share each batch: together they have it once, augmented as for one") {
  NoiseImages p(23);
  LoaderOptions o = options(5, 2);
  o.augmentation = everything();
  ImageLoader reference(p.data, p.rows, o);
  const Epoch whole = run(reference, 3);
  for (const int ranks : {2, 3, 5}) {
    ThreadMeeting meeting(ranks);
    std::vector<Epoch> parts;
    std::vector<std::vector<int>> first;
    for (int rank = 0; rank < ranks; ++rank) {
      ThreadRank self(meeting, rank);
      o.ranks = &self;
      ImageLoader loader(p.data, p.rows, o);
      parts.push_back(run(loader, 3));
      REQUIRE(loader.start(3, 1).ok());
      first.emplace_back();
      for (Batch batch; *loader.next(batch); first.back().push_back(batch.first))
        CHECK(batch.total == (first.back().size() < 3 ? 5 : 3));
    }
    // The batches put together again: those of earlier ranks come first.
    Epoch together;
    std::vector<std::size_t> done(static_cast<std::size_t>(ranks));
    for (std::size_t b = 0; b < 5; ++b) {
      int count = 0;
      for (std::size_t rank = 0; rank < parts.size(); ++rank) {
        const Epoch& part = parts[rank];
        REQUIRE(part.counts.size() == 5);
        if (b > 0) CHECK(first[rank][b - 1] == count);
        for (int i = 0; i < part.counts[b]; ++i, ++done[rank], ++count) {
          together.samples.push_back(part.samples[done[rank]]);
          together.scores.push_back(part.scores[done[rank]]);
          const auto at = part.images.begin() + static_cast<std::ptrdiff_t>(done[rank] * o.input.size());
          together.images.insert(together.images.end(), at, at + static_cast<std::ptrdiff_t>(o.input.size()));
        }
      }
      together.counts.push_back(count);
    }
    CHECK(together == whole);
  }
}

TEST_CASE("processes share the check of the images, and all leave the same rows out") {
  NoiseImages p(12);
  p.write("p0.ppm", "nonsense");
  p.write("p7.ppm", "P6\n20 14\n255\ncut");
  std::vector<std::vector<std::size_t>> rows(3);
  std::vector<std::vector<RowProblem>> problems(3);
  std::atomic<int> decoded{0};
  run_ranks(3, [&](ThreadRank& self, ThreadRank&) {
    LoaderOptions o = options(4, 1);
    o.ranks = &self;
    o.read = [&](const Sample& sample) {
      ++decoded;
      return read_image(sample.file);
    };
    ImageLoader loader(p.data, p.rows, o);
    const auto rank = static_cast<std::size_t>(self.rank());
    problems[rank] = loader.preload(true);
    rows[rank] = loader.rows();
  });
  CHECK(decoded == 12 + 2 * 2);  // each image once, and the bad ones by the other two as well
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CHECK(rows[rank] == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 8, 9, 10, 11});
    REQUIRE(problems[rank].size() == 2);
    CHECK(problems[rank][1].text.find("p7.ppm") != std::string::npos);
  }
}

TEST_CASE("a batch smaller than the number of processes is refused") {
  NoiseImages p(8);
  ThreadMeeting meeting(4);
  ThreadRank self(meeting, 0);
  LoaderOptions o = options(3, 1);
  o.ranks = &self;
  ImageLoader loader(p.data, p.rows, o);
  CHECK(mentions(loader.start(0), "a batch of 3 images can't be shared by 4 processes"));
}

TEST_CASE("an epoch can be left in the middle, and another begun") {
  NoiseImages p(40);
  LoaderOptions o = options(2, 3);
  o.cache_bytes = 0;
  ImageLoader reference(p.data, p.rows, o);
  const Epoch two = run(reference, 2);
  for (int round = 0; round < 20; ++round) {
    ImageLoader loader(p.data, p.rows, o);
    REQUIRE(loader.start(1).ok());
    Batch batch;
    for (int i = 0; i < round % 5; ++i) REQUIRE(loader.next(batch).ok());
    if (round % 3 == 0) loader.stop();
    if (round % 2 == 0) CHECK(run(loader, 2) == two);
  }
}

TEST_CASE("impossible options are refused") {
  NoiseImages p(3);
  Batch batch;
  ImageLoader idle(p.data, p.rows, options(1, 1));
  CHECK(idle.next(batch).status().code() == Errc::bad_argument);
  for (int wrong = 0; wrong < 4; ++wrong) {
    LoaderOptions o = options(1, 1);
    if (wrong == 0) o.batch = 0;
    if (wrong == 1) o.ahead = 0;
    if (wrong == 2) o.input.height = 0;
    if (wrong == 3) o.augmentation.hflip = 2;
    ImageLoader loader(p.data, p.rows, o);
    CHECK(loader.start(0).code() == Errc::bad_argument);
  }
  ImageLoader outside(p.data, {3}, options(1, 1));
  CHECK(outside.start(0).code() == Errc::bad_argument);
}

TEST_CASE("the buffers of a batch are used again") {
  NoiseImages p(12);
  LoaderOptions o = options(4, 2);
  ImageLoader loader(p.data, p.rows, o);
  std::vector<const float*> seen;
  Batch batch;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    REQUIRE(loader.start(epoch).ok());
    while (*loader.next(batch)) seen.push_back(batch.images.data());
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() <= 3);
}
