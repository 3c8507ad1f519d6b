// The texts of options, and the command line of run.json: what is read, and what is refused.
#include "jobs/training/run_command.hpp"
#include "options/option_texts.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tinyfiqa;

TEST_CASE("a size is two whole numbers within the limit, and nothing else") {
  int first = 0, second = 0;
  CHECK(read_size("600x416", 16384, first, second));
  CHECK(first == 600);
  CHECK(second == 416);
  CHECK(read_size("1x16384", 16384, first, second));
  // The last ones are 1 and 3 if a number that is too large is cut off.
  for (const char* text :
       {"", "x", "600", "600x", "x416", "600X416", "600x416 ", " 600x416", "600 x416", "0x5", "5x0", "-5x5",
        "+5x5", "5x5x5", "5.0x5", "16385x1", "4294967297x5", "3x18446744073709551619"}) {
    CAPTURE(text);
    CHECK_FALSE(read_size(text, 16384, first, second));
  }
}

TEST_CASE("a time is a number with s, ms, min or no unit, above 0 and of at most a day") {
  double seconds = 0;
  const auto reads = [&](const char* text) { return read_duration(text, seconds); };
  CHECK(reads("10s"));
  CHECK(seconds == 10);
  CHECK(reads("2.5"));
  CHECK(seconds == 2.5);
  CHECK(reads("500ms"));
  CHECK(seconds == 0.5);
  CHECK(reads("2min"));
  CHECK(seconds == 120);
  CHECK(reads("1440min"));
  for (const char* text : {"", "s", "0", "0s", "-1s", "10 s", "10m", "10h", "1s5", "1e9s", "nan", "inf",
                           "1441min", "10S", "ms10"}) {
    CAPTURE(text);
    CHECK_FALSE(reads(text));
  }
}

TEST_CASE("a range of labels has two finite ends, the lower one first") {
  const auto range = read_label_range("-1.5,2e1");
  REQUIRE(range.ok());
  CHECK(range->low == -1.5);
  CHECK(range->high == 20);
  for (const char* text :
       {"", "1", "1,", ",1", "1,1", "2,1", "0,1,2", "0,nan", "-inf,0", "0,1e999", "0;1", "a,b"}) {
    CAPTURE(text);
    CHECK(read_label_range(text).status().code() == Errc::bad_argument);
  }
}

TEST_CASE("a box has four numbers, landmarks have ten, and only one of them is given") {
  const auto box = read_crop("1,2.5, 30,4e1", "");
  REQUIRE(box.ok());
  REQUIRE(box->box.has_value());
  CHECK(box->box->y == 2.5f);
  CHECK(box->box->height == 40);
  const auto huge = read_crop("-1e300,0,1e300,1", "");
  REQUIRE(huge.ok());
  CHECK(huge->box->x == -1e9f);
  const auto points = read_crop("", "1,2,3,4,5,6,7,8,9,10");
  REQUIRE(points.ok());
  CHECK(points->landmarks->x[4] == 9);
  CHECK(points->landmarks->y[0] == 2);
  CHECK_FALSE(read_crop("1,2,3,4", "1,2,3,4,5,6,7,8,9,10").ok());
  for (const char* text : {"1,2,3", "1,2,3,4,5", "1,2,3,nan", "1,2,,4", "1 2 3 4", "1,2,3,4x"}) {
    CAPTURE(text);
    CHECK(std::string(read_crop(text, "").status().message()).find("--box takes 4 numbers") == 0);
    CHECK(std::string(read_crop("", text).status().message()).find("--landmarks takes 10 numbers") == 0);
  }
}

TEST_CASE("run.json gives the command line and the folder, or is refused by its name") {
  const auto read = [](const std::string& text) {
    return read_run_command(FileBytes::from_memory(
        {reinterpret_cast<const unsigned char*>(text.data()), text.size()}, "run.json"));
  };
  const auto run = read(R"({"seed": 1, "command_line": ["--data", "a b.csv"], "directory": "/home/me"})");
  REQUIRE(run.ok());
  REQUIRE(run->words.size() == 2);
  CHECK(run->words[1] == "a b.csv");
  CHECK(run->directory == "/home/me");
  const std::string deep(100000, '[');
  for (const std::string& text : {std::string(), std::string("{}"), std::string("[]"), std::string("null"),
                                  deep, std::string(R"({"command_line": "x", "directory": "/"})"),
                                  std::string(R"({"command_line": [1], "directory": "/"})"),
                                  std::string(R"({"command_line": ["x"], "directory": 3})"),
                                  std::string(R"({"command_line": ["x"])")}) {
    const Status status = read(text).status();
    CHECK(status.code() == Errc::bad_format);
    CHECK(std::string(status.message()).find("run.json: ") == 0);
  }
}
