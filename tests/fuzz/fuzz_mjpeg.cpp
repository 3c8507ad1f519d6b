// Reads any bytes as a stream of JPEGs, in pieces of several sizes. The frames must not depend on the size
// of the pieces, whole frames must begin and end with their markers, and every byte must be counted once.
// Seeds: tests/fixtures/image.
#include <tinyfiqa/image/mjpeg.hpp>

#include <cstdlib>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr std::size_t max_frame = 4096;

struct Seen {
  std::vector<std::vector<unsigned char>> frames;
  std::size_t bytes = 0;
};

Seen split(Bytes stream, std::size_t piece) {
  Seen seen;
  MjpegSplitter splitter(max_frame);
  const auto take = [&](const MjpegFrame& f) {
    if (f.number != seen.frames.size() + 1) std::abort();
    if (f.status.ok() && (f.bytes.size < 4 || f.bytes[0] != 0xFF || f.bytes[1] != 0xD8 ||
                          f.bytes[f.bytes.size - 2] != 0xFF || f.bytes[f.bytes.size - 1] != 0xD9))
      std::abort();
    seen.frames.emplace_back(f.bytes.begin(), f.bytes.end());
    seen.bytes += f.bytes.size + f.garbage;
  };
  for (std::size_t at = 0; at < stream.size; at += piece)
    splitter.feed({stream.data + at, piece < stream.size - at ? piece : stream.size - at}, take);
  seen.bytes += splitter.finish(take);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream(data, size);
  const Seen bytewise = split(stream, 1);
  if (bytewise.bytes != size) std::abort();
  // Frames that are too long are detected at the end of a piece, so they depend on the size of the pieces.
  if (size > max_frame) return 0;
  for (const std::size_t piece : {std::size_t{2}, std::size_t{7}, size})
    if (split(stream, piece).frames != bytewise.frames) std::abort();
  return 0;
}
