#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/calibration.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "noise_images.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

const std::string built_in = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet_m.safetensors";

/// Writes a CSV of the example faces, each in several boxes. Returns its path.
std::string make_population(const std::string& dir, int boxes = 5) {
  std::ofstream csv(dir + "/population.csv");
  csv << "path,box_x,box_y,box_w,box_h\n";
  for (const char* face :
       {"astronaut", "astronaut_blur", "astronaut_dark", "astronaut_jpeg", "astronaut_noise"})
    for (int i = 0; i < boxes; ++i)
      csv << face << ".jpg," << 8 * i << "," << 4 * i << "," << 160 - 12 * i << "," << 160 - 12 * i << "\n";
  return dir + "/population.csv";
}

/// Calibrates the built-in weights and writes them to dir/out.safetensors.
ToolResult calibrate(const std::string& dir, const std::string& more = "") {
  return run_tool("calibrate " + built_in + " --data " + make_population(dir) + " --images {faces} --out " +
                  dir + "/out.safetensors " + more);
}

TensorFile read(const std::string& path) {
  auto file = read_safetensors(path);
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  return *file;
}

std::string metadata(const TensorFile& file, const std::string& key) {
  const std::string* value = find_metadata(file.metadata, key);
  return value == nullptr ? "(none)" : *value;
}

/// Copies a file after `change` has changed its tensors or its metadata.
template <class Change>
void rewrite(const std::string& from, const std::string& to, const Change& change) {
  TensorFile file = read(from);
  std::vector<TensorBytes> tensors;
  for (const TensorEntry& entry : file.entries()) {
    auto bytes = read_bytes(entry);
    REQUIRE(bytes.ok());
    tensors.push_back({entry.name, entry.dtype, entry.shape, std::move(*bytes)});
  }
  change(tensors, file.metadata);
  REQUIRE(write_safetensors(to, tensors, file.metadata).ok());
}

void set(Metadata& metadata, const std::string& key, const std::string& value) {
  for (auto& entry : metadata)
    if (entry.first == key) entry.second = value;
}

}  // namespace

TEST_CASE("calibrate writes weights that score 0..100 and describe themselves") {
  const std::string dir = scratch_dir("calibrate");
  const auto r = calibrate(dir, "--about recipe='60 epochs, SGD' --about data=faces --licence MIT");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  for (const char* part : {"25 faces of population.csv", "floor", "maximum", "thresholds", "bands",
                           "reject 0-", "out.safetensors: tinyfqnet_m", "test vector off by 0"})
    CHECK_MESSAGE(contains(r.out, part), r.out);
  const TensorFile file = read(dir + "/out.safetensors");
  CHECK(metadata(file, "model") == "tinyfqnet_m");
  CHECK(metadata(file, "input_size") == "64x64");
  CHECK(metadata(file, "normalisation") == "RGB, (level - 127.5) * 0.0078125");
  CHECK(metadata(file, "recipe") == "60 epochs, SGD");
  CHECK(metadata(file, "data") == "faces");
  CHECK(metadata(file, "licence") == "MIT");
  CHECK(metadata(file, "population") == "25 faces of population.csv");
  const auto calibration = calibration_from_metadata(file.metadata, "x");
  REQUIRE(calibration.ok());
  REQUIRE(calibration->has_value());
  const auto scored =
      run_tool("score {faces} --face whole --format jsonl --weights " + dir + "/out.safetensors");
  CHECK(scored.code == 0);
  CHECK(scored.err.empty());
  std::istringstream lines(scored.out);
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    CHECK(row["quality"] == (*calibration)->quality_number(row["score"].get<float>()));
    CHECK(row["band"] == band_name((*calibration)->limits.of(row["quality"].get<int>())));
  }
}

TEST_CASE("calibrated weights can be calibrated again, and the same population gives the same file") {
  const std::string once = scratch_dir("calibrate_once"), twice = scratch_dir("calibrate_twice");
  REQUIRE(calibrate(once).code == 0);
  REQUIRE(run_tool("calibrate " + once + "/out.safetensors --threads 1 --data " + make_population(twice) +
                   " --images {faces} --out " + twice + "/out.safetensors")
              .code == 0);
  CHECK(read_text(once + "/out.safetensors") == read_text(twice + "/out.safetensors"));
  REQUIRE(calibrate(twice, "--floor -1").code == 0);
  CHECK(metadata(read(twice + "/out.safetensors"), "calibration").compare(0, 5, "-1:0 ") == 0);
}

TEST_CASE("--half stores 16-bit floats and calibrates the rounded weights") {
  const std::string whole = scratch_dir("whole"), half = scratch_dir("half");
  REQUIRE(calibrate(whole).code == 0);
  const auto r = calibrate(half, "--half");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "16 bits"));
  const TensorFile file = read(half + "/out.safetensors");
  for (const TensorEntry& entry : file.entries()) CHECK(entry.dtype == DType::f16);
  CHECK(read_text(half + "/out.safetensors").size() <
        0.7 * static_cast<double>(read_text(whole + "/out.safetensors").size()));
  CHECK(run_tool("verify-weights " + half + "/out.safetensors").code == 0);
  const auto a = run_tool("score {faces} --face whole --raw --weights " + whole + "/out.safetensors"),
             b = run_tool("score {faces} --face whole --raw --weights " + half + "/out.safetensors");
  std::istringstream lines_a(a.out), lines_b(b.out);
  std::string line_a, line_b;
  while (std::getline(lines_a, line_a) && std::getline(lines_b, line_b))
    CHECK(std::stod(line_a) == doctest::Approx(std::stod(line_b)).epsilon(0.01));
}

TEST_CASE("--size becomes the input size of the calibrated weights") {
  const std::string sized = scratch_dir("calibrate_size");
  REQUIRE(calibrate(sized, "--size 80x72").code == 0);
  CHECK(metadata(read(sized + "/out.safetensors"), "input_size") == "80x72");
  const std::string weights = " --weights " + sized + "/out.safetensors";
  CHECK(run_tool("score {faces} --face whole --raw" + weights).out ==
        run_tool("score {faces} --face whole --raw --size 80x72").out);
  CHECK(contains(run_tool("info" + weights).out, "1 x 80x72x3"));
}

TEST_CASE("--tta becomes the default views of the calibrated weights") {
  const std::string dir = scratch_dir("calibrate_views");
  REQUIRE(calibrate(dir, "--tta flips").code == 0);
  const std::string file = dir + "/out.safetensors", weights = " --weights " + file;
  CHECK(metadata(read(file), "views") == "identity,hflip,vflip");
  const auto plain = run_tool("score {faces} --face whole --format csv" + weights);
  CHECK(plain.err.empty());
  CHECK(plain.out == run_tool("score {faces} --face whole --format csv --tta flips" + weights).out);
  CHECK(plain.out != run_tool("score {faces} --face whole --format csv --tta none" + weights).out);
  CHECK(contains(run_tool("score {faces} --face whole --tta none" + weights).err,
                 "calibrated with other views"));
  CHECK(run_tool("verify-weights " + file).code == 0);
  // Calibrate again, without --tta and with other views.
  const std::string again =
      "calibrate " + file + " --data " + make_population(dir) + " --images {faces} --out ";
  REQUIRE(run_tool(again + dir + "/same.safetensors").code == 0);
  CHECK(read_text(dir + "/same.safetensors") == read_text(file));
  REQUIRE(run_tool(again + dir + "/one.safetensors --tta none").code == 0);
  CHECK(metadata(read(dir + "/one.safetensors"), "views") == "identity");
  // Two files with different views need --tta.
  const std::string both = "score {faces} --face whole --model ensemble --weights " + file + " --weights " +
                           dir + "/one.safetensors";
  const auto torn = run_tool(both);
  CHECK(torn.code == 2);
  CHECK(contains(torn.err, "--tta is needed: the weight files name different views"));
  CHECK(run_tool(both + " --tta hflip").code == 0);
  // A file without views is the same as a file with the view identity.
  const auto one = run_tool("score {faces} --face whole --format jsonl --weights " + built_in +
                            " --weights " + dir + "/one.safetensors");
  CHECK_MESSAGE(one.code == 0, one.err);
  CHECK(nlohmann::json::parse(one.out.substr(0, one.out.find('\n')))["networks"][1]["views"].size() == 1);
  std::string many = "identity";
  for (int i = 0; i < 64; ++i) many += ",hflip";
  CHECK(contains(run_tool("score {faces} --face whole --tta " + many).err, "more than 64 views"));
  rewrite(file, dir + "/bad.safetensors",
          [](std::vector<TensorBytes>&, Metadata& m) { set(m, "views", "sideways"); });
  const auto bad = run_tool("score {faces} --face whole --weights " + dir + "/bad.safetensors");
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "metadata 'views': 'sideways'"));
}

TEST_CASE("calibrate refuses unusable input, and says why") {
  const std::string dir = scratch_dir("calibrate_bad");
  const std::string out = " --out " + dir + "/out.safetensors", images = " --images {faces}";
  const auto few = run_tool("calibrate " + built_in + " --data " + make_population(dir, 1) + images + out);
  CHECK(few.code == 2);
  CHECK(contains(few.err, "at least 20"));
  const auto about = calibrate(dir, "--about recipe");
  CHECK(about.code == 2);
  CHECK(contains(about.err, "KEY=TEXT"));
  const auto taken = calibrate(dir, "--about bands=mine");
  CHECK(taken.code == 2);
  CHECK(contains(taken.err, "choose another key"));
  const auto floor = calibrate(dir, "--floor 100");
  CHECK(floor.code == 2);
  CHECK(contains(floor.err, "floor"));
  CHECK_FALSE(std::ifstream(dir + "/out.safetensors").good());
  CHECK(run_tool("calibrate " + dir + "/none.pth --data " + make_population(dir) + images + out).code == 2);
  const auto nowhere = run_tool("calibrate " + built_in + " --data " + make_population(dir) + images +
                                " --out /nowhere/x.safetensors");
  CHECK(nowhere.code == 1);
  CHECK(contains(nowhere.err, "/nowhere/x.safetensors: can't be written"));
  CHECK(nowhere.out.empty());  // found before the work
  const auto folder =
      run_tool("calibrate " + built_in + " --data " + make_population(dir) + images + " --out " + dir);
  CHECK(folder.code == 1);
  CHECK(contains(folder.err, dir + ": is a folder; name a file in it"));
  CHECK(folder.out.empty());
  std::ofstream(dir + "/population.csv", std::ios::app) << "missing.jpg,0,0,10,10\n";
  const std::string with_missing =
      "calibrate " + built_in + " --data " + dir + "/population.csv" + images + out;
  CHECK(run_tool(with_missing).code == 2);
  CHECK(run_tool(with_missing + " --skip-bad").code == 0);
  // An image that can't be scored is reported, and the others are used.
  make_population(dir);
  std::ofstream(dir + "/population.csv", std::ios::app) << "astronaut.jpg,0,0,1000,10\n";
  const auto one = run_tool(with_missing);
  CHECK(one.code == 1);
  CHECK(contains(one.err, "1 images have no score"));
  CHECK(contains(one.out, "25 faces"));
}

TEST_CASE("verify-weights passes what calibrate wrote, on every instruction set") {
  const std::string dir = scratch_dir("verify_good");
  REQUIRE(calibrate(dir).code == 0);
  const auto r = run_tool("verify-weights " + dir + "/out.safetensors " + built_in);
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 2);
  CHECK(contains(r.out, "out.safetensors: pass (tinyfqnet_m, input 64x64, calibrated"));
  CHECK(run_tool("verify-weights --isa scalar " + dir + "/out.safetensors").code == 0);
  CHECK(run_tool("verify-weights").code == 2);
  CHECK(run_tool("verify-weights --isa mmx " + built_in).code == 2);
}

TEST_CASE("verify-weights passes the weights that come with the program") {
  const std::string ensemble = TINYFIQA_SOURCE_DIR "/weights/ensemble/";
  for (const char* isa : {"auto", "scalar"}) {
    const auto r =
        run_tool("verify-weights " + built_in + " " + ensemble + "mobilenet_v3_small.safetensors " +
                 ensemble + "shufflenet_v2_x0_5.safetensors --isa " + isa);
    CHECK_MESSAGE(r.code == 0, std::string(r.out + r.err));
    CHECK(count_lines(r.out) == 3);
  }
}

TEST_CASE(
    "verify-weights finds a changed weight, and says of a file without a test vector that it has none") {
  const std::string dir = scratch_dir("verify_bad"), good = dir + "/out.safetensors";
  REQUIRE(calibrate(dir).code == 0);
  rewrite(good, dir + "/changed.safetensors", [](std::vector<TensorBytes>& tensors, Metadata&) {
    std::vector<unsigned char>& bytes = tensors.front().bytes;
    detail::store_le(bytes.data(), detail::float_bits(detail::load_le<float>(bytes.data()) + 0.5f), 4);
  });
  const auto changed = run_tool("verify-weights " + dir + "/changed.safetensors " + good);
  CHECK(changed.code == 1);
  CHECK(contains(changed.out, "changed.safetensors: FAILED: test vector: an output is off by"));
  CHECK(contains(changed.out, "out.safetensors: pass"));
  rewrite(good, dir + "/none.safetensors", [](std::vector<TensorBytes>&, Metadata& m) {
    m.erase(std::find_if(m.begin(), m.end(), [](const auto& entry) { return entry.first == "test_vector"; }));
  });
  REQUIRE(metadata(read(dir + "/none.safetensors"), "test_vector") == "(none)");
  const auto none = run_tool("verify-weights " + dir + "/none.safetensors");
  CHECK(none.code == 1);
  CHECK(contains(none.out, "none.safetensors: not verified: no test vector"));
}

TEST_CASE("verify-weights names the metadata that is wrong") {
  const std::string dir = scratch_dir("verify_metadata"), good = dir + "/out.safetensors";
  REQUIRE(calibrate(dir).code == 0);
  struct Wrong {
    const char *key, *value;
  };
  for (const Wrong& w : std::vector<Wrong>{{"model", "tinyfqnet_t6_w100"},
                                           {"model", "nonsense"},
                                           {"input_size", "64"},
                                           {"normalisation", "RGB / 255"},
                                           {"calibration", "0.5:10 0.4:20"},
                                           {"bands", "all good"},
                                           {"test_vector", "seed 1"},
                                           {"test_vector", "seed 1, size 9999x9999, outputs 0.5"}}) {
    const std::string bad = dir + "/bad.safetensors";
    rewrite(good, bad, [&](std::vector<TensorBytes>&, Metadata& m) { set(m, w.key, w.value); });
    const auto r = run_tool("verify-weights " + bad);
    INFO(w.key << " " << w.value << ": " << r.out);
    CHECK(r.code == 1);
    CHECK(count_lines(r.out) == 1);
    CHECK(contains(r.out, "bad.safetensors: FAILED: "));
    if (std::string(w.value) != "tinyfqnet_t6_w100") CHECK(contains(r.out, "'" + std::string(w.key) + "'"));
  }
  const auto not_weights = run_tool("verify-weights {faces}/astronaut.jpg " + dir + "/missing.safetensors");
  CHECK(not_weights.code == 1);
  CHECK(count_lines(not_weights.out) == 2);
}

TEST_CASE("info shows what a weight file says about itself") {
  const std::string dir = scratch_dir("info_weights");
  REQUIRE(calibrate(dir, "--about recipe=none").code == 0);
  const auto text = run_tool("info --weights " + dir + "/out.safetensors");
  CHECK(text.code == 0);
  for (const char* part : {"bands ", "reject 0-", "recipe ", "population ", "test_vector "})
    CHECK(contains(text.out, part));
  const auto json = nlohmann::json::parse(run_tool("info --json --weights " + dir + "/out.safetensors").out);
  CHECK(json["weights"]["recipe"] == "none");
  CHECK(run_tool("info --model yunet_n --weights " + dir + "/out.safetensors").code == 2);
}

TEST_CASE("--pairs measures how often a recogniser fails in each band") {
  // 80 people with two images each. The two embeddings of a person are equal, except for the last ten people.
  const std::string dir = make_noise_images("calibrate_pairs", 160, "whole image");
  std::ofstream(dir + "/faces.csv") << "path,identity,note\n";
  Rng rng(3);
  std::vector<float> embeddings;
  for (int person = 0; person < 80; ++person) {
    std::vector<float> one(16);
    for (int image = 0; image < 2; ++image) {
      const std::string path = std::to_string(2 * person + image) + ".ppm";
      std::ofstream(dir + "/faces.csv", std::ios::app) << path << ",p" << person << ",whole image\n";
      for (float& value : one)
        if (image == 0 || person >= 70) value = rng.normal();
      embeddings.insert(embeddings.end(), one.begin(), one.end());
    }
    std::ofstream(dir + "/pairs.txt", std::ios::app) << 2 * person << ".ppm " << 2 * person + 1 << ".ppm 1\n";
  }
  REQUIRE(write_npy(dir + "/faces.npy", {160, 16}, {embeddings.data(), embeddings.size()}).ok());
  const std::string arguments = "calibrate " + built_in + " --data " + dir + "/labels.csv --out " + dir +
                                "/out.safetensors --pairs-data " + dir + "/faces.csv --embeddings " + dir +
                                "/faces.npy --pairs ";
  const auto r = run_tool(arguments + dir + "/pairs.txt");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "false match rate of 1e-3"));
  const auto c = calibration_from_metadata(read(dir + "/out.safetensors").metadata, "x");
  REQUIRE((c.ok() && c->has_value() && (*c)->errors.has_value()));
  std::size_t pairs = 0, failed = 0;
  for (const BandErrors& e : *(*c)->errors) pairs += e.pairs, failed += e.failed;
  CHECK(pairs == 80);
  CHECK(failed >= 8);
  CHECK(failed <= 10);
  // Images of the population keep their scores, even if the recogniser uses another crop.
  std::string boxed = "path,identity,box_x,box_y,box_w,box_h\n";
  for (int i = 0; i < 160; ++i) boxed += std::to_string(i) + ".ppm,p" + std::to_string(i / 2) + ",0,0,9,9\n";
  write_text(dir + "/boxed.csv", boxed);
  const auto other = run_tool("calibrate " + built_in + " --data " + dir + "/labels.csv --out " + dir +
                              "/boxed.safetensors --pairs-data " + dir + "/boxed.csv --embeddings " + dir +
                              "/faces.npy --pairs " + dir + "/pairs.txt");
  REQUIRE_MESSAGE(other.code == 0, other.err);
  CHECK(read_text(dir + "/boxed.safetensors") == read_text(dir + "/out.safetensors"));
  // Images that are not in the population are scored with the crop of --pairs-data.
  std::string few_faces;
  {
    std::istringstream all(read_text(dir + "/labels.csv"));
    int row = 0;
    for (std::string line; std::getline(all, line) && row < 41; ++row) few_faces += line + "\n";
  }
  write_text(dir + "/quarter.csv", few_faces);
  const auto rest = run_tool("calibrate " + built_in + " --data " + dir + "/quarter.csv --out " + dir +
                             "/quarter.safetensors --pairs-data " + dir + "/faces.csv --embeddings " + dir +
                             "/faces.npy --pairs " + dir + "/pairs.txt");
  REQUIRE_MESSAGE(rest.code == 0, rest.err);
  const auto q = calibration_from_metadata(read(dir + "/quarter.safetensors").metadata, "x");
  REQUIRE((q.ok() && q->has_value() && (*q)->errors.has_value()));
  pairs = 0;
  for (const BandErrors& e : *(*q)->errors) pairs += e.pairs;
  CHECK(pairs == 80);
  CHECK(run_tool("calibrate x.pth --data x.csv --out y.safetensors --pairs p.txt").code == 2);
  write_text(dir + "/few.csv", "path,identity,note\n0.ppm,p0,whole image\n1.ppm,p0,whole image\n");
  write_text(dir + "/few.txt", "0.ppm 1.ppm 1\n");
  REQUIRE(write_npy(dir + "/faces.npy", {2, 16}, {embeddings.data(), 32}).ok());
  const auto few = run_tool("calibrate " + built_in + " --data " + dir + "/labels.csv --out " + dir +
                            "/few.safetensors --pairs-data " + dir + "/few.csv --embeddings " + dir +
                            "/faces.npy --pairs " + dir + "/few.txt");
  CHECK(few.code == 2);
  CHECK(contains(few.err, "needs 10000 pairs of two people"));
}
