#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "rows.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <cmath>
#include <map>
#include <sstream>
#include <vector>

TEST_CASE("score needs no flag, and its rows come in the order of the files") {
  const auto r = run_tool("score {photos}/group.jpg {photos}/astronaut.jpg");
  CHECK(r.code == 0);
  CHECK(r.err.empty());
  CHECK(count_lines(r.out) == 2);
  CHECK(r.out.find("group.jpg") < r.out.find("astronaut.jpg"));
  CHECK(std::stoi(r.out) >= 0);
  CHECK(std::stoi(r.out) <= 100);
}

TEST_CASE("the quality is a whole number with its band, and --raw gives the network's score instead") {
  const std::string photo = "score {faces}/astronaut.jpg --face whole";
  const auto row = json_rows(run_tool(photo + " --format jsonl").out).at(0);
  const int quality = row["quality"];
  const std::string band = row["band"];
  CHECK(contains("reject poor fair good", band));
  CHECK(row["score"].is_number_float());
  char judged[32];
  std::snprintf(judged, sizeof judged, "%3d  %-6s  ", quality, band.c_str());
  const auto text = run_tool(photo);
  CHECK_MESSAGE(contains(text.out, judged), text.out);
  const auto csv = run_tool(photo + " --format csv");
  CHECK(contains(csv.out, "astronaut.jpg," + std::to_string(quality) + "," + band + ",0."));

  const auto raw = run_tool(photo + " --raw");
  CHECK(std::stod(raw.out) == doctest::Approx(row["score"].get<double>()).epsilon(1e-3));
  CHECK_FALSE(contains(raw.out, band));
  CHECK_FALSE(json_rows(run_tool(photo + " --raw --format jsonl").out).at(0).contains("quality"));
  CHECK(contains(run_tool(photo + " --raw --format csv").out, "path,score,error\n"));
}

TEST_CASE("tinyfqnet_m scores by default, and the smaller tinyfqnet is built in, too") {
  const std::string photo = "score {faces}/astronaut.jpg --format jsonl";
  const auto model = [&](const std::string& option) {
    const auto r = run_tool(photo + option);
    REQUIRE_MESSAGE(r.code == 0, r.err);
    const auto row = json_rows(r.out).at(0);
    CHECK(row["quality"].is_number_integer());
    return row["networks"].at(0)["model"].get<std::string>();
  };
  CHECK(model("") == "tinyfqnet_m");
  CHECK(model(" --model tinyfqnet_m") == "tinyfqnet_m");
  CHECK(model(" --model tinyfqnet") == "tinyfqnet");
  const auto none = run_tool("score {faces}/astronaut.jpg --model tinyfqnet_t6_w100");
  CHECK(none.code == 2);
  CHECK(contains(none.err, "no trained weights of tinyfqnet_t6_w100"));
}

TEST_CASE("the perceptual ensemble comes with the program") {
  const auto r = run_tool("score {faces} --face whole --model ensemble --sort");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 6);
  CHECK(contains(r.out.substr(0, r.out.find('\n')), "/astronaut.jpg"));
  const auto rows = json_rows(run_tool("score {faces}/astronaut.jpg --model ensemble --format jsonl").out);
  CHECK(rows.at(0)["quality"].is_number_integer());
  REQUIRE(rows.at(0)["networks"].size() == 2);
  CHECK(rows.at(0)["networks"][0]["model"] == "mobilenet_v3_small");
  CHECK(rows.at(0)["networks"][1]["model"] == "shufflenet_v2_x0_5");
  CHECK(rows.at(0)["networks"][1]["views"].size() == 3);
  CHECK(run_tool("score {faces}/astronaut.jpg --model mobilenet_v3_small").code == 0);
  const auto none = run_tool("score {faces}/astronaut.jpg --model shufflenet_v2_x1_0");
  CHECK(none.code == 2);
  CHECK(contains(none.err, "ensemble/shufflenet_v2_x1_0.safetensors"));
}

TEST_CASE("weights without a calibration give raw scores and a note that says how to calibrate") {
  const std::string pth = TINYFIQA_SOURCE_DIR "/tests/fixtures/models/tinyfqnet.zip.pth";
  const auto r = run_tool("score {faces}/astronaut.jpg --weights " + pth);
  CHECK(r.code == 0);
  CHECK(contains(r.err, "tinyfqnet have no calibration"));
  CHECK(contains(r.err, "tinyfiqa calibrate WEIGHTS"));
  CHECK(contains(r.out, "."));
  const auto raw = run_tool("score {faces}/astronaut.jpg --raw --weights " + pth);
  CHECK(raw.err.empty());
  CHECK(raw.out == r.out);
  const auto baseline = run_tool("score {faces}/astronaut.jpg --model blur");
  CHECK(baseline.err.empty());
}

TEST_CASE("an image that can't be scored leaves the columns of quality and band empty") {
  const auto csv = run_tool("score missing.jpg --format csv");
  CHECK(contains(csv.out, "missing.jpg,,,,no such file"));
  CHECK(contains(run_tool("score missing.jpg --raw --format csv").out, "missing.jpg,,no such file"));
  CHECK(contains(run_tool("score missing.jpg").out, "error        missing.jpg: no such file"));
}

TEST_CASE("the sharp image scores above its blurred, dark and tiny versions") {
  std::map<std::string, double> score;
  for (const auto& row : json_rows(run_tool("score {faces} --face whole --format jsonl").out)) {
    const std::string path = row["path"];
    score[path.substr(path.rfind('/') + 1)] = row["score"];
  }
  REQUIRE(score.size() >= 6);
  for (const char* worse : {"astronaut_blur.jpg", "astronaut_dark.jpg", "astronaut_small.jpg"})
    CHECK(score.at("astronaut.jpg") > score.at(worse));
}

TEST_CASE("folders are searched at all depths, patterns expanded, lists read from stdin") {
  const std::string dir = scratch_dir("tree");
  REQUIRE(
      std::system(("mkdir -p " + dir + "/a/b && cp " TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg " +
                   dir + "/a/b/x.JPG && cp " TINYFIQA_SOURCE_DIR "/examples/faces/astronaut_dark.jpg " + dir +
                   "/a/y.jpeg && echo no > " + dir + "/a/notes.txt")
                      .c_str()) == 0);
  CHECK(count_lines(run_tool("score " + dir).out) == 2);
  CHECK(count_lines(run_tool("score '" + dir + "/a/*.jpeg'").out) == 1);
  const auto r = run_tool("score -", "printf '" + dir + "/a/y.jpeg\\r\\n\\n" + dir + "/a\\n' |");
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 3);
  const auto empty = run_tool("score -", ": |");
  CHECK(empty.code == 0);
  CHECK(contains(empty.err, "list of files is empty"));
}

TEST_CASE("a bad file gives a row with its error, the rest is scored, and the exit status says so") {
  const std::string dir = scratch_dir("bad");
  const std::string whole = read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  write_text(dir + "/cut.jpg", whole.substr(0, whole.size() / 2));
  write_text(dir + "/empty.jpg", "");
  write_text(dir + "/text.jpg", "this is not an image\n");
  write_text(dir + "/anim.png", "GIF89a\1\0\1\0");
  write_text(dir + "/good.jpg", whole);
  REQUIRE(std::system(("mkdir " + dir + "/nothing").c_str()) == 0);
  const auto r = run_tool("score " + dir + " " + dir + "/nothing " + dir + "/missing.jpg --format jsonl");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "6 of 7 images could not be scored"));
  int scored = 0;
  for (const auto& row : json_rows(r.out)) {
    const std::string path = row["path"];
    if (row.contains("score")) {
      CHECK(contains(path, "good.jpg"));
      ++scored;
      continue;
    }
    const std::string error = row["error"];
    CHECK_FALSE(error.empty());
    if (contains(path, "cut")) CHECK(contains(error, "cut off"));
    if (contains(path, "empty")) CHECK(contains(error, "empty"));
    if (contains(path, "text")) CHECK(contains(error, "text"));
    if (contains(path, "anim")) CHECK(contains(error, "GIF"));
    if (contains(path, "missing")) CHECK(contains(error, "no such file"));
    if (contains(path, "nothing")) CHECK(contains(error, "no image in this folder"));
  }
  CHECK(scored == 1);
}

TEST_CASE("images of one pixel and of 1 x 3000 pixels are scored") {
  const std::string dir = scratch_dir("sizes");
  write_text(dir + "/one.ppm", "P6\n1 1\n255\nabc");
  write_text(dir + "/tall.ppm", "P6\n1 3000\n255\n" + std::string(9000, 'x'));
  write_text(dir + "/wide.pgm", "P5\n3000 1\n255\n" + std::string(3000, 'x'));
  const auto r = run_tool("score --face whole " + dir);
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 3);
  CHECK(run_tool("score --face whole " + dir + " --size 1x1").code == 0);
  // No face is found in them, either.
  const auto searched = run_tool("score " + dir);
  CHECK(searched.code == 1);
  CHECK(count_lines(searched.out) == 3);
}

TEST_CASE("CSV quotes what needs it and has a column for each network and view") {
  const std::string dir = scratch_dir("csv, \"dir\"");
  REQUIRE(std::system(
              ("cp " TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg '" + dir + "/f.jpg'").c_str()) == 0);
  const auto r = run_tool("score '" + dir + "' --face whole --format csv --tta flips");
  CHECK(r.code == 0);
  CHECK(contains(r.out,
                 "path,quality,band,score,error,tinyfqnet_m,tinyfqnet_m.identity,tinyfqnet_m.hflip,"
                 "tinyfqnet_m.vflip\n"));
  CHECK(contains(r.out, "csv, \"\"dir\"\"/f.jpg\","));
  CHECK(contains(run_tool("score '" + dir + "' --face whole --format csv").out,
                 "path,quality,band,score,error\n"));
}

TEST_CASE("the score is the mean over networks of the mean over views") {
  const std::string w = TINYFIQA_SOURCE_DIR "/tests/fixtures/models/tinyfqnet.zip.pth",
                    d = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";
  const auto r = run_tool("score {faces}/astronaut.jpg --model ensemble --weights " + w + " --weights " + d +
                          " --tta flips --format jsonl");
  REQUIRE(r.code == 0);
  const auto row = json_rows(r.out).at(0);
  double total = 0;
  for (const auto& network : row["networks"]) {
    double mean = 0;
    CHECK(network["views"].size() == 3);
    for (const auto& view : network["views"]) mean += view.get<double>() / 3;
    CHECK(network["score"].get<double>() == doctest::Approx(mean));
    total += mean / 2;
  }
  CHECK(row["networks"].size() == 2);
  CHECK(row["networks"][1]["model"] == "tinyfqnet#2");
  CHECK(row["score"].get<double>() == doctest::Approx(total));
}

TEST_CASE("a flipped view has the score of the flipped image") {
  const auto views = run_tool("score {faces}/astronaut.jpg --tta identity,hflip,color --format jsonl");
  const auto again =
      run_tool("score {faces}/astronaut.jpg --tta identity,hflip,color --format jsonl --threads 1");
  CHECK(views.out == again.out);
  const auto network = json_rows(views.out).at(0)["networks"][0]["views"];
  CHECK(network["identity"] != network["hflip"]);
  CHECK(network["identity"] != network["color"]);
  CHECK(std::fabs(network["identity"].get<double>() - network["color"].get<double>()) < 0.1);
}

TEST_CASE("a box and landmarks choose the face") {
  const auto whole = run_tool("score {faces}/astronaut.jpg --raw --face whole"),
             box = run_tool("score {faces}/astronaut.jpg --raw --box 10,10,60,60");
  CHECK(box.code == 0);
  CHECK(whole.out != box.out);
  CHECK(run_tool("score {faces}/astronaut.jpg --landmarks 40,50,80,50,60,70,45,90,75,90").code == 0);
  const auto outside = run_tool("score {faces}/astronaut.jpg --box 10,10,6000,60");
  CHECK(outside.code == 1);
  CHECK(contains(outside.out, "lies outside the image, or most of it does"));
  CHECK(run_tool("score {faces}/astronaut.jpg --landmarks 1,1,1,1,1,1,1,1,1,1").code == 1);
  CHECK(run_tool("score {faces}/astronaut.jpg --box 1,2,3").code == 2);
  CHECK(run_tool("score {faces}/astronaut.jpg --box 1,2,3,x").code == 2);
}

TEST_CASE("--box gives the score of average landmarks in the box, and the row says so") {
  const std::string score = "score {faces}/astronaut.jpg ", box = " --box 28,5,100,136";
  // box_template of image/align.hpp in that box.
  const std::string points = " --landmarks 54.6,57.632,101.4,57.632,78,84.968,57.5,104.824,98.5,104.824";
  const auto by_box = json_rows(run_tool(score + box + " --format jsonl").out).at(0);
  const auto by_points = json_rows(run_tool(score + points + " --format jsonl").out).at(0);
  CHECK(by_box["score"].get<double>() == doctest::Approx(by_points["score"].get<double>()).epsilon(1e-6));
  CHECK(by_box["note"] == "average landmarks");
  CHECK_FALSE(by_points.contains("note"));
  CHECK(contains(run_tool(score + box).out, "astronaut.jpg  (average landmarks)\n"));
  CHECK_FALSE(contains(run_tool(score + points).out, "average"));
  // Networks that want loose crops see the box as it is.
  const auto loose = run_tool(score + box + " --model jpeg --format jsonl");
  CHECK(loose.code == 0);
  CHECK_FALSE(contains(loose.out, "note"));
  CHECK(run_tool(score + "--raw --box -0.75,0,60.5,70").code == 0);
}

TEST_CASE("--sort puts the best first and errors last") {
  const auto r = run_tool("score {faces} missing.jpg --face whole --sort");
  CHECK(r.code == 1);
  std::istringstream lines(r.out);
  double last = 100;
  std::string line;
  while (std::getline(lines, line) && line.compare(0, 5, "error") != 0) {
    CHECK(std::stod(line) <= last);
    last = std::stod(line);
  }
  CHECK(contains(line, "missing.jpg"));
}

TEST_CASE("every thread count and instruction set gives the same scores") {
  const auto one = json_rows(run_tool("score {faces} --face whole --threads 1 --format jsonl").out);
  const auto four = json_rows(run_tool("score {faces} --face whole --threads 4 --format jsonl").out);
  CHECK(one == four);
  const auto scalar = json_rows(run_tool("score {faces} --face whole --isa scalar --format jsonl").out);
  REQUIRE(scalar.size() == one.size());
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(scalar[i]["score"].get<double>() == doctest::Approx(one[i]["score"].get<double>()).epsilon(1e-5));
}

TEST_CASE("wrong usage exits with 2 and names the fix") {
  CHECK(run_tool("score").code == 2);
  CHECK(run_tool("").code == 2);
  CHECK(run_tool("scoer x.jpg").code == 2);
  CHECK(run_tool("score x.jpg --size 10").code == 2);
  CHECK(run_tool("score x.jpg --threads 0").code == 2);
  CHECK(run_tool("score x.jpg --format xml").code == 2);
  const auto tta = run_tool("score x.jpg --tta sideways");
  CHECK(tta.code == 2);
  CHECK(contains(tta.err, "hflip-color"));
  const auto model = run_tool("score x.jpg --model resnet");
  CHECK(model.code == 2);
  CHECK(contains(model.err, "mobilenet_v3_small"));
  const auto untrained = run_tool("score x.jpg --model shufflenet_v2_x1_0");
  CHECK(untrained.code == 2);
  CHECK(contains(untrained.err, "--weights"));
  const auto isa = run_tool("score x.jpg --isa mmx");
  CHECK(isa.code == 2);
  CHECK(contains(isa.err, "scalar"));
}

TEST_CASE("weights that can't be used are refused with the file's name") {
  const std::string dir = scratch_dir("weights");
  const std::string good = read_text(TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors");
  write_text(dir + "/cut.safetensors", good.substr(0, good.size() / 2));
  std::string nan = good;
  nan.replace(nan.find("tinyfiqa_hash"), 13, "another_entry");  // so that the values themselves are looked at
  for (std::size_t i = nan.size() - 4; i < nan.size(); ++i) nan[i] = static_cast<char>(0xff);
  write_text(dir + "/nan.safetensors", nan);
  const std::string pth = read_text(TINYFIQA_SOURCE_DIR "/tests/fixtures/models/tinyfqnet.zip.pth");
  write_text(dir + "/cut.pth", pth.substr(0, pth.size() * 2 / 3));
  for (const char* name : {"cut.safetensors", "nan.safetensors", "cut.pth", "missing.pth"}) {
    const auto r = run_tool("score {faces}/astronaut.jpg --weights " + dir + "/" + name);
    CHECK(r.code == 2);
    CHECK(contains(r.err, name));
    CHECK(r.out.empty());
  }
  const auto nan_result = run_tool("score {faces}/astronaut.jpg --weights " + dir + "/nan.safetensors");
  CHECK(contains(nan_result.err, "NaN"));
  const auto other =
      run_tool("score {faces}/astronaut.jpg --model mobilenet_v3_small --weights " TINYFIQA_SOURCE_DIR
               "/weights/tinyfqnet.safetensors");
  CHECK(other.code == 2);
  CHECK(contains(other.err, "features.0.0.weight"));
  CHECK(contains(other.err, "more"));
}

TEST_CASE("the reader of an endless list can close the pipe") {
  const auto r = run_tool("score {faces} --format csv | head -n 1", "");
  CHECK(r.code == 0);
}
