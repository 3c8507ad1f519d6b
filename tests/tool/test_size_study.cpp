#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include <doctest/doctest.h>

#include "noise_images.hpp"
#include "run_tool.hpp"

#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Makes images with labels, and the same images as faces of six people with made-up embeddings.
std::string make_study(const std::string& name) {
  const std::string dir = make_noise_images(name, 72);
  std::ofstream csv(dir + "/faces.csv");
  csv << "path,identity\n";
  std::vector<float> embeddings;
  Rng rng(3);
  for (int i = 0; i < 72; ++i) {
    csv << i << ".ppm,p" << i % 6 << "\n";
    for (int k = 0; k < 8; ++k) embeddings.push_back((k == i % 6 ? 2.0f : 0.0f) + rng.normal());
  }
  REQUIRE(write_npy(dir + "/faces.npy", {72, 8}, embeddings).ok());
  return dir;
}

}  // namespace

TEST_CASE("size-study: a row for each network, with the numbers of info, eval and verify-eval") {
  const std::string dir = make_study("size_study");
  const std::string arguments =
      "size-study --data " + dir + "/labels.csv --whole-image --members tinyfqnet tinyfqnet_t6_w100 " +
      "--epochs 2 --batch 16 --lr 0.05 --seconds 0.01 --resamples 20 --threads 2 --faces " + dir +
      "/faces.csv --embeddings " + dir + "/faces.npy --out " + dir + "/out";
  const auto r = run_tool(arguments);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "| tinyfqnet | 64x64 | 13366 | 1.33 |"));
  const auto table = read_csv(dir + "/out/table.csv");
  REQUIRE(table.ok());
  REQUIRE(table->rows.size() == 2);
  const auto field = [&](std::size_t row, const char* column) {
    return table->rows[row].fields[table->column(column)];
  };
  CHECK(field(0, "macs") == "1331456");
  CHECK(std::stod(field(0, "median_us")) > 0);
  CHECK(contains(read_text(dir + "/out/table.svg"), "Error versus discard"));
  const std::string best = dir + "/out/tinyfqnet/best.safetensors";
  const auto judged = run_tool("verify-eval --whole-image --data " + dir + "/faces.csv --embeddings " + dir +
                               "/faces.npy --quality n=" + best + " --resamples 20 --out " + dir + "/judged");
  REQUIRE_MESSAGE(judged.code == 0, judged.err);
  CHECK(contains(read_text(dir + "/judged/verification.csv"), field(0, "area30_1e-2").substr(0, 6)));

  // Nothing is trained again, and the numbers do not change.
  const auto again = run_tool("size-study --resume " + dir + "/out");
  REQUIRE_MESSAGE(again.code == 0, again.err);
  CHECK(read_csv(dir + "/out/table.csv")->rows[1].fields[5] == field(1, "srcc"));
}

TEST_CASE("size-study says what is missing before it trains") {
  const std::string dir = make_study("size_study_wrong");
  const auto says = [&](const std::string& more, const std::string& text) {
    const auto r = run_tool("size-study --data " + dir + "/labels.csv --out " + dir + "/out " + more);
    INFO(r.err);
    CHECK(r.code == 2);
    CHECK(contains(r.err, text));
  };
  says("--members nonsense", "no model is called 'nonsense'");
  says("--members mobilefacenet", "is a recogniser");
  says("--size 32x32", "each network has its own");
  says("--pairs x.txt", "need --faces");
  says("--faces " + dir + "/faces.csv", "--recogniser FILE");
}
