#include <tinyfiqa/base/rng.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "run_tool.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

std::string written(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

/// Writes `count` PPM images of 24 x 24 pixels, each with more noise than the one before.
void write_noise_images(const std::string& dir, int count) {
  tinyfiqa::Rng rng(4);
  for (int i = 0; i < count; ++i) {
    std::string text = "P6\n24 24\n255\n";
    for (int k = 0; k < 24 * 24 * 3; ++k)
      text.push_back(static_cast<char>(80 + k / 24 +
                                       static_cast<int>(rng.below(static_cast<std::uint32_t>(1 + 8 * i)))));
    written(dir + "/p" + std::to_string(i) + ".ppm", text);
  }
}

/// Writes labels for p0.ppm, p1.ppm, ...: the output of `score`, times `factor`.
std::string labels_from_scores(const std::string& dir, int count, double factor) {
  std::string csv = "path,score\n";
  for (int i = 0; i < count; ++i) {
    const std::string name = "p" + std::to_string(i) + ".ppm";
    const auto r = run_tool("score --face whole '" + dir + "/" + name + "' --format jsonl");
    REQUIRE(r.code == 0);
    csv += name + "," + std::to_string(factor * nlohmann::json::parse(r.out)["score"].get<double>()) + "\n";
  }
  return csv;
}

nlohmann::json json_of(const ToolResult& r) {
  INFO(r.err);
  REQUIRE_FALSE(r.out.empty());
  return nlohmann::json::parse(r.out);
}

}  // namespace

TEST_CASE("labels that are the network's own scores correlate perfectly") {
  const std::string dir = scratch_dir("eval");
  write_noise_images(dir, 8);
  written(dir + "/labels.csv", labels_from_scores(dir, 8, 1));
  const auto json =
      json_of(run_tool("eval --data " + dir + "/labels.csv --whole-image --format json --resamples 50"));
  CHECK(json["images"] == 8);
  CHECK(json["failed"] == 0);
  CHECK(json["models"] == nlohmann::json{"tinyfqnet_m"});
  CHECK(json["metrics"]["srcc"]["value"] == doctest::Approx(1));
  CHECK(json["metrics"]["plcc"]["value"].get<double>() > 0.99999);
  CHECK(json["metrics"]["rmse"]["value"].get<double>() < 1e-5);
  CHECK(json["bootstrap"]["resamples"] == 50);
  const auto text = run_tool("eval --data " + dir + "/labels.csv --whole-image --threads 1");
  CHECK(text.code == 0);
  for (const char* part :
       {"images             8\n", "SRCC          1.0000   ", "95 % interval", "final score   1.0000"})
    CHECK_MESSAGE(contains(text.out, part), text.out);
  const auto csv = run_tool("eval --data " + dir + "/labels.csv --whole-image --format csv");
  CHECK(contains(csv.out, "metric,value,low,high\nsrcc,1,"));
  CHECK(count_lines(csv.out) == 6);
  // Another view or size gives other scores.
  CHECK(json_of(run_tool(
            "eval --data " + dir +
            "/labels.csv --whole-image --format json --tta hflip --size 48x48"))["metrics"]["rmse"]["value"]
            .get<double>() > 1e-4);
}

TEST_CASE("--out gets scores, metrics and a scatter plot, and its scores can be compared again") {
  const std::string dir = scratch_dir("eval out"), q = "'" + dir + "/";
  write_noise_images(dir, 6);
  written(dir + "/labels.csv", labels_from_scores(dir, 6, 100));
  const auto r = run_tool("eval --whole-image --data " + q + "labels.csv' --out " + q + "a/b'");
  REQUIRE(r.code == 0);
  const std::string scores = read_text(dir + "/a/b/scores.csv"), svg = read_text(dir + "/a/b/scatter.svg");
  CHECK(contains(scores, "path,score,label,error\np0.ppm,0."));
  CHECK(count_lines(scores) == 7);
  CHECK(contains(svg, "<svg xmlns"));
  std::size_t points = 0;
  for (std::size_t at = 0; (at = svg.find("<circle", at)) != std::string::npos; ++at) ++points;
  CHECK(points == 6);
  const auto first = nlohmann::json::parse(read_text(dir + "/a/b/metrics.json"));
  const auto again = json_of(
      run_tool("eval --data " + q + "labels.csv' --format json --predictions " + q + "a/b/scores.csv'"));
  CHECK(again["metrics"]["plcc"]["value"].get<double>() ==
        doctest::Approx(first["metrics"]["plcc"]["value"].get<double>()).epsilon(1e-6));
  CHECK(again["metrics"]["srcc"] == first["metrics"]["srcc"]);
}

TEST_CASE("predictions from a CSV are joined by path and compared, ties included") {
  const std::string dir = scratch_dir("eval_csv");
  written(dir + "/labels.csv",
          "name,mos,part\n\"a, 1.jpg\",1,test\nb.jpg,2,test\nc.jpg,2,test\nd.jpg,4,test\ne.jpg,9,val\n");
  written(dir + "/scores.csv",
          "file,net\n./d.jpg,4\nfaces/c.jpg,1\n\"a, 1.jpg\",2\nb.jpg,2\ne.jpg,0\nother.jpg,7\n");
  const std::string common = "eval --data " + dir +
                             "/labels.csv --images faces --path-column name --score-column mos "
                             "--split-column part --format json --predictions " +
                             dir + "/scores.csv --prediction-path-column file --prediction-column net ";
  const auto all = run_tool(common);
  CHECK(all.code == 0);
  CHECK(contains(all.err, "1 predictions have no label"));
  CHECK(json_of(all)["images"] == 5);
  const auto json = json_of(run_tool(common + "--split test"));
  CHECK(json["images"] == 4);
  CHECK(json["split"] == "test");
  // labels 1 2 2 4, predictions 2 2 1 4: computed by hand.
  CHECK(json["metrics"]["plcc"]["value"].get<double>() == doctest::Approx(3.75 / 4.75).epsilon(1e-9));
  CHECK(json["metrics"]["srcc"]["value"].get<double>() == doctest::Approx(0.5).epsilon(1e-9));
  CHECK(json["metrics"]["kendall"]["value"].get<double>() == doctest::Approx(0.4).epsilon(1e-9));
  CHECK(json["metrics"]["rmse"]["value"].get<double>() == doctest::Approx(0.70710678118).epsilon(1e-9));
  CHECK(run_tool(common + "--split train").code == 2);
}

TEST_CASE("images without a score are named, left out of the metrics, and end with exit status 1") {
  const std::string dir = scratch_dir("eval_failed");
  write_noise_images(dir, 4);
  std::string csv = labels_from_scores(dir, 4, 1);
  written(dir + "/cut.ppm", "P6\n9 9\n255\n..");
  written(dir + "/labels.csv", csv + "cut.ppm,0.5\n");
  const auto r = run_tool("eval --whole-image --data " + dir + "/labels.csv --out " + dir + "/out");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "cut.ppm: "));
  CHECK(contains(r.err, "1 of 5 images have no score"));
  CHECK(contains(r.out, "4  (1 more without a score)"));
  CHECK(contains(read_text(dir + "/out/scores.csv"), "cut.ppm,,0.5,"));
  written(dir + "/scores.csv", "path,score,error\np0.ppm,0.5,\np1.ppm,0.25,\np2.ppm,,damaged\n");
  const auto joined = run_tool("eval --data " + dir + "/labels.csv --predictions " + dir + "/scores.csv");
  CHECK(joined.code == 1);
  CHECK(contains(joined.err, "p2.ppm: the prediction is empty"));
  CHECK(contains(joined.err, "p3.ppm: no prediction in "));
  CHECK(contains(joined.err, "3 of 5 images have no score"));
  written(dir + "/none.csv", "path,score\nx.ppm,1\n");
  CHECK(run_tool("eval --data " + dir + "/labels.csv --predictions " + dir + "/none.csv").code == 1);
}

TEST_CASE("bad rows stop eval with their lines, unless they are to be skipped") {
  const std::string dir = scratch_dir("eval_bad");
  write_noise_images(dir, 3);
  std::string csv = labels_from_scores(dir, 3, 1);
  for (int i = 0; i < 12; ++i) csv += "missing" + std::to_string(i) + ".ppm,0.5\n";
  written(dir + "/labels.csv", csv);
  const auto strict = run_tool("eval --data " + dir + "/labels.csv");
  CHECK(strict.code == 2);
  CHECK(strict.out.empty());
  CHECK(contains(strict.err, "labels.csv:5: no such file"));
  CHECK(contains(strict.err, "labels.csv:14: no such file"));
  CHECK(contains(strict.err, "and 2 more"));
  CHECK(contains(strict.err, "12 of 15 rows can't be used; correct them, or skip them with --skip-bad"));
  const auto skipped = run_tool("eval --data " + dir + "/labels.csv --whole-image --skip-bad");
  CHECK(skipped.code == 0);
  CHECK(contains(skipped.err, "skipped 12 of 15 rows"));
}

TEST_CASE("constant predictions have correlation 0 and a line that says why") {
  const std::string dir = scratch_dir("eval_constant");
  written(dir + "/labels.csv", "path,score\na,1\nb,2\n");
  written(dir + "/scores.csv", "path,score\na,3\nb,3\n");
  const auto r = run_tool("eval --data " + dir + "/labels.csv --predictions " + dir + "/scores.csv");
  CHECK(r.code == 0);
  CHECK(contains(r.out, "SRCC          0.0000"));
  CHECK(contains(r.out, "every correlation is 0"));
}

TEST_CASE("eval's wrong usage exits with 2") {
  const std::string dir = scratch_dir("eval_usage");
  const std::string data = " --data " + written(dir + "/labels.csv", "path,score\na,1\nb,2\n");
  CHECK(run_tool("eval").code == 2);
  CHECK(run_tool("eval --data " + dir + "/none.csv").code == 2);
  CHECK(run_tool("eval" + data).code == 2);  // no such images
  CHECK(run_tool("eval" + data + " --predictions " + dir + "/none.csv").code == 2);
  const auto column =
      run_tool("eval" + data + " --predictions " + dir + "/labels.csv --prediction-column net");
  CHECK(column.code == 2);
  CHECK(contains(column.err, "no column is called 'net'; there are path, score"));
  CHECK(run_tool("eval" + data + " --predictions " + dir + "/labels.csv --model tinyfqnet").code == 2);
  CHECK(run_tool("eval" + data + " --split half").code == 2);
  CHECK(run_tool("eval" + data + " --predictions " + dir + "/labels.csv --out /dev/null/x").code == 2);
  written(dir + "/twice.csv", "path,score\na,1\nb,2\na,3\n");
  const auto twice = run_tool("eval" + data + " --predictions " + dir + "/twice.csv");
  CHECK(twice.code == 2);
  CHECK(contains(twice.err, "twice.csv:4: a has two different scores"));
}
