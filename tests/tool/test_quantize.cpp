#include <tinyfiqa/formats/safetensors.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "run_tool.hpp"
#include "support.hpp"

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

const std::string float_weights = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";

/// A table of the example faces, each in several boxes. Returns its path.
std::string write_boxes(const std::string& dir, int boxes) {
  std::ofstream csv(dir + "/faces.csv");
  csv << "path,box_x,box_y,box_w,box_h\n";
  for (const char* face :
       {"astronaut", "astronaut_blur", "astronaut_dark", "astronaut_jpeg", "astronaut_noise"})
    for (int i = 0; i < boxes; ++i)
      csv << face << ".jpg," << 3 * i << "," << 2 * i << "," << 80 - 5 * i << "," << 80 - 5 * i << "\n";
  return dir + "/faces.csv";
}
ToolResult quantize(const std::string& dir, const std::string& more) {
  return run_tool("quantize " + float_weights + " --data " + write_boxes(dir, 8) +
                  " --images {faces} --out " + dir + "/i8.safetensors " + more);
}
/// What `score` says of the example faces, as whole photos: "quality" (whole points) or "score" (raw).
std::vector<double> numbers_with(const char* name, const std::string& options) {
  const auto r = run_tool("score {faces} --face whole --format jsonl " + options);
  std::vector<double> found;
  std::istringstream lines(r.out);
  for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line).at(name));
  return found;
}
std::vector<double> qualities_with(const std::string& options) { return numbers_with("quality", options); }
/// The same by the weights of a file.
std::vector<double> qualities(const std::string& weights, const std::string& more = "") {
  return qualities_with("--weights " + weights + " " + more);
}

}  // namespace

TEST_CASE("quantize writes weights of 8 bits that score like the floats") {
  const std::string dir = scratch_dir("quantize");
  const auto r = quantize(dir, "--most-images 20 --layers");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  for (const char* part :
       {"ranges measured with 20 images", "stem.0", " dB", "20 other images: Spearman correlation",
        "points of quality", "tinyfqnet, input 64x64, calibrated, test vector off by 0, hash right, 8 bits"})
    CHECK_MESSAGE(contains(r.out, part), r.out);
  const std::string out = dir + "/i8.safetensors";

  // The tensors: 7 bits a weight, no batch norm.
  const auto file = read_safetensors(out);
  REQUIRE(file.ok());
  REQUIRE(file->find("stem.0.weight") != nullptr);
  CHECK(file->find("stem.0.weight")->dtype == DType::i8);
  CHECK(file->find("blocks.1.conv.0.weight_scale")->dtype == DType::f16);
  CHECK(file->find("stem.1.weight") == nullptr);
  CHECK(*find_metadata(file->metadata, "precision") == "i8");
  std::size_t bytes = 0;
  for (const TensorEntry& entry : file->entries()) bytes += *count_elements(entry) * dtype_bytes(entry.dtype);
  CHECK(bytes <= 16384);

  CHECK(run_tool("verify-weights " + out).code == 0);
  const auto before = qualities(float_weights), after = qualities(out);
  REQUIRE(before.size() == 6);
  REQUIRE(after.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::fabs(before[i] - after[i]) <= 12);
  CHECK(qualities(out, "--isa scalar") == after);  // the same on every instruction set
  CHECK(qualities(out, "--threads 2") == after);
}

TEST_CASE("quantize --finetune trains on some images and compares the scores of others") {
  const std::string dir = scratch_dir("quantize_finetune");
  const auto r =
      run_tool("quantize " + float_weights + " --data " + write_boxes(dir, 12) + " --images {faces} --out " +
               dir + "/i8.safetensors --most-images 10 --finetune 2 --finetune-images 36");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  for (const char* part : {"ranges measured with 10 images", "fine-tuning: output error", "24 other images",
                           "test vector off by 0"})
    CHECK_MESSAGE(contains(r.out, part), r.out);
  const auto few = quantize(dir, "--finetune 1 --finetune-images 32 --finer-channels --ranges output");
  CHECK_MESSAGE(few.code == 0, few.err);
  std::ofstream(dir + "/faces.csv") << "path\nastronaut.jpg\n";
  const auto one = run_tool("quantize " + float_weights + " --data " + dir +
                            "/faces.csv --images {faces} --finetune 1 --out " + dir + "/i8.safetensors");
  CHECK(one.code == 2);
  CHECK_MESSAGE(contains(one.err, "faces.csv: fine-tuning needs at least 32 images, not 1; give more"),
                one.err);
}

TEST_CASE("8-bit weights are refused where floats are needed, and so are layers that do not exist") {
  const std::string dir = scratch_dir("quantize_refused");
  REQUIRE(quantize(dir, "--ranges all --keep-biases --float-layer blocks.6.conv.6").code == 0);
  const std::string out = dir + "/i8.safetensors";
  auto r = run_tool("quantize " + out + " --data " + dir + "/faces.csv --images {faces} --out " + dir +
                    "/again.safetensors");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "has 8-bit maps already"), r.err);
  r = run_tool("export --target avx2 --c-array " + dir + "/exported.hpp --weights " + out);
  CHECK(r.code == 1);
  CHECK_MESSAGE(contains(r.err, "can't be packed for avx2"), r.err);
  r = run_tool("calibrate " + out + " --data " + dir + "/faces.csv --images {faces} --out " + dir +
               "/c.safetensors");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "calibrate the floats"), r.err);
  CHECK(contains(run_tool("info --weights " + out).out, "conv_i8/panel"));
  r = run_tool("quantize " + out + " --data " + dir + "/faces.csv --images {faces} --out " + out);
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "give --out another name"), r.err);
  r = quantize(dir, "--float-layer nothing");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "tinyfqnet has no layer 'nothing'"), r.err);
  r = quantize(dir, "--ranges most");
  CHECK(r.code == 2);
  std::ofstream labels(dir + "/labels.csv");
  labels << "path,score,split\n";
  for (const char* face : {"", "_blur", "_dark", "_jpeg", "_noise", "_small"})
    labels << "astronaut" << face << ".jpg,0.5," << (face[0] == '_' && face[1] > 'j' ? "val" : "train")
           << "\n";
  labels.close();
  r = run_tool("train --data " + dir + "/labels.csv --images {faces} --whole-image --init " + out +
               " --model tinyfqnet --out " + dir + "/run --epochs 1");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "weights of a network of 8-bit maps, which can only be run"), r.err);
}

TEST_CASE("--precision i8 scores with the 8-bit weights that come with the program") {
  for (const char* model : {"tinyfqnet", "tinyfqnet_m", "tinyfqnet_l", "ensemble"}) {
    const std::string name = std::string("--model ") + model;
    CAPTURE(name);
    const auto floats = qualities_with(name), whole = qualities_with(name + " --precision i8");
    REQUIRE(floats.size() == whole.size());
    REQUIRE(!floats.empty());
    double change = 0;
    for (std::size_t i = 0; i < floats.size(); ++i) change += std::fabs(floats[i] - whole[i]);
    CHECK(numbers_with("score", name + " --precision i8") != numbers_with("score", name));
    CHECK(change / static_cast<double>(floats.size()) <
          4);  // these faces are stranger than those of the ranges
  }
  // The default network's are compiled in.
  const auto of_file = qualities(TINYFIQA_SOURCE_DIR "/weights/i8/tinyfqnet_m.safetensors");
  CHECK(qualities_with("--precision i8") == of_file);
  CHECK(qualities_with("--precision i8 --model tinyfqnet_m") == of_file);
}

TEST_CASE("--precision auto takes 8 bits where there are dot products, and says so") {
  CHECK(qualities_with("--precision auto --isa scalar") == qualities_with("--isa scalar"));
  const auto r = run_tool("score {faces} --face whole --precision auto");
  REQUIRE(r.code == 0);
  const bool dot_products = contains(run_tool("--version").out, "runs: avx512vnni") ||
                            contains(run_tool("--version").out, "runs: avxvnni") ||
                            contains(run_tool("--version").out, "runs: neondotprod");
  CHECK_MESSAGE(contains(r.err, "8-bit weights") == dot_products, r.err);
  const auto smallest = run_tool("score {faces} --face whole --precision auto --model tinyfqnet");
  CHECK(!contains(smallest.err, "8-bit weights"));  // floats are faster there
}

TEST_CASE("--precision is refused where it would say nothing") {
  auto r = run_tool("score {faces} --precision i8 --weights " + float_weights);
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "has its own (make 8-bit weights of it by tinyfiqa quantize)"), r.err);
  r = run_tool("score {faces} --precision i8 --model blur");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "has no 8-bit weights"), r.err);
  r = run_tool("score {faces} --precision auto --shard 1/2 --out " + scratch_dir("precision_shard") +
               "/s.csv");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "--precision auto may choose otherwise on another machine"), r.err);
  r = run_tool("score {faces} --precision i8 --model yunet_n");
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "no trained weights of yunet_n in 8 bits found"), r.err);
}

TEST_CASE("quantize makes an 8-bit detector, and says how near its faces are") {
  const std::string dir = scratch_dir("quantize_detector"), out = dir + "/detector.safetensors",
                    start = "quantize " TINYFIQA_SOURCE_DIR
                            "/weights/detector.safetensors --images {photos} --out " +
                            out;
  auto r = run_tool(start);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  for (const char* part :
       {"ranges measured with 3 images",
        "3 images, those of the ranges: of 7 faces that the floats find, the 8-bit network "
        "finds 7 (100.0 %, IoU 0.5), and 0 others; landmarks off by 0.0",
        "yunet_n, input 320x320, not calibrated, test vector off by 0, hash right, 8 bits"})
    CHECK_MESSAGE(contains(r.out, part), r.out);
  const auto file = read_safetensors(out);
  REQUIRE(file.ok());
  CHECK(file->find("bbox_head.multi_level_kps.0.conv2.weight")->dtype == DType::i8);

  // What takes a detector takes this one.
  CHECK(run_tool("verify-weights " + out).code == 0);
  r = run_tool("info --weights " + out);
  CHECK_MESSAGE(contains(r.out, "add_upsampled_i8/1v"), r.out);
  const auto floats = run_tool("detect {photos} --format csv"),
             whole = run_tool("detect {photos} --format csv --detector " + out);
  CHECK_MESSAGE(whole.code == floats.code, whole.err);
  CHECK(count_lines(whole.out) == count_lines(floats.out));
  CHECK(whole.out != floats.out);
  CHECK(run_tool("detect {photos} --format csv --isa scalar --detector " + out).out == whole.out);
  r = run_tool("score {photos}/astronaut.jpg --detector " + out);
  CHECK_MESSAGE(r.code == 0, r.err);

  for (const char* option :
       {"--finetune 1", "--save-faces faces.csv", "--whole-image", "--detector x.safetensors"}) {
    r = run_tool(start + " " + option);
    CHECK(r.code == 2);
    CHECK_MESSAGE(contains(r.err, "yunet_n is a detector; leave it out"), r.err);
  }
  r = run_tool("score {faces} --weights " + out);
  CHECK_MESSAGE(contains(r.err, "finds faces"), r.err);
}

TEST_CASE("quantize takes a folder of faces in place of a table") {
  const std::string dir = scratch_dir("quantize_folder");
  const std::string out = dir + "/i8.safetensors",
                    start = "quantize " + float_weights + " --whole-image --out " + out;
  auto r = run_tool(start + " --images {faces}");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK_MESSAGE(contains(r.out, "ranges measured with "), r.out);
  const std::string by_images = r.out;
  r = run_tool(start + " --data {faces}");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(r.out == by_images);
  r = run_tool(start);
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "give the images: --images FOLDER"), r.err);
  r = run_tool(start + " --images " + scratch_dir("quantize_nothing"));
  CHECK(r.code == 2);
  CHECK_MESSAGE(contains(r.err, "quantize_nothing"), r.err);
}
