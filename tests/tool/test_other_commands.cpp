#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "recognition/npz.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

using namespace tinyfiqa;

/// The commands whose --help has an example that runs as it is.
static const std::vector<std::string> commands = {
    "score",      "detect",    "report",         "eval",        "train", "ablation",
    "size-study", "select",    "sample",         "degrade",     "info",  "import",
    "forward",    "gradients", "verify-weights", "verify-eval", "watch", "explain",
#ifdef TINYFIQA_WITH_ONNX
    "export",
#endif
};

TEST_CASE("every command's --help has an example, and --version says compiler, instruction set and threads") {
  for (const std::string& command : commands) {
    const auto r = run_tool(command + " --help");
    CHECK(r.code == 0);
    CHECK(contains(r.out, "Example:\n  tinyfiqa " + command));
  }
  const auto version = run_tool("--version");
  CHECK(version.code == 0);
  for (const char* part : {"tinyfiqa 0.", "compiler", "isa", "scalar", "threads"})
    CHECK(contains(version.out, part));
}

TEST_CASE("descriptions in --help are one line without a full stop, in the project's vocabulary") {
  std::vector<std::string> all = commands;
  all.insert(all.end(), {"", "label", "merge", "train-baseline", "bench", "calibrate"});
  for (const std::string& command : all) {
    std::istringstream help(run_tool(command + " --help").out);
    bool options = false;
    for (std::string line; std::getline(help, line);) {
      options = (options && !line.empty()) || line == "Options:" || line == "Positionals:" ||
                line == "Subcommands:";
      INFO(command << ": " << line);
      const bool dots = line.size() > 3 && line.compare(line.size() - 3, 3, "...") == 0;
      if (options && !line.empty()) CHECK((line.back() != '.' || dots));
      for (const char* word : {"picture", " P1", " P2"}) CHECK_FALSE(contains(line, word));
    }
  }
}

TEST_CASE("bench --kernel measures a layer with every instruction set, and compares it with the formula") {
  for (const std::string layer :
       {"gemm --shape 5x3x9 --out 26 --act silu", "depthwise --shape 9x7x20 --window 5 --stride 2",
        "conv --shape 6x6x8 --out 12 --groups 4 --act prelu --batch 2",
        "conv --shape 8x9x3 --padding 0 --act relu --threads 2"}) {
    const auto r = run_tool("bench --seconds 0 --json --kernel " + layer);
    REQUIRE_MESSAGE(r.code == 0, r.err);
    const auto rows = nlohmann::json::parse(r.out);
    REQUIRE(rows.size() >= 2);
    CHECK(contains(rows.back()["kernel"], "scalar"));
    for (const auto& row : rows) {
      CHECK(row["largest_error"] < 1e-5);
      CHECK(row["median_us"] > 0);
    }
  }
  const auto macs = run_tool("bench --seconds 0 --isa scalar --kernel conv --shape 10x10x6 --out 4");
  CHECK(contains(macs.out, " 21600 multiply-adds"));  // 10 10 * 4 * 3 3 6
  CHECK(contains(macs.out, "conv_f32/"));
}

TEST_CASE("bench --kernel refuses layers that there are not") {
  const auto refusal = [](const std::string& options) {
    const auto r = run_tool("bench --seconds 0 " + options);
    CHECK(r.code == 2);
    CHECK(r.out.empty());
    return r.err;
  };
  CHECK(contains(refusal("--kernel gemm"), "--kernel needs --shape HxWxC"));
  CHECK(contains(refusal("--kernel gemm --shape 5x5"), "'5x5' is not HEIGHTxWIDTHxCHANNELS"));
  CHECK(contains(refusal("--kernel gemm --shape 5x5x0"), "is not HEIGHTxWIDTHxCHANNELS"));
  CHECK(contains(refusal("--kernel gemm --shape 5x5x4x"), "is not HEIGHTxWIDTHxCHANNELS"));
  CHECK(contains(refusal("--kernel gemm --shape 5x5x4 --window 3"), "take --kernel conv"));
  CHECK(contains(refusal("--kernel depthwise --shape 5x5x4 --out 8"), "leave --out and --groups out"));
  CHECK(contains(refusal("--kernel conv --shape 5x5x6 --groups 4"), "can't be split into 4 groups"));
  CHECK(contains(refusal("--kernel conv --shape 2x2x3 --window 5 --padding 0"), "window"));
  CHECK(contains(refusal("--shape 5x5x4"), "--kernel"));
  CHECK(contains(refusal("--kernel gemm --shape 1x1x65536 --out 65536"),
                 "4294967296 weights; at most 268435456"));
  CHECK(contains(refusal("--kernel gemm --shape 65536x65536x64"), "too"));
}

TEST_CASE("the examples of --help run as they are") {
  for (const std::string& command : commands) {
    std::istringstream help(run_tool(command + " --help").out);
    int ran = 0;
    for (std::string line; std::getline(help, line);) {
      if (line.compare(0, 11, "  tinyfiqa ") != 0 || contains(line, "labels.csv --images")) continue;
      const std::string out = scratch_dir("examples");
      // Skip what was inserted: the scratch folder's own path may begin with /tmp/ too.
      const std::string to = out + "/";
      for (std::size_t at = 0; (at = line.find("/tmp/", at)) != std::string::npos; at += to.size())
        line.replace(at, 5, to);
      INFO(line);
      const auto r = run_tool(line.substr(11), "cd " TINYFIQA_SOURCE_DIR " &&");
      CHECK_MESSAGE(r.code == 0, r.err);
      ++ran;
    }
    CHECK(ran >= 1);
  }
}

TEST_CASE("info shows layers, totals, kernels and memory") {
  const auto text = run_tool("info --model mobilenet_v3_small");
  CHECK(text.code == 0);
  CHECK(contains(text.out, "features.1.block.0.0"));
  CHECK(contains(text.out, "273849568"));
  CHECK(contains(text.out, "1093473"));
  CHECK(contains(text.out, "gemm_f32/"));
  const auto r = run_tool("info --model shufflenet_v2_x0_5 --size 224x224 --json");
  REQUIRE(r.code == 0);
  const auto json = nlohmann::json::parse(r.out);
  CHECK(json["macs"] == 40108064);
  CHECK(json["params"] == 998177);
  CHECK(json["arena_bytes"].get<long>() > 0);
  CHECK(json["layers"].size() > 50);

  const Model model(*find_model("tinyfqnet"));
  const auto memory =
      nlohmann::json::parse(run_tool("info --model tinyfqnet --batch 3 --threads 2 --json").out);
  SessionOptions options;
  options.threads = 2;
  CHECK(memory["arena_bytes"] == Session::create(model, 3, 64, 64, options)->plan().arena_bytes);
  options.feed = Feed::levels;
  CHECK(memory["arena_bytes_of_levels"] == Session::create(model, 3, 64, 64, options)->plan().arena_bytes);
  CHECK(run_tool("info --model nothing").code == 2);
  CHECK(run_tool("info --size 0x5").code == 2);
}

TEST_CASE("import makes safetensors that score the same as the checkpoint") {
  const std::string dir = scratch_dir("import");
  for (const char* format : {"zip", "legacy"}) {
    const std::string pth = fixture(std::string("models/tinyfqnet.") + format + ".pth");
    CHECK(run_tool("import " + pth + " " + dir + "/x.safetensors").code == 0);
    const auto a = run_tool("score {faces} --face whole --weights " + pth),
               b = run_tool("score {faces} --face whole --weights " + dir + "/x.safetensors");
    CHECK(a.code == 0);
    CHECK(a.out == b.out);
  }
  const std::string shipped = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";
  CHECK(run_tool("import " + shipped + " " + dir + "/again.safetensors").code == 0);
  const auto qualities = run_tool("score {faces} --face whole --weights " + shipped);
  CHECK(contains(qualities.out, "reject"));  // a band: only a calibrated file gives one
  CHECK(run_tool("score {faces} --face whole --weights " + dir + "/again.safetensors").out == qualities.out);
  CHECK(run_tool("verify-weights " + dir + "/again.safetensors").code == 0);
  const auto missing = run_tool("import " + dir + "/none.pth " + dir + "/y.safetensors");
  CHECK(missing.code == 1);
  CHECK(contains(missing.err, "none.pth"));
  CHECK(run_tool("import {faces}/astronaut.jpg " + dir + "/y.safetensors").code == 1);
  CHECK(run_tool("import " + fixture("models/tinyfqnet.zip.pth") + " /nowhere/y.safetensors").code == 1);
  CHECK(run_tool("import " + fixture("models/tinyfqnet.zip.pth") + " " + dir +
                 "/y.safetensors --model mobilenet_v3_small")
            .code == 1);
  CHECK_FALSE(std::ifstream(dir + "/y.safetensors").good());
}

TEST_CASE("--check-finite names where NaN comes from; --max-arena-mib refuses what is too large") {
  const std::string dir = scratch_dir("check_finite");
  std::vector<float> values(2 * 3 * 64 * 64, 0.5f);
  const auto forward = [&](const std::string& more) {
    REQUIRE(write_npy(dir + "/x.npy", {2, 3, 64, 64}, {values.data(), values.size()}).ok());
    return run_tool("forward --input " + dir + "/x.npy --output " + dir + "/y.npy " + more);
  };
  CHECK(forward("--check-finite").code == 0);
  values[3 * 64 * 64 + 64 * 64 + 5 * 64 + 7] = std::numeric_limits<float>::infinity();
  const auto bad = forward("--check-finite");
  CHECK(bad.code == 1);
  CHECK_MESSAGE(
      contains(bad.err, "x.npy: tinyfqnet_m: the input is infinity in image 1, row 5, column 7, channel 1"),
      bad.err);

  const std::string broken = dir + "/broken.safetensors";
  auto model = load_model(TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors");
  REQUIRE(model.ok());
  for (const NamedParam& p : model->params())
    if (p.name == "stem.0.weight")
      for (float& v : param_values(model->block(), p.param)) v = 3e38f;
  REQUIRE(save_params(broken, model->params(), model->block()).ok());
  const auto scored = run_tool("score {faces}/astronaut.jpg --face whole --check-finite --weights " + broken);
  CHECK(scored.code == 1);
  CHECK_MESSAGE(contains(scored.out, "tinyfqnet: the output of stem.0 is "), scored.out);

  const std::string large =
      "score {faces}/astronaut.jpg --face whole --size 2048x2048 --model tinyfqnet --max-arena-mib ";
  const auto refused = run_tool(large + "1");
  CHECK(refused.code == 2);
  CHECK_MESSAGE(contains(refused.err, "max_arena_mib is 1"), refused.err);
  CHECK(run_tool(large + "4096").code == 0);
}

TEST_CASE("forward runs arrays and says which shapes it takes") {
  const std::string dir = scratch_dir("forward");
  const auto write = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    std::size_t count = 1;
    for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
    const std::vector<float> values(count, 0.5f);
    REQUIRE(write_npy(dir + "/" + name, shape, {values.data(), count}).ok());
    return dir + "/" + name;
  };
  const auto forward = [&](const std::string& input, const std::string& more = "") {
    return run_tool("forward --input " + input + " --output " + dir + "/y.npy " + more);
  };
  CHECK(forward(write("good.npy", {2, 3, 64, 64})).code == 0);
  auto y = read_npy(dir + "/y.npy");
  REQUIRE(y.ok());
  CHECK(y->shape == std::vector<std::int64_t>{2, 1});
  CHECK(forward(write("good.npy", {2, 3, 64, 64}), "--features").code == 0);
  y = read_npy(dir + "/y.npy");
  CHECK(y->shape == std::vector<std::int64_t>{2, 256});

  const std::string good = write("good.npy", {2, 3, 64, 64});
  REQUIRE(run_tool("forward --input " + good + " --output " + dir + "/y.npz").code == 0);
  const auto member = [&](const std::string& name) {
    const auto bytes = npz_bytes(dir + "/y.npz", name + ".npy");
    return *read_npy(FileBytes::from_memory({bytes.data(), bytes.size()}, name));
  };
  CHECK(member("score").shape == std::vector<std::int64_t>{2, 1});
  CHECK(member("features").values == y->values);
  CHECK(contains(forward(good, "--outputs score features").err, "y.npy: a .npy file holds one array"));
  CHECK(contains(forward(good, "--outputs boxes").err, "no output 'boxes'; it has score, features"));

  CHECK(forward(write("none.npy", {0, 3, 64, 64})).code == 0);
  y = read_npy(dir + "/y.npy");
  REQUIRE(y.ok());
  CHECK(y->shape == std::vector<std::int64_t>{0, 1});

  for (const auto& shape :
       std::vector<std::vector<std::int64_t>>{{3, 64, 64}, {1, 4, 64, 64}, {1, 64, 64, 3}}) {
    const auto r = forward(write("bad.npy", shape));
    CHECK(r.code == 1);
    CHECK(contains(r.err, "bad.npy: the network wants [N, 3, H, W]"));
  }
  CHECK(forward(write("flat.npy", {1, 3, 0, 64})).code != 0);
  CHECK(forward(dir + "/missing.npy").code == 1);
  CHECK(forward(fixture("models/tinyfqnet.zip.pth")).code == 1);
}

TEST_CASE("info shows which steps run together a few rows at a time") {
  const auto r = run_tool("info --model mobilenet_v3_small --size 600x416 --json");
  REQUIRE(r.code == 0);
  const auto json = nlohmann::json::parse(r.out);
  CHECK(json["layers"][0]["chain_steps"] == 2);
  CHECK(json["layers"][0]["chain_rows"].get<int>() > 0);
  CHECK(contains(run_tool("info --model mobilenet_v3_small --size 600x416").out, "rows at a time"));
  CHECK_FALSE(contains(run_tool("info --model mobilenet_v3_small --size 64x64").out, "rows at a time"));
}

TEST_CASE("bench reports the time and the share of the peak") {
  const auto r = run_tool("bench --model tinyfqnet --size 80x64 --batch 2 --seconds 0 --json");
  REQUIRE(r.code == 0);
  const auto rows = nlohmann::json::parse(r.out);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["model"] == "tinyfqnet");
  CHECK(rows[0]["size"] == "80x64");
  CHECK(rows[0]["batch"] == 2);
  CHECK(rows[0]["min_us"].get<double>() > 0);
  CHECK(rows[0]["median_us"].get<double>() >= rows[0]["min_us"].get<double>());
  CHECK(rows[0]["gmac_per_s"].get<double>() > 0);
  const auto table = run_tool("bench --model tinyfqnet --isa scalar --seconds 0");
  CHECK(table.code == 0);
  CHECK(contains(table.out, "scalar"));
  CHECK(contains(table.out, "64x64"));
  const auto unknown = run_tool("bench --model nothing --seconds 0");
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "nothing"));
}

TEST_CASE("every command checks that it can write before it reads its input") {
  const std::string dir = scratch_dir("nowhere");
  std::ofstream(dir + "/file") << "in the way";
  const std::string out = dir + "/file/x", data = " --data missing.csv ";
  for (const std::string& command : {"calibrate missing.pth --out " + out + data,
                                     "degrade --out " + out + data,
                                     "label --out " + out + data,
                                     "label --skipped " + out + data,
                                     "label --recogniser missing.pth --embeddings " + out + data,
                                     "sample --out " + out + data,
                                     "sample --svg " + out + data,
                                     "eval --out " + out + data,
                                     "verify-eval --out " + out + data,
                                     "verify-eval --recogniser missing.pth --embeddings " + out + data,
                                     "train --out " + out + data,
                                     "ablation --out " + out + data,
                                     "size-study --out " + out + data,
                                     "size-study --faces missing.csv --recogniser missing.pth --out " + dir +
                                         "/study --embeddings " + out + data,
                                     "train-baseline --method rqs --out " + out + data,
                                     "eval --save-faces " + out + data,
                                     "label --save-faces " + out + data,
                                     "verify-eval --save-faces " + out + data,
                                     "calibrate missing.pth --out " + dir + "/x --save-faces " + out + data,
                                     "train --out " + dir + "/run --save-faces " + out + data,
                                     "select --save-faces " + out + data,
                                     "select missing --out " + out,
                                     "detect missing --draw " + out,
                                     "detect missing --crop " + out,
                                     "score missing --draw " + out,
#ifdef TINYFIQA_WITH_ONNX
                                     "export --weights missing.pth --onnx " + out,
#endif
                                     "import missing.pth " + out}) {
    const auto r = run_tool(command);
    INFO(command << ": " << r.err);
    CHECK(r.code != 0);
    CHECK(contains(r.err, out + ": can't "));
    CHECK_FALSE(contains(r.err, "missing"));
    CHECK(r.out.empty());
  }
}
