// The parts of `tinyfiqa watch` that need no video: the queue of frames, the live bar, and the colours of cameras.
#include "jobs/watch/frame_queue.hpp"
#include "jobs/watch/live_bar.hpp"
#include "jobs/yuyv.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr double long_s = 60;  // no test waits this long unless it fails

/// A frame of one byte: its number.
struct SmallFrame {
  explicit SmallFrame(std::size_t number, Status status = {})
      : byte(static_cast<unsigned char>(number)), frame{number, std::move(status), {&byte, 1}, 0} {}
  SmallFrame(const SmallFrame&) = delete;
  SmallFrame& operator=(const SmallFrame&) = delete;

  unsigned char byte;
  CodedFrame frame;
};

bool put(FrameQueue& queue, std::size_t number, Status status = {}) {
  return queue.put(SmallFrame(number, std::move(status)).frame, static_cast<double>(number));
}

Status broken() { return Status::error(Errc::bad_format, "broken"); }

}  // namespace

TEST_CASE("the newest frame waits, and older ones are dropped and counted") {
  FrameQueue queue(WhenLate::drop);
  for (std::size_t i = 1; i <= 5; ++i) CHECK(put(queue, i));
  auto frame = queue.take(long_s);
  REQUIRE(frame.has_value());
  CHECK(frame->number == 5);
  CHECK(frame->bytes == std::vector<unsigned char>{5});
  CHECK(frame->arrived_s == 5);
  CHECK(frame->dropped == 4);
  CHECK_FALSE(queue.take(0).has_value());
  put(queue, 6);
  CHECK(queue.take(long_s)->dropped == 4);
}

TEST_CASE("frames that the source lost are dropped frames, too") {
  FrameQueue queue(WhenLate::wait);
  put(queue, 1);
  CHECK(queue.take(long_s)->dropped == 0);
  put(queue, 4);
  CHECK(queue.take(long_s)->dropped == 2);
}

TEST_CASE("a broken frame does not take the place of a good one, but a good one that of a broken one") {
  FrameQueue queue(WhenLate::drop);
  put(queue, 1);
  put(queue, 2, broken());
  CHECK(queue.take(long_s)->number == 1);
  put(queue, 3, broken());
  put(queue, 4);
  const auto frame = queue.take(long_s);
  CHECK(frame->number == 4);
  CHECK(frame->status.ok());
  CHECK(frame->dropped == 2);
  put(queue, 5, broken());
  CHECK_FALSE(queue.take(long_s)->status.ok());
}

TEST_CASE("without dropping, every frame arrives in order, whoever is faster") {
  FrameQueue queue(WhenLate::wait);
  std::thread reader([&] {
    for (std::size_t i = 1; i <= 200; ++i) put(queue, i);
    queue.end({});
  });
  std::vector<std::size_t> numbers;
  while (auto frame = queue.take(long_s)) numbers.push_back(frame->number);
  reader.join();
  REQUIRE(numbers.size() == 200);
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == i + 1);
  CHECK(queue.dropped() == 0);
  CHECK(queue.ended());
}

TEST_CASE("the frame that waits is taken after the source ended, and the end has its reason") {
  FrameQueue queue(WhenLate::drop);
  put(queue, 1);
  queue.end(Status::error(Errc::unreadable, "unplugged"));
  CHECK_FALSE(queue.ended());
  CHECK(queue.take(long_s).has_value());
  CHECK(queue.ended());
  CHECK_FALSE(queue.take(long_s).has_value());
  CHECK(std::string(queue.why().message()) == "unplugged");
}

TEST_CASE("closing the queue frees a reader that waits") {
  FrameQueue queue(WhenLate::wait);
  put(queue, 1);
  bool wanted = true;
  std::thread reader([&] { wanted = put(queue, 2); });
  queue.close();
  reader.join();
  CHECK_FALSE(wanted);
}

TEST_CASE("a text stays for its time, and then the newest one is shown") {
  SteadyText text(0.5);
  CHECK(text.update("a", 10) == "a");
  CHECK(text.update("b", 10.4) == "a");
  CHECK(text.update("a", 10.45) == "a");
  CHECK(text.update("c", 10.5) == "c");
  CHECK(text.update("", 10.6) == "c");
  CHECK(text.update("", 11.1).empty());
}

TEST_CASE("the live lines show bar, quality, best and advice, no wider than the terminal") {
  LiveView view;
  view.quality = 50, view.band = Band::fair, view.best = 64, view.frame = 120, view.dropped = 3;
  view.seconds = 8, view.rate = 15, view.advice = "too dark: add light in front";
  CHECK(live_lines(view, 100, false) ==
        "[###############...............]  50 fair    best  64  frame 120  8.0 s  15.0/s  3 dropped\n"
        "too dark: add light in front");
  const std::string coloured = live_lines(view, 100, true);
  CHECK(coloured.find("\033[36m[###############...............]\033[0m  50 fair") == 0);
  CHECK(live_lines(view, 20, true) == "[###############....\ntoo dark: add light ");
  CHECK(live_lines(view, 0, true) == "\n");
  view.quality.reset(), view.band.reset(), view.note = "no face", view.advice = "";
  CHECK(live_lines(view, 45, true) == "[..............................] no face     \n");
}

TEST_CASE("NO_COLOR and a dumb terminal switch colours off") {
  CHECK(wants_colours(nullptr, "xterm"));
  CHECK(wants_colours("", "xterm"));
  CHECK_FALSE(wants_colours("1", "xterm"));
  CHECK_FALSE(wants_colours(nullptr, "dumb"));
  CHECK_FALSE(wants_colours(nullptr, nullptr));
}

TEST_CASE("YUYV becomes RGB within one level of the formula, for both ranges and both sets of weights") {
  // Two pixels share their colour differences.
  std::vector<unsigned char> bytes;
  for (int y = 0; y < 256; y += 5)
    for (int u = 0; u < 256; u += 15)
      for (int v = 0; v < 256; v += 15)
        for (const int byte : {y, u, 255 - y, v}) bytes.push_back(static_cast<unsigned char>(byte));
  const int width = static_cast<int>(bytes.size() / 2);
  for (const bool full : {false, true})
    for (const bool bt709 : {false, true}) {
      Image image(width, 1);
      REQUIRE(yuyv_to_rgb({bytes.data(), bytes.size()}, bytes.size(), {full, bt709}, image).ok());
      double worst = 0;
      for (int x = 0; x < width; ++x) {
        const auto at = static_cast<std::size_t>(x / 2) * 4;
        const double luma = bytes[at + (x % 2 == 0 ? 0 : 2)];
        const double y = full ? luma : (luma - 16) * 255 / 219, scale = full ? 1 : 255.0 / 224;
        const double u = (bytes[at + 1] - 128.0) * scale, v = (bytes[at + 3] - 128.0) * scale;
        // ITU-R BT.601 and BT.709, section 3: R - Y, and B - Y; green from Y = kr R + kg G + kb B.
        const double kr = bt709 ? 0.2126 : 0.299, kb = bt709 ? 0.0722 : 0.114;
        const double red = y + 2 * (1 - kr) * v, blue = y + 2 * (1 - kb) * u;
        const double green = (y - kr * red - kb * blue) / (1 - kr - kb);
        const double expected[] = {red, green, blue};
        for (int c = 0; c < 3; ++c)
          worst = std::max(worst, std::abs(std::clamp(expected[c], 0.0, 255.0) - image.pixel(x, 0)[c]));
      }
      CHECK(worst < 0.51);
    }
}

TEST_CASE("YUYV: rows may have gaps, and frames that are too short are refused") {
  // Black and white of the studio range; each row is followed by two bytes that belong to none.
  const std::vector<unsigned char> bytes = {16, 128, 235, 128, 99, 99, 235, 128, 16, 128};
  Image image(2, 2);
  REQUIRE(yuyv_to_rgb({bytes.data(), bytes.size()}, 6, {}, image).ok());
  CHECK(image.rgb == std::vector<unsigned char>{0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0});
  CHECK(yuyv_to_rgb({bytes.data(), 9}, 6, {}, image).code() == Errc::mismatch);
  CHECK(yuyv_to_rgb({bytes.data(), 10}, 3, {}, image).code() == Errc::mismatch);
  Image odd(3, 1);
  CHECK(yuyv_to_rgb({bytes.data(), 10}, 6, {}, odd).code() == Errc::mismatch);
}
