#include <tinyfiqa/image/mjpeg.hpp>

#include <tinyfiqa/image/read.hpp>

#include "formats/io_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

using Jpegs = std::vector<unsigned char>;

Jpegs bytes_in(const std::string& path) {
  const auto file = read_file(path);
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  return {file->bytes.begin(), file->bytes.end()};
}

void append(Jpegs& to, const Jpegs& more) { to.insert(to.end(), more.begin(), more.end()); }

struct Seen {
  std::vector<Jpegs> frames;
  std::vector<std::string> errors;  // empty text for a whole frame
  std::vector<std::size_t> garbage;
  std::size_t left = 0;
};

Seen split(const Jpegs& stream, std::size_t piece,
           std::size_t most = MjpegSplitter::default_max_frame_bytes) {
  Seen seen;
  MjpegSplitter splitter(most);
  const auto take = [&](const MjpegFrame& f) {
    CHECK(f.number == seen.frames.size() + 1);
    seen.frames.emplace_back(f.bytes.begin(), f.bytes.end());
    seen.errors.emplace_back(f.status.message());
    seen.garbage.push_back(f.garbage);
  };
  for (std::size_t at = 0; at < stream.size(); at += piece)
    splitter.feed({stream.data() + at, std::min(piece, stream.size() - at)}, take);
  seen.left = splitter.finish(take);
  return seen;
}

/// SOI, an APP1 segment that holds an end marker, a scan with a stuffed FF, a restart marker and fill, EOI.
const Jpegs tricky = {0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x08, 0xFF, 0xD8, 0xFF, 0xD9, 0xFF, 0x00, 0xFF, 0xDA,
                      0x00, 0x03, 0x01, 0x55, 0xFF, 0x00, 0xD9, 0xFF, 0xD3, 0x12, 0xFF, 0xFF, 0xD9};

}  // namespace

TEST_CASE("an MJPEG stream gives exactly the files that it was made of, in pieces of any size") {
  std::vector<Jpegs> files;
  for (const char* name : {"jpeg_444.jpg", "jpeg_progressive.jpg", "jpeg_grey.jpg", "exif6.jpg"})
    files.push_back(bytes_in(fixture(std::string("image/") + name)));
  Jpegs stream;
  for (const Jpegs& file : files) append(stream, file);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}, stream.size()}) {
    const Seen seen = split(stream, piece);
    CHECK(seen.frames == files);
    CHECK(seen.left == 0);
    for (const std::string& error : seen.errors) CHECK(error.empty());
  }
}

TEST_CASE("markers in segments, stuffed bytes, restart markers and fill bytes end no frame") {
  Jpegs stream = tricky;
  append(stream, tricky);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const Seen seen = split(stream, piece);
    REQUIRE(seen.frames.size() == 2);
    CHECK(seen.frames[0] == tricky);
    CHECK(seen.frames[1] == tricky);
  }
}

TEST_CASE("garbage before, between and after frames is counted and left out") {
  Jpegs stream = {'j', 0xFF, 0x00, 0xFF, 0xD8, 0x00};
  append(stream, tricky);
  append(stream, {0, 0, 0xFF, 0xFF});
  append(stream, tricky);
  append(stream, {0xFF, 0xD8});
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const Seen seen = split(stream, piece);
    REQUIRE(seen.frames.size() == 2);
    CHECK(seen.frames[1] == tricky);
    CHECK(seen.garbage == std::vector<std::size_t>{6, 4});
    CHECK(seen.left == 2);
  }
}

TEST_CASE("a frame that is cut off is reported where the next begins or the stream ends, by its number") {
  const Jpegs whole = bytes_in(fixture("image/jpeg_444.jpg"));
  Jpegs stream = whole;
  append(stream, {whole.begin(), whole.end() - 20});
  append(stream, whole);
  append(stream, {whole.begin(), whole.end() - 1});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, stream.size()}) {
    const Seen seen = split(stream, piece);
    REQUIRE(seen.frames.size() == 4);
    CHECK(seen.errors[0].empty());
    CHECK(contains(seen.errors[1], "frame 2: cut off"));
    CHECK(seen.frames[2] == whole);
    CHECK(contains(seen.errors[3], "frame 4: the stream ends in the middle"));
  }
}

TEST_CASE("a frame over the limit is reported and skipped, the next one is found") {
  Jpegs stream = {0xFF, 0xD8, 0xFF, 0xDA, 0x00, 0x02};
  append(stream, Jpegs(5000, 0x33));
  append(stream, {0xFF, 0xD9});
  append(stream, tricky);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{64}, stream.size()}) {
    const Seen seen = split(stream, piece, 1000);
    REQUIRE(seen.frames.size() == 2);
    CHECK(contains(seen.errors[0], "limit"));
    CHECK(seen.errors[1].empty());
    CHECK(seen.frames[1] == tricky);
  }
}

TEST_CASE("an empty stream has no frames") {
  const Seen seen = split({}, 1);
  CHECK(seen.frames.empty());
  CHECK(seen.left == 0);
}
