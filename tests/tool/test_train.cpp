#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/io/npy.hpp>
#include <tinyfiqa/io/safetensors.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "run_tool.hpp"
#include "support.hpp"

#include <cmath>
#include <string>

using namespace tinyfiqa;

namespace {

/// `count` pictures of 24 x 24 pixels whose noise is less, the higher their label is.
std::string make_pictures(const std::string& name, int count) {
  const std::string dir = scratch_dir(name);
  std::ofstream csv(dir + "/labels.csv");
  csv << "path,score\n";
  Rng rng(7);
  for (int i = 0; i < count; ++i) {
    const float label = static_cast<float>(i % 12) / 12.0f;
    std::string pixels;
    for (int p = 0; p < 24 * 24 * 3; ++p)
      pixels += static_cast<char>(static_cast<unsigned char>(128 + (1 - label) * 120 * rng.uniform(-1, 1)));
    std::ofstream(dir + "/" + std::to_string(i) + ".ppm", std::ios::binary) << "P6\n24 24\n255\n" << pixels;
    csv << i << ".ppm," << label << "\n";
  }
  return dir;
}

std::string options(const std::string& dir, const std::string& out) {
  return "train --data " + dir +
         "/labels.csv --model tinyfqnet --size 24x24 --epochs 6 --batch 8 --lr 0.05 --hflip 0.5 "
         "--threads 2 --out " +
         dir + "/" + out;
}

double last_loss(const std::string& log) {
  const std::string line = log.substr(log.rfind('\n', log.size() - 2) + 1);
  return std::stod(line.substr(line.find(',') + 1));
}

}  // namespace

TEST_CASE("train learns, and leaves weights, a log, curves and what it was asked") {
  const std::string dir = make_pictures("train", 96);
  const auto r = run_tool("train --data " + dir +
                          "/labels.csv --model tinyfqnet --size 24x24 --epochs 25 --batch 16 --lr 0.1 "
                          "--lr-schedule cosine --out " +
                          dir + "/run");
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 26);
  const std::string log = read_text(dir + "/run/log.csv");
  CHECK(count_lines(log) == 26);
  CHECK(last_loss(log) < 0.02);
  CHECK(contains(read_text(dir + "/run/curves.svg"), "<svg"));
  const auto run = nlohmann::json::parse(read_text(dir + "/run/run.json"));
  CHECK(run["options"]["lr"] == 0.1);
  CHECK(run["train_images"].get<int>() + run["val_images"].get<int>() == 96);
  const auto eval = run_tool("eval --data " + dir + "/labels.csv --weights " + dir +
                             "/run/best.safetensors --size 24x24 --format json");
  REQUIRE(eval.code == 0);
  CHECK(contains(eval.out, "srcc"));
  const auto file = read_safetensors(dir + "/run/best.safetensors");
  REQUIRE(file.ok());
  CHECK(file->entries().size() == 117);
}

TEST_CASE("a training killed at random moments ends with the weights of an undisturbed one") {
  const std::string dir = make_pictures("kill", 48);
  REQUIRE(run_tool(options(dir, "whole")).code == 0);
  Rng rng(11);
  for (int i = 0; i < 20; ++i) {
    const bool begun = std::ifstream(dir + "/killed/run.json").good();
    char seconds[16];
    std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(rng.uniform(0.005f, 0.12f)));
    run_tool(begun ? "train --resume " + dir + "/killed" : options(dir, "killed"),
             std::string("timeout -s KILL ") + seconds);
  }
  const bool begun = std::ifstream(dir + "/killed/run.json").good();
  CHECK(run_tool(begun ? "train --resume " + dir + "/killed" : options(dir, "killed")).code == 0);
  for (const char* name : {"/last.safetensors", "/best.safetensors"})
    CHECK(read_text(dir + "/whole" + name) == read_text(dir + "/killed" + name));
}

TEST_CASE("SIGTERM finishes the step and saves, and --resume goes on to the same weights") {
  const std::string dir = make_pictures("term", 48);
  REQUIRE(run_tool(options(dir, "whole")).code == 0);
  bool stopped = false;
  for (const char* seconds : {"0.02", "0.04", "0.06", "0.1"}) {
    const bool state = std::ifstream(dir + "/stopped/state.safetensors").good();
    const auto r = run_tool(state ? "train --resume " + dir + "/stopped" : options(dir, "stopped"),
                            std::string("timeout ") + seconds);
    stopped = stopped || contains(r.err, "--resume");
  }
  CHECK(run_tool("train --resume " + dir + "/stopped").code == 0);
  CHECK(read_text(dir + "/whole/last.safetensors") == read_text(dir + "/stopped/last.safetensors"));
  MESSAGE("stopped in the middle: " << stopped);
}

TEST_CASE("train refuses what can't work, with the reason") {
  const std::string dir = make_pictures("refuse", 12);
  CHECK(run_tool("train --model tinyfqnet --out " + dir + "/x").code == 2);
  CHECK(run_tool("train --data " + dir + "/none.csv --out " + dir + "/x").code == 2);
  CHECK(run_tool("train --data " + dir + "/labels.csv --out " + dir + "/x --loss hinge").code == 2);
  CHECK(run_tool("train --data " + dir + "/labels.csv --out " + dir + "/x --model resnet").code == 2);
  CHECK(run_tool("train --resume " + dir + "/nothing").code == 2);
  const std::string good =
      "train --data " + dir + "/labels.csv --size 24x24 --epochs 1 --batch 4 --out " + dir + "/run";
  CHECK(run_tool(good).code == 0);
  const auto again = run_tool(good);
  CHECK(again.code == 2);
  CHECK(contains(again.err, "--resume"));
  CHECK(run_tool("train --resume " + dir + "/run --epochs 5").code == 2);
  std::ofstream(dir + "/labels.csv", std::ios::app) << "0.ppm,0.5\n";
  const auto changed = run_tool("train --resume " + dir + "/run");
  CHECK(changed.code == 2);
  CHECK(contains(changed.err, "other data"));
  std::ofstream(dir + "/labels.csv", std::ios::app) << "missing.ppm,0.5\n1.ppm,nan\n";
  const auto bad =
      run_tool("train --data " + dir + "/labels.csv --size 24x24 --epochs 1 --batch 4 --out " + dir + "/bad");
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "labels.csv:15"));
  CHECK(contains(bad.err, "labels.csv:16"));
  CHECK(run_tool("train --data " + dir + "/labels.csv --size 24x24 --epochs 1 --batch 4 --skip-bad --out " +
                 dir + "/bad")
            .code == 0);
}
