#include <doctest/doctest.h>

#include "run_tool.hpp"

#include <string>

namespace {

/// Writes 40 rows of two people, one of whom has only three images. The last row of "many" is a suspect.
std::string write_labels(const std::string& dir) {
  std::string text = "path,score,identity,suspect,\"no, te\"\r\n";
  for (int i = 0; i < 40; ++i)
    text += "f" + std::to_string(i) + ".jpg," + std::to_string(0.02 * i + 0.01) + "," +
            (i < 3 ? "few" : "many") + "," + (i == 39 ? "stranger" : "") + ",\"\xC3\xA4, b\"\r\n";
  std::ofstream(dir + "/labels.csv", std::ios::binary) << text;
  return dir + "/labels.csv";
}

}  // namespace

TEST_CASE("sample: people with few images and suspects are left out, columns are kept, histograms drawn") {
  const std::string dir = scratch_dir("sample"), csv = write_labels(dir);
  const auto r =
      run_tool("sample --data " + csv + " --fewest-images 10 --most-copies 1 --svg " + dir + "/h.svg");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 37);
  CHECK(contains(r.out, "path,score,identity,suspect,\"no, te\"\nf3.jpg,"));
  CHECK(contains(r.out, ",\"\xC3\xA4, b\"\n"));
  CHECK(contains(r.err, "left out 3 images of people with fewer than 10 images, and 1 suspects"));
  const std::string svg = read_text(dir + "/h.svg");
  CHECK(contains(svg, "before sampling"));
  CHECK(contains(svg, "after"));
}

TEST_CASE("sample: both modes give the wanted number, the same for the same seed") {
  const std::string dir = scratch_dir("sample_modes"), csv = write_labels(dir);
  for (const char* mode : {"smooth", "random"}) {
    const std::string arguments =
        "sample --data " + csv + " --fewest-images 1 --target 12 --mode " + mode + " --seed ";
    const auto first = run_tool(arguments + "5"), again = run_tool(arguments + "5"),
               other = run_tool(arguments + "6");
    REQUIRE_MESSAGE(first.code == 0, first.err);
    CHECK(count_lines(first.out) == 13);
    CHECK(first.out == again.out);
    CHECK(first.out != other.out);
  }
}

TEST_CASE("sample: what can't be sampled is reported") {
  const std::string dir = scratch_dir("sample_bad"), csv = write_labels(dir);
  auto r = run_tool("sample --data " + csv);
  CHECK(r.code == 2);
  CHECK(contains(r.err, "no person has 100 images; lower --fewest-images"));
  r = run_tool("sample --data " + csv + " --fewest-images 1 --target 900");
  CHECK(contains(r.err, "the bins have only"));
  std::ofstream(dir + "/labels.csv", std::ios::binary) << "path,score\na.jpg,0.5\n";
  CHECK(contains(run_tool("sample --data " + csv).err, "no identity of a.jpg"));
  std::ofstream(dir + "/labels.csv", std::ios::binary) << "path,identity\na.jpg,me\n";
  CHECK(contains(run_tool("sample --data " + csv).err, "no column is called 'score'"));
  r = run_tool("sample --data {faces}/labels.csv --fewest-images 1 --out /nonexistent/x.csv");
  CHECK(r.code == 1);
}
