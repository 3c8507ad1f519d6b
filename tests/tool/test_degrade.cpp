#include <doctest/doctest.h>

#include "run_tool.hpp"

#include <sstream>
#include <string>

namespace {

const std::string labelled = "--data " TINYFIQA_SOURCE_DIR "/examples/faces/labels.csv ";

}  // namespace

TEST_CASE("degrade: all, some or none of the images, the same for the same seed") {
  const std::string dir = scratch_dir("degrade");
  auto r = run_tool("degrade " + labelled + "--share 1 --out " + dir + "/all");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const std::string csv = read_text(dir + "/all/faces.csv");
  CHECK(contains(csv, "path,score,degradation\n"));
  CHECK(count_lines(csv) == 7);
  CHECK_FALSE(contains(csv, ",none"));
  CHECK(run_tool("degrade " + labelled + "--share 1 --threads 1 --out " + dir + "/again").code == 0);
  CHECK(read_text(dir + "/again/faces.csv") == csv);
  CHECK(read_text(dir + "/again/astronaut.jpg") == read_text(dir + "/all/astronaut.jpg"));
  CHECK(run_tool("score --face whole " + dir + "/all").code == 0);
  CHECK(run_tool("degrade " + labelled + "--share 0 --out " + dir + "/none").code == 0);
  CHECK(read_text(dir + "/none/astronaut.jpg") ==
        read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg"));
  CHECK(contains(read_text(dir + "/none/faces.csv"), "astronaut.jpg,0.9,none\n"));
}

TEST_CASE("degrade: copies beside the images, of the wanted kinds, with their distance from the image") {
  const std::string dir = scratch_dir("degrade_copies");
  auto r = run_tool("degrade " + labelled + "--copies 2 --kinds motion,jpeg --gmsd --out " + dir + "/all");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const std::string csv = read_text(dir + "/all/faces.csv");
  CHECK(contains(
      csv,
      "path,score,original,degradation,gmsd\nastronaut.jpg,0.9,,none,0\nastronaut~1.jpg,0.9,astronaut.jpg,"));
  CHECK(count_lines(csv) == 19);
  CHECK(contains(csv, ",motion "));
  CHECK(contains(csv, ",jpeg "));
  CHECK_FALSE(contains(csv, ",blur "));
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);)
    if (contains(line, "~")) {  // JPEG hardly changes an image that was strongly compressed before
      const double gmsd = std::stod(line.substr(line.rfind(',') + 1));
      CHECK(gmsd > (contains(line, "motion") ? 0.05 : 0.0));
    }
  CHECK(read_text(dir + "/all/astronaut.jpg") ==
        read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg"));
  CHECK(read_text(dir + "/all/astronaut~1.jpg") != read_text(dir + "/all/astronaut~2.jpg"));
  r = run_tool("degrade " + labelled + "--kinds sepia --out " + dir + "/none");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "sepia"));
}

TEST_CASE("degrade: paths that lead out of the folder are refused") {
  const std::string dir = scratch_dir("degrade_bad");
  std::ofstream(dir + "/a.csv") << "path\n../degrade_bad/x.jpg\n";
  std::ofstream(dir + "/x.jpg") << read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  const auto r = run_tool("degrade --data " + dir + "/a.csv --out " + dir + "/out");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "would not lie below --out"));
}

TEST_CASE("degrade: an --out that can't be written is found before the work") {
  const std::string dir = scratch_dir("degrade_nowhere");
  std::ofstream(dir + "/file") << "in the way";
  const auto r = run_tool("degrade " + labelled + "--out " + dir + "/file/out");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "--out " + dir + "/file/out: can't create this folder: "));
  CHECK(read_text(dir + "/file") == "in the way");
}
