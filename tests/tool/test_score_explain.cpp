// Tests of `score --explain`.
#include <doctest/doctest.h>

#include "rows.hpp"
#include "run_tool.hpp"

#include <sstream>
#include <string>
#include <vector>

namespace {

const std::vector<std::string> place_components = {"head_size", "centring"};
const std::vector<std::string> landmark_components = {"resolution", "yaw", "pitch", "roll"};

}  // namespace

TEST_CASE("--explain adds no line for a good photo, and does not change the lines of others") {
  const std::string photos = "score {photos}/astronaut.jpg {photos}/coffee.jpg {faces}/astronaut_dark.jpg";
  const auto plain = run_tool(photos), explained = run_tool(photos + " --explain");
  CHECK(explained.code == plain.code);
  CHECK(explained.err == plain.err);
  const auto portrait = run_tool("score {photos}/astronaut.jpg"),
             explained_portrait = run_tool("score {photos}/astronaut.jpg --explain");
  CHECK(explained_portrait.out == portrait.out);
  std::istringstream lines(explained.out);
  std::string rows, reasons;
  for (std::string line; std::getline(lines, line);)
    (line.compare(0, 5, "     ") == 0 ? reasons : rows) += line + "\n";
  CHECK(rows == plain.out);
  CHECK(contains(reasons, "     too dark: add light in front\n"));
  CHECK(count_lines(reasons) <= 2);
}

TEST_CASE("the worst component of a degraded face is the one that was degraded, in text, CSV and JSON") {
  const std::string dark = "score {faces}/astronaut_dark.jpg --face whole --explain";
  CHECK(contains(run_tool(dark).out, "\n     too dark: add light in front\n"));
  const auto csv = csv_rows(run_tool(dark + " --format csv").out).at(0);
  const auto json = json_rows(run_tool(dark + " --format jsonl").out).at(0);
  CHECK(std::stoi(csv.at("under_exposure")) < 50);
  CHECK(json["components"]["under_exposure"] == std::stoi(csv.at("under_exposure")));
  CHECK(json["measures"]["under_exposure"].get<double>() < 51);
  CHECK(json["reasons"].at(0) == "too dark: add light in front");
  CHECK(csv.at("reasons").compare(0, 28, "too dark: add light in front") == 0);
  CHECK(json["components"].size() == 19);
}

TEST_CASE("a whole image has no components of landmarks and place: empty in CSV, null in JSON") {
  const std::string whole = "score {faces}/astronaut.jpg --face whole --explain";
  const auto csv = csv_rows(run_tool(whole + " --format csv").out).at(0);
  const auto json = json_rows(run_tool(whole + " --format jsonl").out).at(0);
  auto absent = place_components;
  absent.insert(absent.end(), landmark_components.begin(), landmark_components.end());
  absent.emplace_back("single_face");
  for (const std::string& name : absent) {
    CAPTURE(name);
    CHECK(csv.at(name).empty());
    CHECK(json["components"][name].is_null());
    CHECK_FALSE(json["measures"].contains(name));
  }
  CHECK_FALSE(csv.at("sharpness").empty());
}

TEST_CASE(
    "faces of a photo have resolutions and places of their own; other faces matter to a single one only") {
  const auto all = json_rows(run_tool("score {photos}/group.jpg --face all --explain --format jsonl").out);
  REQUIRE(all.size() >= 5);
  CHECK(all.front()["measures"]["resolution"].get<double>() >
        2 * all.back()["measures"]["resolution"].get<double>());
  CHECK(contains(all.back()["reasons"].dump(), "px between the eyes: come closer"));
  for (const auto& row : all) {
    for (const std::string& name : place_components) CHECK(row["components"][name].is_number_integer());
    CHECK(row["components"]["single_face"].is_null());
  }
  const auto one = json_rows(run_tool("score {photos}/group.jpg --explain --format jsonl").out);
  REQUIRE(one.size() == 1);
  CHECK(one[0]["measures"]["single_face"].get<double>() > 0.1);
  CHECK(one[0]["score"] == all[0]["score"]);
  const auto alone = json_rows(run_tool("score {photos}/astronaut.jpg --explain --format jsonl").out);
  CHECK(alone.at(0)["components"]["single_face"] == 100);
}

TEST_CASE("given landmarks are explained with their angles, a given box without") {
  const std::string face = "score {faces}/astronaut.jpg --explain --format jsonl ";
  const auto by_landmarks =
      json_rows(run_tool(face + "--landmarks 57.3,62.7,102.3,65,80,88,60,104.7,97.3,104.7").out).at(0);
  const auto by_box = json_rows(run_tool(face + "--box 38,22,84,116").out).at(0);
  for (const std::string& name : landmark_components) {
    CAPTURE(name);
    CHECK(by_landmarks["components"][name].is_number_integer());
    CHECK(by_box["components"][name].is_null());
  }
  for (const std::string& name : place_components) CHECK(by_landmarks["components"][name].is_null());
  CHECK(by_box["components"]["sharpness"].is_number_integer());
}

TEST_CASE("rows without a score have empty components, and a run with --explain can be resumed") {
  const std::string dir = scratch_dir("explain");
  const std::string photos = " {photos}/coffee.jpg {photos}/astronaut.jpg --explain";
  const auto r = run_tool("score --out " + dir + "/rows.csv" + photos);
  CHECK(r.code == 1);
  const std::string text = read_text(dir + "/rows.csv");
  const auto rows = csv_rows(text);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("sharpness").empty());
  CHECK(rows[0].at("reasons").empty());
  CHECK_FALSE(rows[1].at("sharpness").empty());
  CHECK(run_tool("score --resume " + dir + "/rows.csv" + photos).code == 0);
  CHECK(read_text(dir + "/rows.csv") == text);
  CHECK(run_tool("score --resume " + dir + "/rows.csv {photos}/coffee.jpg {photos}/astronaut.jpg").code == 2);
}
