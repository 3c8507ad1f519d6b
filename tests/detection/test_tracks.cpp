// Faces that are followed through a video.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/detection/face_tracks.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr float face_side = 60;  // in pixels

Face face_around(float centre_x, float centre_y, float size = face_side) {
  Face face;
  face.box = {centre_x - size / 2, centre_y - size / 2, size, size};
  face.confidence = 0.9f;
  return face;
}

/// The numbers of these faces' tracks, in the order of the faces.
std::vector<int> follow(FaceTracks& tracks, const std::vector<Face>& faces) {
  std::vector<int> numbers;
  for (const TrackedFace& f : tracks.follow({faces.data(), faces.size()})) numbers.push_back(f.track);
  return numbers;
}

template <class T>
void put_in_random_order(std::vector<T>& values, Rng& rng) {
  for (std::uint32_t left = static_cast<std::uint32_t>(values.size()); left > 1; --left)
    std::swap(values[left - 1], values[rng.below(left)]);
}

/// A pixel of the detector's inaccuracy.
float inaccuracy(Rng& rng) { return rng.uniform(-1, 1); }

}  // namespace

TEST_CASE("tracks are numbered from 1 in the order in which their faces appear") {
  FaceTracks tracks;
  CHECK(tracks.count() == 0);
  CHECK(follow(tracks, {}).empty());
  CHECK(follow(tracks, {face_around(500, 100), face_around(100, 100)}) == std::vector<int>{1, 2});
  CHECK(follow(tracks, {face_around(300, 100), face_around(500, 100), face_around(100, 100)}) ==
        std::vector<int>{3, 1, 2});
  CHECK(tracks.count() == 3);
}

TEST_CASE("a followed face is the face of the frame, not the expected one") {
  FaceTracks tracks;
  follow(tracks, {face_around(100, 100)});
  const Face moved = face_around(120, 90, 66);
  const auto followed = tracks.follow({&moved, 1});
  REQUIRE(followed.size == 1);
  CHECK(followed[0].face.box.x == moved.box.x);
  CHECK(followed[0].face.box.width == moved.box.width);
  CHECK(followed[0].face.confidence == moved.confidence);
}

TEST_CASE("two faces that cross keep their tracks") {
  Rng rng(1);
  FaceTracks tracks;
  for (int frame = 0; frame <= 40; ++frame) {
    INFO("frame " << frame);
    const float moved = 10 * static_cast<float>(frame);
    const Face to_right = face_around(100 + moved + inaccuracy(rng), 200 + inaccuracy(rng)),
               to_left = face_around(500 - moved + inaccuracy(rng), 205 + inaccuracy(rng));
    CHECK(follow(tracks, {to_right, to_left}) == std::vector<int>{1, 2});
  }
}

TEST_CASE("two faces that cross keep their tracks though the one behind is not detected meanwhile") {
  Rng rng(2);
  FaceTracks tracks;
  int hidden = 0;
  for (int frame = 0; frame <= 40; ++frame) {
    INFO("frame " << frame);
    const float moved = 10 * static_cast<float>(frame);
    const Face front = face_around(100 + moved + inaccuracy(rng), 200 + inaccuracy(rng)),
               behind = face_around(500 - moved + inaccuracy(rng), 205 + inaccuracy(rng));
    if (box_iou(front.box, behind.box) > 0.3f) {
      ++hidden;
      CHECK(follow(tracks, {front}) == std::vector<int>{1});
    } else {
      CHECK(follow(tracks, {front, behind}) == std::vector<int>{1, 2});
    }
  }
  CHECK(hidden >= 3);
}

TEST_CASE("a face that moves fast keeps its track, even if its boxes do not overlap") {
  FaceTracks tracks;
  float x = 100, step = 0;
  for (int frame = 0; frame < 30; ++frame) {
    INFO("frame " << frame << ", " << step << " pixels further");
    CHECK(follow(tracks, {face_around(x, 200)}) == std::vector<int>{1});
    step = std::min(step + 0.3f * face_side, 1.5f * face_side);
    x += step;
  }
  CHECK(step > face_side);
}

TEST_CASE("a face far from the expected place is another person, and so is one of another size") {
  FaceTracks tracks;
  follow(tracks, {face_around(100, 100)});
  CHECK(follow(tracks, {face_around(100 + 1.5f * face_side, 100)}) == std::vector<int>{2});
  CHECK(follow(tracks, {face_around(100, 100, face_side / 3)}) == std::vector<int>{3});
}

TEST_CASE("a lost face comes back to its track within most_missed frames, and gets a new one after them") {
  const TrackOptions options;
  for (const int lost : {1, options.most_missed, options.most_missed + 1}) {
    INFO(lost << " frames without the face");
    FaceTracks tracks(options);
    const auto place = [](int frame) { return face_around(100 + 4 * static_cast<float>(frame), 100); };
    int frame = 0;
    for (; frame < 10; ++frame) CHECK(follow(tracks, {place(frame)}) == std::vector<int>{1});
    for (const int end = frame + lost; frame < end; ++frame) CHECK(follow(tracks, {}).empty());
    CHECK(follow(tracks, {place(frame)}) == std::vector<int>{lost <= options.most_missed ? 1 : 2});
  }
}

TEST_CASE("a lost face does not take the track of one that stays") {
  FaceTracks tracks;
  follow(tracks, {face_around(100, 100), face_around(100 + 0.9f * face_side, 100)});
  for (int frame = 0; frame < 5; ++frame)
    CHECK(follow(tracks, {face_around(100 + 0.9f * face_side, 100)}) == std::vector<int>{2});
  CHECK(follow(tracks, {face_around(100, 100), face_around(100 + 0.9f * face_side, 100)}) ==
        std::vector<int>{1, 2});
}

TEST_CASE("the order of the faces within a frame does not change who is who") {
  constexpr int people = 5;
  Rng rng(3);
  FaceTracks tracks;
  std::vector<std::size_t> order;
  for (std::size_t person = 0; person < people; ++person) order.push_back(person);
  for (int frame = 0; frame < 60; ++frame) {
    INFO("frame " << frame);
    std::vector<Face> faces(people);
    std::vector<int> expected(people);
    for (std::size_t place = 0; place < people; ++place) {
      const auto person = static_cast<float>(order[place]);
      // Each has its own speed; their paths cross.
      const float x = 100 + 90 * person + (6 - 3 * person) * static_cast<float>(frame);
      faces[place] = face_around(x + inaccuracy(rng), 100 + 25 * person + inaccuracy(rng));
      expected[place] = static_cast<int>(order[place]) + 1;
    }
    CHECK(follow(tracks, faces) == expected);
    put_in_random_order(order, rng);
  }
  CHECK(tracks.count() == people);
}

TEST_CASE("ten thousand frames of random faces keep only the tracks that may go on") {
  constexpr std::size_t most_faces = 6;
  const TrackOptions options;
  Rng rng(4);
  FaceTracks tracks(options);
  std::size_t most_live = 0;
  int last = 0;
  for (int frame = 0; frame < 10000; ++frame) {
    std::vector<Face> faces(rng.below(most_faces + 1));
    for (Face& face : faces)
      face = face_around(rng.uniform(0, 4000), rng.uniform(0, 4000), rng.uniform(20, 200));
    std::vector<int> numbers = follow(tracks, faces);
    std::sort(numbers.begin(), numbers.end());
    CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
    CHECK(tracks.count() >= last);
    last = tracks.count();
    most_live = std::max(most_live, tracks.live());
  }
  CHECK(last > 10000);
  CHECK(most_live <= most_faces * (static_cast<std::size_t>(options.most_missed) + 1));
  for (int frame = 0; frame <= options.most_missed; ++frame) follow(tracks, {});
  CHECK(tracks.live() == 0);
}
