#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <string>

namespace {

/// Runs verify-eval on made-up embeddings. The methods random and norm need no images.
ToolResult verify(const std::string& arguments, const std::string& csv = fixture("recognition/faces.csv")) {
  return run_tool("verify-eval --data " + csv + " --embeddings " + fixture("recognition/faces.npy") +
                  " --resamples 50 --quality random norm " + arguments);
}

}  // namespace

TEST_CASE("verify-eval: tables, CSV and charts of two methods") {
  const std::string dir = scratch_dir("verify");
  const auto r = verify("--out " + dir);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "48 images, 120 genuine and 1008 impostor pairs"));
  CHECK(contains(r.out, "| random | "));
  CHECK(contains(r.out, "| norm | "));
  CHECK(contains(r.out, "FMR 1e-3 can't be measured: it needs 10000 impostor pairs"));
  CHECK(read_text(dir + "/verification.md") == r.out);
  CHECK(contains(read_text(dir + "/verification.csv"), "\ndiscard,norm,1e-2,area30,"));
  CHECK(contains(read_text(dir + "/verification.svg"), "Error versus discard"));
  CHECK(verify("").out == r.out);
}

TEST_CASE("verify-eval: pairs give accuracy by folds, equal blocks or those of the file") {
  auto r = verify("--pairs " + fixture("recognition/pairs.txt") + " --folds 4");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "48 pairs in 4 folds: accuracy "));
  const std::string dir = scratch_dir("verify_pairs");
  write_text(dir + "/pairs.csv",
             "path1,path2,same,fold\r\nperson0/0.jpg,person0/1.jpg,1,1\r\n"
             "person0/0.jpg,\"person1/1.jpg\",0,1\r\nperson2/0.jpg,person2/1.jpg,1,2\r\n"
             "person3/0.jpg,person1/1.jpg,0,2\r\n");
  r = verify("--pairs " + dir + "/pairs.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "4 pairs in 2 folds"));
}

TEST_CASE("verify-eval: wrong pairs are reported with file and line") {
  const std::string dir = scratch_dir("verify_bad"), pairs = dir + "/pairs.txt";
  const auto error = [&](const std::string& text) {
    write_text(pairs, text);
    const auto r = verify("--pairs " + pairs);
    CHECK(r.code == 2);
    return r.err;
  };
  CHECK(contains(error("\nperson0/0.jpg nobody/1.jpg 1\n"),
                 "pairs.txt:2: nobody/1.jpg is not a path of --data"));
  CHECK(contains(error("person0/0.jpg person0/1.jpg same\n"), "the label 'same'"));
  CHECK(contains(error("person0/0.jpg person0/1.jpg\n"), "pairs.txt:1: not 'path1 path2 label"));
  CHECK(contains(error(""), "the file is empty"));
}

TEST_CASE("verify-eval: templates give one image each, and say which rates need more pairs") {
  const std::string dir = scratch_dir("verify_templates"), csv = dir + "/faces.csv";
  std::string text = "path,identity,video\n";
  for (int i = 0; i < 48; ++i) {
    const std::string person = std::to_string(i / 6);
    text += "person" + person + "/" + std::to_string(i % 6) + ".jpg,person " + person + ",v" +
            std::to_string(i / 3) + "\n";
  }
  write_text(csv, text);
  auto r = verify("--template-column video", csv);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "best image of each of 16 templates; 8 genuine and 112 impostor pairs"));
  CHECK(contains(r.out, "needs 1000000 impostor pairs"));
  CHECK(contains(verify("--template-column identity", csv).err, "no two templates"));
  r = verify("--template-column show", csv);
  CHECK(contains(r.err, "no column is called 'show'"));
  text.replace(text.find(",v0\n"), 4, ",v9\n");
  write_text(csv, text);
  CHECK(contains(verify("--template-column video", csv).err, "a template with two people"));
}

TEST_CASE("verify-eval: score files, left-out images and unknown methods") {
  const std::string dir = scratch_dir("verify_methods");
  write_text(dir + "/mine.csv", "path,score\nperson0/0.jpg,0.5\n");
  auto r = verify(dir + "/mine.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "| mine |"));
  CHECK(contains(r.err, "mine has no score for 47 images"));
  r = verify("--exclude " + dir + "/mine.csv");
  CHECK(contains(r.out, "47 images"));
  CHECK(contains(r.err, "1 images left out"));
  CHECK(contains(verify("nonsense").err, "no such file, and not one of random, blur"));
  CHECK(verify("tinyfqnet_l").code == 0);
  CHECK(contains(verify("efficientnet_b0").err, "no trained weights of efficientnet_b0"));
  CHECK(contains(verify("pose").err, "needs five landmarks"));
  CHECK(contains(verify("norm").err, "two methods are called norm"));
}

TEST_CASE("verify-eval: pairs of one person are drawn at random if there are more than --most-genuine") {
  const auto all = verify("");
  CHECK(verify("--most-genuine 120").out == all.out);
  const auto some = verify("--most-genuine 50");
  CHECK(contains(some.out, "50 genuine and 1008 impostor pairs"));
  CHECK(contains(some.err, "50 of 120 pairs of one person are compared, drawn at random"));
  CHECK(verify("--most-genuine 50").out == some.out);
  CHECK(verify("--most-genuine 50 --seed 2").out != some.out);
}
