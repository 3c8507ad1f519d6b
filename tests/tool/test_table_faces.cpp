// Commands that find the faces of a table which does not say where they are.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "recogniser.hpp"
#include "rows.hpp"
#include "run_tool.hpp"

#include <filesystem>
#include <string>

namespace {

const std::string examples = TINYFIQA_SOURCE_DIR "/examples/";
const std::string finding = "finding the faces of ";

/// A folder with three photos (a.jpg, b.jpg, d.jpg), an aligned face (c.jpg) and a photo without a face (none.jpg).
std::string folder_of_photos(const std::string& name) {
  const std::string dir = scratch_dir(name);
  write_text(dir + "/a.jpg", read_text(examples + "photos/astronaut.jpg"));
  write_text(dir + "/b.jpg", read_text(examples + "photos/group.jpg"));
  write_text(dir + "/d.jpg", read_text(examples + "faces/astronaut_noise.jpg"));
  write_text(dir + "/none.jpg", read_text(examples + "photos/coffee.jpg"));
  REQUIRE(run_tool("detect {photos}/astronaut.jpg --crop " + dir + "/crops").code == 0);
  write_text(dir + "/c.jpg", read_text(dir + "/crops/astronaut_face1.jpg"));
  return dir;
}

/// The table of the four images with a face.
std::string table(const std::string& dir, const std::string& more = "") {
  write_text(
      dir + "/t.csv",
      "path,score,identity,template\na.jpg,0.9,x,1\nb.jpg,0.2,y,1\nc.jpg,0.8,x,2\nd.jpg,0.6,y,1\n" + more);
  return dir + "/t.csv";
}
const std::string faceless_row = "none.jpg,0.1,y,2\n";

/// The row of a path.
std::map<std::string, std::string> row_of(const std::string& csv, const std::string& path) {
  for (auto& row : csv_rows(csv))
    if (row.at("path") == path) return row;
  FAIL("no row of " << path);
  return {};
}

ToolResult eval(const std::string& csv, const std::string& out, const std::string& more = "") {
  return run_tool("eval --resamples 2 --data " + csv + " --out " + out + " " + more);
}

}  // namespace

TEST_CASE("eval finds the faces that detect --data finds, and the written table gives the same scores") {
  const std::string dir = folder_of_photos("table_faces"), csv = table(dir);
  const auto r = eval(csv, dir + "/out", "--save-faces " + dir + "/faces.csv --threads 2");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.err,
                 "t.csv has no landmarks: " + finding + "4 images; " + dir + "/faces.csv will have them"));
  CHECK(read_text(dir + "/faces.csv") == run_tool("detect --face auto --data " + csv).out);

  const auto again = eval(dir + "/faces.csv", dir + "/again");
  REQUIRE_MESSAGE(again.code == 0, again.err);
  CHECK_FALSE(contains(again.err, finding));
  CHECK(read_text(dir + "/again/scores.csv") == read_text(dir + "/out/scores.csv"));
  CHECK(contains(eval(csv, dir + "/short").err,
                 "--save-faces FILE keeps them, --whole-image takes whole images"));
}

TEST_CASE("an aligned crop stays as it is, and --whole-image takes every image as it is") {
  const std::string dir = folder_of_photos("table_aligned"), csv = table(dir);
  const auto score = [](const std::string& path) {
    return csv_rows(run_tool("score --face whole --format csv " + path).out).at(0).at("score");
  };
  REQUIRE(eval(csv, dir + "/found").code == 0);
  REQUIRE(eval(csv, dir + "/whole", "--whole-image").code == 0);
  const std::string found = read_text(dir + "/found/scores.csv"),
                    whole = read_text(dir + "/whole/scores.csv");
  const auto near = [](const std::string& text) { return doctest::Approx(std::stod(text)).epsilon(1e-4); };
  CHECK(row_of(found, "c.jpg").at("score") == row_of(whole, "c.jpg").at("score"));
  for (const char* path : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"})
    CHECK(std::stod(row_of(whole, path).at("score")) == near(score(dir + "/" + path)));
  CHECK(row_of(found, "a.jpg").at("score") != row_of(whole, "a.jpg").at("score"));
  CHECK(std::stod(row_of(found, "a.jpg").at("score")) > 0.5);
}

TEST_CASE("landmarks, boxes and notes that a table has are kept; only rows without them are searched") {
  const std::string dir = folder_of_photos("table_partly");
  std::string head = "path,score,note,box_x,box_y,box_w,box_h";
  for (int i = 1; i <= 5; ++i) head += ",x" + std::to_string(i) + ",y" + std::to_string(i);
  write_text(dir + "/t.csv", head +
                                 "\na.jpg,0.9,mine,,,,,207,109,246,107,226,137,212,149,246,148\n"
                                 "b.jpg,0.2,,10,20,60,70,,,,,,,,,,\n"
                                 "c.jpg,0.8,whole image,,,,,,,,,,,,,,\na.jpg,0.7,,,,,,,,,,,,,,,\n");
  const auto r = eval(dir + "/t.csv", dir + "/out", "--save-faces " + dir + "/faces.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.err, "t.csv has no landmarks in 1 of 4 rows: " + finding + "1 images"));
  const auto rows = csv_rows(read_text(dir + "/faces.csv"));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].at("image_left_eye_x") == "207");
  CHECK(rows[0].at("note") == "mine");
  CHECK(rows[0].at("confidence").empty());
  CHECK(rows[1].at("box_w") == "60");
  CHECK(rows[1].at("nose_x").empty());
  CHECK(rows[2].at("note") == "whole image");
  CHECK(std::stod(rows[3].at("confidence")) > 0.5);
  REQUIRE(eval(dir + "/faces.csv", dir + "/again").code == 0);
  CHECK(read_text(dir + "/again/scores.csv") == read_text(dir + "/out/scores.csv"));
}

TEST_CASE("a box without landmarks is aligned by average landmarks, and one note says it of all rows") {
  const std::string dir = folder_of_photos("table_boxes"), columns = ",x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n";
  write_text(dir + "/t.csv",
             "path,score,box_x,box_y,box_w,box_h\na.jpg,0.9,190,60,100,136\nd.jpg,0.6,20,10,100,136\n");
  write_text(dir + "/points.csv",
             "path,score" + columns +
                 "a.jpg,0.9,216.6,112.632,263.4,112.632,240,139.968,219.5,159.824,260.5,159.824\n"
                 "d.jpg,0.6,46.6,62.632,93.4,62.632,70,89.968,49.5,109.824,90.5,109.824\n");
  const auto boxes = eval(dir + "/t.csv", dir + "/boxes"),
             points = eval(dir + "/points.csv", dir + "/points");
  REQUIRE_MESSAGE(boxes.code == 0, boxes.err);
  REQUIRE_MESSAGE(points.code == 0, points.err);
  for (const char* path : {"a.jpg", "d.jpg"}) {
    const auto score = [&](const std::string& of) {
      return std::stod(row_of(read_text(dir + of + "/scores.csv"), path).at("score"));
    };
    CHECK(score("/boxes") == doctest::Approx(score("/points")).epsilon(1e-5));
  }
  const std::string note = "t.csv has a box but no landmarks in 2 of 2 rows";
  CHECK(contains(boxes.err, note));
  CHECK(boxes.err.find(note) == boxes.err.rfind(note));
  CHECK_FALSE(contains(points.err, "average landmarks"));
  CHECK_FALSE(contains(eval(dir + "/t.csv", dir + "/whole", "--whole-image").err, "average landmarks"));
}

TEST_CASE("an image without a face is reported by every command, and never taken as a whole") {
  const std::string dir = folder_of_photos("table_faceless"), csv = table(dir, faceless_row),
                    net = write_recogniser(dir);
  const std::string data = " --data " + csv,
                    message = "none.jpg: no face found; give its landmarks in the CSV, ";
  auto r = eval(csv, dir + "/out");
  CHECK(r.code == 1);
  CHECK(contains(r.err, message));
  CHECK(contains(r.err, "1 of 5 images have no score and are left out"));
  CHECK(row_of(read_text(dir + "/out/scores.csv"), "none.jpg").at("score").empty());

  r = run_tool("label --recogniser " + net + data + " --skipped " + dir + "/skipped.csv");
  CHECK(r.code == 1);
  CHECK(contains(row_of(read_text(dir + "/skipped.csv"), "none.jpg").at("reason"), message));
  CHECK_FALSE(contains(r.out, "none.jpg"));

  r = run_tool("verify-eval --quality norm --resamples 2 --recogniser " + net + data);
  CHECK(contains(r.err, "t.csv:6: "));
  CHECK(contains(r.err, "no face in 1 of 5 images; they are left out"));

  r = run_tool("calibrate " TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors --out " + dir +
               "/x.safetensors" + data);
  CHECK(contains(r.err, message));
  CHECK(contains(r.err, "1 images have no score and are left out"));

  r = run_tool("select" + data);
  CHECK(r.code == 1);
  CHECK(contains(r.err, message));
  CHECK(contains(r.out, "c.jpg"));
  CHECK_FALSE(contains(r.out, "none.jpg"));

  // Training leaves it out from the start, with or without --skip-bad.
  r = run_tool("train --epochs 1 --batch 2 --train-share 0.5 --out " + dir + "/run" + data);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.err, "t.csv:6: "));
  CHECK(contains(r.err, "no face in 1 of 5 images; they are left out"));
  const auto run = nlohmann::json::parse(read_text(dir + "/run/run.json"));
  CHECK(run["train_images"].get<int>() + run["val_images"].get<int>() == 4);

  write_text(dir + "/t.csv", "path,score\nnone.jpg,1\nnone.jpg,0.5\nnone.jpg,0.2\nnone.jpg,0.1\n");
  r = run_tool("train --epochs 1 --train-share 0.5 --out " + dir + "/nothing" + data);
  CHECK(r.code == 2);
  CHECK(contains(r.err, "no face found in any of its 4 images"));
}

TEST_CASE("train takes the crops that detect --data finds, and a resumed training takes them again") {
  const std::string dir = folder_of_photos("table_train"), csv = table(dir, faceless_row);
  const auto train = [&](const std::string& data, const std::string& out) {
    return run_tool(
        "train --model tinyfqnet --size 24x24 --epochs 2 --batch 2 --train-share 0.5 --threads 2 --data " +
        data + " --out " + dir + "/" + out);
  };
  const auto found = train(csv, "found");
  REQUIRE_MESSAGE(found.code == 0, found.err);
  CHECK(contains(found.err, finding));
  write_text(dir + "/given.csv", run_tool("detect --face auto --data " + table(dir)).out);
  const auto given = train(dir + "/given.csv", "given");
  REQUIRE_MESSAGE(given.code == 0, given.err);
  CHECK_FALSE(contains(given.err, finding));
  CHECK(read_text(dir + "/found/last.safetensors") == read_text(dir + "/given/last.safetensors"));
  CHECK_FALSE(std::filesystem::exists(dir + "/given/found_faces.csv"));

  table(dir, faceless_row);
  const auto resumed = run_tool("train --resume " + dir + "/found");
  CHECK_MESSAGE(resumed.code == 0, resumed.err);
  CHECK(contains(resumed.err, finding + "1 images"));  // the one without a face
  // Other faces are other data.
  std::string faces = read_text(dir + "/found/found_faces.csv");
  const std::string nose = row_of(faces, "a.jpg").at("nose_x");
  faces.replace(faces.find(nose), nose.size(), "220.00");
  write_text(dir + "/found/found_faces.csv", faces);
  const auto other = run_tool("train --resume " + dir + "/found");
  CHECK(other.code == 2);
  CHECK(contains(other.err, "other data"));
}

TEST_CASE("train finds wrong options before it searches") {
  const std::string dir = folder_of_photos("table_wrong"),
                    data = "train --data " + table(dir) + " --out " + dir + "/run ";
  for (const char* wrong :
       {"--model mobilefacenet --loss mse", "--model mobilefacenet --identity-column none",
        "--split-column template", "--model tinyfqnet --train-share 0.99"}) {
    const auto r = run_tool(data + wrong);
    INFO(wrong << ": " << r.err);
    CHECK(r.code == 2);
    CHECK_FALSE(contains(r.err, finding));
  }
}

TEST_CASE("a training stopped by SIGTERM continues with the faces that were found") {
  const std::string dir = folder_of_photos("table_stop"), csv = table(dir);
  const auto start = [&](const std::string& out) {
    return "train --model tinyfqnet --size 24x24 --epochs 100 --batch 2 --train-share 0.5 --threads 1 "
           "--data " +
           csv + " --out " + dir + "/" + out;
  };
  REQUIRE(run_tool(start("whole")).code == 0);
  int stops = 0;
  for (int i = 1; i < 60; ++i) {
    const bool begun = std::filesystem::exists(dir + "/stopped/run.json");
    const auto r = run_tool(begun ? "train --resume " + dir + "/stopped" : start("stopped"),
                            "timeout " + std::to_string(0.1 * i));
    stops += contains(r.err, "continue with: tinyfiqa train --resume");
    if (begun) CHECK_FALSE(contains(r.err, finding));
    if (r.code == 0) break;
  }
  CHECK(stops >= 1);
  CHECK(read_text(dir + "/whole/last.safetensors") == read_text(dir + "/stopped/last.safetensors"));
}

TEST_CASE("label: its table has the faces that it found, and saved embeddings need no search") {
  const std::string dir = folder_of_photos("table_label"), csv = table(dir), net = write_recogniser(dir);
  const std::string label =
      "label --recogniser " + net + " --data " + csv + " --embeddings " + dir + "/e.npy ";
  const auto first = run_tool(label + "--save-faces " + dir + "/faces.csv");
  REQUIRE_MESSAGE(first.code == 0, first.err);
  CHECK(contains(first.err, finding + "4 images"));
  CHECK(row_of(first.out, "c.jpg").at("note") == "aligned crop");
  CHECK(row_of(first.out, "a.jpg").at("nose_x") ==
        row_of(read_text(dir + "/faces.csv"), "a.jpg").at("nose_x"));
  const auto given = run_tool("label --recogniser " + net + " --data " + dir + "/faces.csv");
  REQUIRE_MESSAGE(given.code == 0, given.err);
  CHECK_FALSE(contains(given.err, finding));
  CHECK(given.out == first.out);

  const auto saved = run_tool(label);
  REQUIRE_MESSAGE(saved.code == 0, saved.err);
  CHECK_FALSE(contains(saved.err, finding));
  CHECK(row_of(saved.out, "a.jpg").at("score") == row_of(first.out, "a.jpg").at("score"));
  // They are not those of whole images, nor of another search.
  for (const char* other : {"--whole-image", "--threshold 0.3"})
    CHECK(contains(run_tool(label + other).err, "made of other faces"));
}

TEST_CASE("verify-eval searches with saved embeddings only for methods that want aligned faces") {
  const std::string dir = folder_of_photos("table_verify"), csv = table(dir), net = write_recogniser(dir);
  REQUIRE(run_tool("label --recogniser " + net + " --data " + csv + " --embeddings " + dir + "/e.npy").code ==
          0);
  const std::string verify =
      "verify-eval --resamples 2 --data " + csv + " --embeddings " + dir + "/e.npy --quality ";
  CHECK_FALSE(contains(run_tool(verify + "random norm jpeg").err, finding));
  const auto r = run_tool(verify + "pose tinyfqnet blur");
  CHECK(r.err.find(finding) == r.err.rfind(finding));
  CHECK(contains(r.err, finding + "4 images"));
  CHECK_FALSE(contains(r.err, "has no score"));
}

TEST_CASE("select --data finds faces for pose, and takes found faces from a table") {
  const std::string dir = folder_of_photos("table_select"), csv = table(dir);
  const auto r =
      run_tool("select --model pose --format csv --data " + csv + " --save-faces " + dir + "/faces.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 3);
  CHECK(read_text(dir + "/faces.csv") == run_tool("detect --face auto --data " + csv).out);
  CHECK(run_tool("select --model pose --format csv --data " + dir + "/faces.csv").out == r.out);
  for (const char* model : {"tinyfqnet", "blur"}) {
    const std::string select = std::string("select --format csv --model ") + model + " --data ";
    CHECK(run_tool(select + csv).out == run_tool(select + dir + "/faces.csv").out);
    CHECK(run_tool(select + csv + " --whole-image").out == run_tool(select + csv + " --face whole").out);
  }
}

TEST_CASE("the options of the search decide, and --save-faces says when it is not written") {
  const std::string dir = folder_of_photos("table_options"), csv = table(dir);
  CHECK(contains(eval(csv, dir + "/out", "--smallest-face 300").err, "a.jpg: no face found"));
  CHECK(contains(
      eval(csv, dir + "/out", "--detector " TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors").err,
      "finds no faces"));
  const std::string save = "--save-faces " + dir + "/faces.csv ";
  CHECK(run_tool("eval --data " + csv + " --whole-image " + save).code == 2);
  CHECK(contains(eval(csv, dir + "/out", save + "--model jpeg").err, "faces.csv is not written"));
  CHECK_FALSE(std::filesystem::exists(dir + "/faces.csv"));
  write_text(csv, "path,confidence\na.jpg,1\nb.jpg,0.5\n");
  const auto r = eval(csv, dir + "/out", "--score-column confidence");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "the column 'confidence' would be replaced"));
}
