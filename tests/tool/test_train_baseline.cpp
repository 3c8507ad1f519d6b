#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <string>

namespace {

std::string labels() { return "--whole-image --data " TINYFIQA_SOURCE_DIR "/examples/faces/labels.csv "; }

}  // namespace

TEST_CASE("train-baseline --method rqs: the file scores by itself, in every command that takes a model") {
  const std::string dir = scratch_dir("rqs"), file = dir + "/rqs.safetensors";
  const auto r = run_tool("train-baseline --method rqs " + labels() + "--out " + file + " --pairs 500");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.err, "Spearman"));
  const auto scores = run_tool("score {faces} --face whole --weights " + file + " --format csv");
  REQUIRE_MESSAGE(scores.code == 0, scores.err);
  CHECK(count_lines(scores.out) == 7);
  CHECK(scores.out ==
        run_tool("score {faces} --face whole --model rqs --threads 1 --format csv --weights " + file).out);
  const auto eval = run_tool("eval " + labels() + "--weights " + file + " --format csv --resamples 2");
  REQUIRE_MESSAGE(eval.code == 0, eval.err);
  // The six training faces: their order is learned.
  CHECK(contains(run_tool("select {faces} --face whole --weights " + file).out, "#1  100.00  "));
  const std::string again = dir + "/again.safetensors";
  CHECK(run_tool("train-baseline --method rqs " + labels() + "--out " + again + " --pairs 500 --threads 1")
            .code == 0);
  CHECK(read_text(file) == read_text(again));
}

TEST_CASE("train-baseline --method svm: the file carries its recogniser") {
  const std::string dir = scratch_dir("svm"), file = dir + "/svm.safetensors";
  if (reference_dir().empty()) return;  // the repository has no weights of a recogniser
  const std::string weights = reference_dir() + "/data/fr/mobilefacenet_a.safetensors";
  const auto r =
      run_tool("train-baseline --method svm " + labels() + "--recogniser " + weights + " --out " + file);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.err, "of 6 faces are support vectors"));
  const auto scores = run_tool("score {faces} --face whole --weights " + file + " --format csv");
  REQUIRE_MESSAGE(scores.code == 0, scores.err);
  CHECK(count_lines(scores.out) == 7);
  CHECK(run_tool("score {faces}/astronaut.jpg --weights " + file + " --tta flips").code == 2);
}

TEST_CASE("train-baseline: wrong usage is reported") {
  const std::string dir = scratch_dir("bad_baseline");
  CHECK(run_tool("train-baseline --method svr " + labels() + "--out x").code == 2);
  CHECK(contains(run_tool("train-baseline --method svm " + labels() + "--out " + dir + "/x").err,
                 "needs a recogniser"));
  CHECK(contains(run_tool("train-baseline --method rqs --gap 5 " + labels() + "--out " + dir + "/x").err,
                 "--gap"));
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --model rqs").err, "train-baseline --method rqs"));
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --model rqs --weights " TINYFIQA_SOURCE_DIR
                          "/weights/tinyfqnet.safetensors")
                     .err,
                 "is not a file of train-baseline --method rqs"));
}
