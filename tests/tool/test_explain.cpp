// Tests of `explain`.
#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>

#include "run_tool.hpp"

#include <filesystem>
#include <string>

using namespace tinyfiqa;

namespace {

const std::string astronaut = "explain {photos}/astronaut.jpg ";

Image picture_at(const std::string& path) {
  auto image = read_image(path);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

/// How much more red than blue the pixels of the right panel have, at the most and at the least.
std::pair<int, int> colours_of_map(const Image& picture) {
  int most = 0, least = 0;
  for (int y = 46; y < 46 + 384; ++y)
    for (int x = 416; x < 416 + 384; ++x) {
      const int warm = picture.pixel(x, y)[0] - picture.pixel(x, y)[2];
      most = std::max(most, warm), least = std::min(least, warm);
    }
  return {most, least};
}

}  // namespace

TEST_CASE("explain writes the face, its map in two colours and a legend, and prints the score of `score`") {
  const std::string dir = scratch_dir("explain");
  for (const std::string method : {"gradient", "occlusion"}) {
    CAPTURE(method);
    const auto r = run_tool(astronaut + "--method " + method + " --out " + dir + "/" + method + ".png");
    CHECK(r.err.empty());
    REQUIRE(r.code == 0);
    const auto scored = run_tool("score {photos}/astronaut.jpg");
    CHECK(contains(r.out, "quality " + std::to_string(std::stoi(scored.out))));
    const Image picture = picture_at(dir + "/" + method + ".png");
    CHECK(picture.width == 2 * 384 + 3 * 16);
    const auto [most, least] = colours_of_map(picture);
    CHECK(most > 100);
    CHECK(least < -10);
  }
}

TEST_CASE("explain writes the same picture each time, and another one with another seed") {
  const std::string dir = scratch_dir("explain_seed");
  for (const char* const options :
       {"--out {}/a.png", "--out {}/b.png --threads 2", "--out {}/c.png --seed 2"}) {
    std::string text = options;
    text.replace(text.find("{}"), 2, dir);
    REQUIRE(run_tool(astronaut + text).code == 0);
  }
  CHECK(read_text(dir + "/a.png") == read_text(dir + "/b.png"));
  CHECK(read_text(dir + "/a.png") != read_text(dir + "/c.png"));
}

TEST_CASE("explain writes one picture a face to a folder, and goes on behind photos without a face") {
  const std::string dir = scratch_dir("explain_folder");
  const auto r =
      run_tool("explain {photos}/group.jpg {photos}/coffee.jpg {photos}/astronaut.jpg --face all --out " +
               dir + "/maps");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "coffee.jpg: no face found"));
  CHECK(contains(r.err, "1 of 3 images could not be explained"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir + "/maps")) {
    CHECK(entry.path().extension() == ".png");
    ++files;
  }
  CHECK(files == count_lines(r.out));
  CHECK(files > 3);
  CHECK(std::filesystem::exists(dir + "/maps/astronaut.png"));
  CHECK(std::filesystem::exists(dir + "/maps/group.png"));
  CHECK(std::filesystem::exists(dir + "/maps/group_2.png"));
}

TEST_CASE("explain takes aligned faces, given boxes and other networks") {
  const std::string dir = scratch_dir("explain_inputs");
  for (const std::string options :
       {"explain {faces}/astronaut.jpg --face whole", "explain {photos}/astronaut.jpg --box 170,70,110,140",
        "explain {faces}/astronaut.jpg --model tinyfqnet --copies 2 --noise 0"}) {
    CAPTURE(options);
    const auto r = run_tool(options + " --out " + dir + "/map.png");
    CHECK(r.err.empty());
    CHECK(r.code == 0);
  }
}

TEST_CASE("explain refuses what has no map, and says what to do") {
  const std::string dir = scratch_dir("explain_errors");
  const auto error = [&](const std::string& arguments, const std::string& text) {
    CAPTURE(arguments);
    const auto r = run_tool("explain " + arguments);
    CHECK(r.code == 2);
    CHECK(contains(r.err, text));
  };
  const std::string photo = "{photos}/astronaut.jpg ", out = " --out " + dir + "/a.png";
  error(photo, "--out is required");
  error("--out " + dir + "/a.png", "nothing to explain");
  error(photo + "--model blur" + out, "blur is no network, so it has no heat map");
  error(photo + "--face all" + out, "give --out a folder");
  error(photo + photo + out, "2 images give several pictures");
  error(photo + "--copies 0" + out, "--copies");
  error(photo + "--out " + dir + "/a.jpg", "a.jpg: is written as a PNG; end its name in .png");
  error(photo + "--out " + dir + "/none/a.png", "none/a.png");
  CHECK_FALSE(std::filesystem::exists(dir + "/a.png"));
}
