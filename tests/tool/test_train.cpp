#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/training/checkpoint.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "noise_images.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

using namespace tinyfiqa;

namespace {

std::string options(const std::string& dir, const std::string& out, int epochs = 6) {
  return "train --data " + dir +
         "/labels.csv --whole-image --model tinyfqnet --size 24x24 --batch 8 --lr 0.05 --hflip 0.5 "
         "--threads 2 --epochs " +
         std::to_string(epochs) + " --out " + dir + "/" + out;
}

/// A training that lasts long enough to be stopped in the middle.
std::string long_options(const std::string& dir, const std::string& out) { return options(dir, out, 60); }

std::string nth_line(const std::string& text, int n) {
  std::istringstream lines(text);
  std::string line;
  for (int i = 0; i <= n; ++i) std::getline(lines, line);
  return line;
}
/// A number as the tables format it.
std::string metric_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// The command lines of an undisturbed run, and of a run that is killed and resumed.
struct KillTest {
  std::string whole, begin, resume, folder;

  /// Kills `kills` runs, each at a random moment, and resumes them. When a run ends by itself, calls `check`
  /// to compare it, and starts another one.
  template <class Check>
  void run(int kills, const Check& check) const {
    Rng rng(11);
    int killed = 0;
    float longest = 0.1f;
    for (int i = 0; i < 40 * kills && killed < kills; ++i) {
      char seconds[16];
      std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(rng.uniform(0.002f, longest)));
      const auto r = run_tool(next(), std::string("timeout -s KILL ") + seconds);
      if (r.code == 0) {
        check();
        std::filesystem::remove_all(folder);
        continue;
      }
      REQUIRE_MESSAGE(r.code == 137, r.err);
      ++killed;
      longest *= 1.1f;  // a slow machine needs more time to finish
    }
    CHECK(killed == kills);
    const auto last = run_tool(next());
    REQUIRE_MESSAGE(last.code == 0, last.err);
    check();
  }
  std::string next() const { return std::ifstream(folder + "/run.json").good() ? resume : begin; }
};

double last_loss(const std::string& log) {
  const std::string line = log.substr(log.rfind('\n', log.size() - 2) + 1);
  return std::stod(line.substr(line.find(',') + 1));
}

}  // namespace

TEST_CASE("a training that diverges names the layer where NaN begins") {
  const std::string dir = make_noise_images("diverges", 16);
  const auto run =
      run_tool("train --data " + dir +
               "/labels.csv --whole-image --model tinyfqnet --size 24x24 --batch 8 --optim sgd --lr 1e30 "
               "--threads 2 --epochs 5 --out " +
               dir + "/out");
  CHECK(run.code == 1);
  CHECK_MESSAGE(contains(run.err, "(the first layer that gives NaN or infinity is "), run.err);
  CHECK(contains(run.err, "lower the learning rate"));
}

TEST_CASE("train learns, and writes weights, a log, curves and its options") {
  const std::string dir = make_noise_images("train", 96);
  const auto r =
      run_tool("train --data " + dir +
               "/labels.csv --whole-image --model tinyfqnet --size 24x24 --epochs 25 --batch 16 --lr 0.1 "
               "--lr-schedule cosine --out " +
               dir + "/run");
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 27);
  const std::string log = read_text(dir + "/run/log.csv");
  CHECK(count_lines(log) == 26);
  CHECK(last_loss(log) < 0.02);
  CHECK(contains(read_text(dir + "/run/curves.svg"), "<svg"));
  const auto run = nlohmann::json::parse(read_text(dir + "/run/run.json"));
  CHECK(run["options"]["lr"] == 0.1);
  CHECK(run["train_images"].get<int>() + run["val_images"].get<int>() == 96);
  const auto eval = run_tool("eval --whole-image --data " + dir + "/labels.csv --weights " + dir +
                             "/run/best.safetensors --size 24x24 --format json");
  REQUIRE(eval.code == 0);
  CHECK(contains(eval.out, "srcc"));
  const auto file = read_safetensors(dir + "/run/best.safetensors");
  REQUIRE(file.ok());
  CHECK(file->entries().size() == 117);
}

TEST_CASE("a training killed at random moments ends with the weights of an undisturbed one") {
  const std::string dir = make_noise_images("kill", 48);
  const KillTest test{options(dir, "whole"), options(dir, "killed"), "train --resume " + dir + "/killed",
                      dir + "/killed"};
  REQUIRE(run_tool(test.whole).code == 0);
  const auto check_same = [&] {
    for (const char* name : {"/last.safetensors", "/best.safetensors"}) {
      REQUIRE(read_text(dir + "/whole" + name).size() > 1000);
      CHECK(read_text(dir + "/whole" + name) == read_text(dir + "/killed" + name));
    }
  };
  test.run(sanitized ? 6 : 20, check_same);
}

TEST_CASE("an empty state is refused, not taken for a training that has not begun") {
  const std::string dir = make_noise_images("empty_state", 16), run = dir + "/run";
  REQUIRE(run_tool("train --data " + dir +
                   "/labels.csv --whole-image --model tinyfqnet --size 24x24 --epochs 1 --batch 8 --out " +
                   run)
              .code == 0);
  write_text(run + "/state.safetensors", "");
  const auto resumed = run_tool("train --resume " + run);
  CHECK(resumed.code == 2);
  CHECK_MESSAGE(contains(resumed.err, run + "/state.safetensors: "), resumed.err);
}

TEST_CASE("an ablation killed at random moments ends with the table of an undisturbed one") {
  const std::string dir = make_noise_images("kill_ablation", 24);
  const auto arguments = [&](const char* out) {
    return "ablation --data " + dir +
           "/labels.csv --size 32x32 --epochs 2 --batch 8 --lr 0.01 --resamples 20 " + "--threads 2 --out " +
           dir + "/" + out;
  };
  const KillTest test{arguments("whole"), arguments("killed"), "ablation --resume " + dir + "/killed",
                      dir + "/killed"};
  const auto r = run_tool(test.whole);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "| ensemble, MSECorrLoss, flips |"));
  CHECK(count_lines(read_text(dir + "/whole/table.csv")) == 6);
  const auto check_same = [&] {
    for (const char* name : {"/table.csv", "/table.md"})
      CHECK(read_text(dir + "/whole" + name) == read_text(dir + "/killed" + name));
  };
  test.run(sanitized ? 2 : 5, check_same);
}

TEST_CASE("an ablation that fails before it trains leaves its folder free") {
  const std::string dir = make_noise_images("ablation_few", 3);
  const std::string out = " --size 32x32 --epochs 1 --batch 4 --resamples 20 --out " + dir + "/out";
  for (int i = 0; i < 2; ++i) {
    const auto few = run_tool("ablation --data " + dir + "/labels.csv" + out);
    CHECK(few.code == 2);
    CHECK(contains(few.err, "at least two of each are needed"));
  }
  const auto r =
      run_tool("ablation --data " + make_noise_images("ablation_enough", 24) + "/labels.csv" + out);
  CHECK_MESSAGE(r.code == 0, r.err);
}

TEST_CASE("the rows of an ablation are what eval gives for its weights, on the test rows if there are any") {
  const std::string dir = make_noise_images("ablation", 24);
  std::string labels = read_text(dir + "/labels.csv"), split = "path,score,split\n";
  std::istringstream lines(labels.substr(labels.find('\n') + 1));
  int row = 0;
  for (std::string line; std::getline(lines, line); ++row)
    split += line + (row % 3 == 0 ? ",test\n" : row % 3 == 1 ? ",train\n" : ",val\n");
  std::ofstream(dir + "/labels.csv") << split;
  const std::string data = " --data " + dir + "/labels.csv --size 32x32 ";
  const std::string arguments =
      "ablation" + data + "--epochs 1 --batch 4 --lr 0.01 --resamples 20 --out " + dir + "/out";
  const auto r = run_tool(arguments);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "8 test images"));
  CHECK(run_tool(arguments).code == 2);  // the folder contains an ablation already
  CHECK(run_tool("ablation --resume " + dir + "/out --epochs 3").code == 2);
  const auto weights = [&](const std::string& loss) {
    return " --weights " + dir + "/out/mobilenet_" + loss + "/best.safetensors --weights " + dir +
           "/out/shufflenet_" + loss + "/best.safetensors";
  };
  const std::string eval = "eval" + data + "--split test --resamples 20 --format json";
  const std::string table = read_text(dir + "/out/table.csv");
  const auto check_row = [&](int number, const std::string& more) {
    const auto json = nlohmann::json::parse(run_tool(eval + more).out);
    const std::string want = metric_text(json["metrics"]["plcc"]["value"].get<double>());
    const std::string line = nth_line(table, number);
    INFO(line << " should hold " << want);
    CHECK(contains(line, "," + want + ","));
  };
  check_row(1, " --weights " + dir + "/out/mobilenet_mse/best.safetensors");
  check_row(3, " --model ensemble --tta none" + weights("mse"));
  check_row(4, " --model ensemble --tta none" + weights("msecorr"));
  check_row(5, " --model ensemble --tta flips" + weights("msecorr"));
}

TEST_CASE("SIGTERM finishes the step and saves, and --resume continues to the same weights") {
  const std::string dir = make_noise_images("term", 48);
  REQUIRE(run_tool(long_options(dir, "whole")).code == 0);
  int stops = 0;
  bool begun = false;
  for (int i = 1; i < 60 && stops < 3; ++i) {
    const auto r = run_tool(begun ? "train --resume " + dir + "/stopped" : long_options(dir, "stopped"),
                            "timeout " + std::to_string(0.02 * i));
    stops += contains(r.err, "continue with: tinyfiqa train --resume");
    begun = std::ifstream(dir + "/stopped/run.json").good();
    if (r.code == 0) break;
  }
  CHECK(stops >= 1);
  const auto r = run_tool("train --resume " + dir + "/stopped");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(read_text(dir + "/whole/last.safetensors") == read_text(dir + "/stopped/last.safetensors"));
}

TEST_CASE(
    "a training stopped after the last step of an epoch continues, without a wrong estimate of the time "
    "left") {
  const std::string dir = make_noise_images("last_step", 48), out = dir + "/out";
  REQUIRE(run_tool(options(dir, "out", 2)).code == 0);
  const std::string path = out + "/state.safetensors";
  {  // as if the steps of the first epoch were done, but not its validation
    const auto file = read_safetensors(path);
    REQUIRE_MESSAGE(file, file.status().message());
    std::vector<std::vector<float>> values;
    std::vector<FloatTensor> tensors;
    for (const auto& entry : file->entries()) values.push_back(*read_floats(entry));
    for (std::size_t i = 0; i < values.size(); ++i)
      tensors.push_back({file->entries()[i].name, file->entries()[i].shape, values[i]});
    auto metadata = file->metadata;
    for (auto& [key, value] : metadata) {
      if (key == "epoch" || key == "best_epoch") value = "0";
      if (key == "batch") value = "5";
      if (key == "log") value = "";
    }
    const std::string hash = detail::state_hash(metadata);
    for (auto& [key, value] : metadata)
      if (key == detail::state_hash_key) value = hash;
    REQUIRE(write_safetensors(path, tensors, metadata).ok());
  }
  const auto r = run_tool("train --resume " + out);
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK_MESSAGE(contains(nth_line(r.out, 0), "epoch   1/2  loss"), r.out);
  CHECK_MESSAGE(!contains(nth_line(r.out, 0), "left"), r.out);
  CHECK_MESSAGE(contains(nth_line(r.out, 1), " images/s  0:00 left"), r.out);
}

TEST_CASE("a training does not continue from a state that was edited or damaged") {
  const std::string dir = make_noise_images("edited_state", 12), out = dir + "/out",
                    path = out + "/state.safetensors";
  REQUIRE(run_tool(options(dir, "out", 1)).code == 0);
  const std::string state = read_text(path);
  const auto resume = [&](std::string text) {
    std::ofstream(path, std::ios::binary) << text;
    return run_tool("train --resume " + out);
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    const std::size_t at = state.find(from);
    REQUIRE(at != std::string::npos);
    std::string text = state;
    return text.replace(at, from.size(), to);  // of the same length, so that the offsets stay right
  };
  const auto flipped = [&](std::size_t at) {
    std::string text = state;
    text[at] = static_cast<char>(text[at] ^ 1);
    return text;
  };
  for (const std::string& text :
       {replaced("\"epoch\":\"1\"", "\"epoch\":\"0\""), replaced("\"batch\":\"0\"", "\"batch\":\"9\""),
        replaced("\"best_epoch\":\"1\"", "\"best_epoch\":\"7\""),
        replaced("\"state_hash\"", "\"state_hush\""), replaced("\"tinyfiqa_hash\"", "\"tinyfiqa_hush\""),
        flipped(state.size() - 2), flipped(state.size() / 2)}) {
    const auto r = resume(text);
    CHECK(r.code == 2);
    CHECK_MESSAGE(contains(r.err, "state.safetensors: "), r.err);
    CHECK_MESSAGE(
        (contains(r.err, "not what the training wrote") || contains(r.err, "not those that were written")),
        r.err);
  }
  CHECK(resume(state).code == 0);
}

TEST_CASE("a training removes what killed trainings left in its folder, and nothing else") {
  const std::string dir = make_noise_images("swept", 12), out = dir + "/out";
  REQUIRE(run_tool(options(dir, "out", 1)).code == 0);
  const std::string mine = std::to_string(::getpid());  // a process that runs
  for (const char* name :
       {"best.safetensors.tmp99999999-0", "curves.svg.tmp99999998-3", "notes.tmp", "a.tmpx-0"})
    std::ofstream(out + "/" + name) << "x";
  std::ofstream(out + "/log.csv.tmp" + mine + "-0") << "x";
  REQUIRE(run_tool("train --resume " + out).code == 0);
  const auto exists = [&](const std::string& name) { return std::ifstream(out + "/" + name).good(); };
  CHECK(!exists("best.safetensors.tmp99999999-0"));
  CHECK(!exists("curves.svg.tmp99999998-3"));
  CHECK(exists("notes.tmp"));
  CHECK(exists("a.tmpx-0"));
  CHECK(exists("log.csv.tmp" + mine + "-0"));
}

TEST_CASE("micro-batches with frozen norms give the weights of whole batches") {
  const std::string dir = make_noise_images("micro", 32);
  const auto arguments = [&](const std::string& out, const std::string& more) {
    return "train --data " + dir +
           "/labels.csv --model mobilenet_v3_small --size 32x32 --epochs 2 --batch 16 " +
           "--freeze-norms --lr 1e-3 --threads 1 --out " + dir + "/" + out + more;
  };
  REQUIRE(run_tool(arguments("whole", "")).code == 0);
  const auto parts = run_tool(arguments("parts", " --micro-batch 4"));
  REQUIRE_MESSAGE(parts.code == 0, parts.err);
  const double whole_loss = last_loss(read_text(dir + "/whole/log.csv")),
               parts_loss = last_loss(read_text(dir + "/parts/log.csv"));
  CHECK(std::fabs(whole_loss - parts_loss) <= 1e-3 * whole_loss);
  CHECK(contains(parts.out, "peak of the program"));
}

TEST_CASE("train refuses wrong input, with the reason") {
  const std::string dir = make_noise_images("refuse", 12);
  CHECK(run_tool("train --model tinyfqnet --out " + dir + "/x").code == 2);
  CHECK(run_tool("train --data " + dir + "/none.csv --out " + dir + "/x").code == 2);
  CHECK(run_tool("train --data " + dir + "/labels.csv --out " + dir + "/x --loss hinge").code == 2);
  CHECK(run_tool("train --data " + dir + "/labels.csv --out " + dir + "/x --model resnet").code == 2);
  CHECK(run_tool("train --resume " + dir + "/nothing").code == 2);
  const std::string good = "train --data " + dir +
                           "/labels.csv --whole-image --size 24x24 --epochs 1 --batch 4 --out " + dir +
                           "/run";
  CHECK(run_tool(good).code == 0);
  const auto again = run_tool(good);
  CHECK(again.code == 2);
  CHECK(contains(again.err, "--resume"));
  CHECK(run_tool("train --resume " + dir + "/run --epochs 5").code == 2);
  CHECK(run_tool(good + "2 --nesterov --optim adam").code == 2);
  CHECK(run_tool(good + "2 --lr-schedule multi-step").code == 2);
  std::ofstream(dir + "/labels.csv", std::ios::app) << "0.ppm,0.5\n";
  const auto changed = run_tool("train --resume " + dir + "/run");
  CHECK(changed.code == 2);
  CHECK(contains(changed.err, "other data"));
  std::ofstream(dir + "/labels.csv", std::ios::app) << "missing.ppm,0.5\n1.ppm,nan\n";
  const auto bad =
      run_tool("train --data " + dir + "/labels.csv --whole-image --size 24x24 --epochs 1 --batch 4 --out " +
               dir + "/bad");
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "labels.csv:15"));
  CHECK(contains(bad.err, "labels.csv:16"));
  CHECK(run_tool("train --data " + dir +
                 "/labels.csv --whole-image --size 24x24 --epochs 1 --batch 4 --skip-bad --out " + dir +
                 "/bad")
            .code == 0);
}

TEST_CASE("images that can't be decoded are reported by line before training, or left out") {
  const std::string dir = make_noise_images("undecodable", 24);
  for (const char* broken : {"/5.ppm", "/17.ppm"}) std::ofstream(dir + broken) << "P6\n24 24\n255\nshort";
  const std::string arguments = "train --data " + dir +
                                "/labels.csv --whole-image --size 24x24 --epochs 1 --batch 4 --out " + dir +
                                "/run";
  const auto refused = run_tool(arguments);
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "labels.csv:7: "));
  CHECK(contains(refused.err, "labels.csv:19: "));
  CHECK_FALSE(contains(refused.out, "epoch"));
  const auto skipped = run_tool(arguments + " --skip-bad");
  CHECK_MESSAGE(skipped.code == 0, skipped.err);
  const auto run = nlohmann::json::parse(read_text(dir + "/run/run.json"));
  CHECK(run["train_images"].get<int>() + run["val_images"].get<int>() == 22);
}
