// detect, and what score does with the faces that it finds.
#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include "rows.hpp"
#include "run_tool.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

using Row = std::map<std::string, std::string>;

const std::string face_columns =
    "face,confidence,box_x,box_y,box_w,box_h,image_left_eye_x,image_left_eye_y,image_right_eye_x,"
    "image_right_eye_y,nose_x,nose_y,image_left_mouth_x,image_left_mouth_y,image_right_mouth_x,"
    "image_right_mouth_y,note";
/// The face of astronaut.jpg.
constexpr FaceBox portrait{178, 66, 92, 111};

float number(const Row& row, const char* column) { return std::stof(row.at(column)); }
FaceBox box_of(const Row& row) {
  return {number(row, "box_x"), number(row, "box_y"), number(row, "box_w"), number(row, "box_h")};
}
std::vector<Row> faces_in(const std::string& arguments) {
  return csv_rows(run_tool("detect --format csv " + arguments).out);
}
Image image_at(const std::string& path) {
  auto image = read_image(path);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

}  // namespace

TEST_CASE("detect prints a row for every face, and says of which photos show none") {
  const auto r = run_tool("detect {photos}/astronaut.jpg {photos}/coffee.jpg");
  CHECK(r.code == 1);
  CHECK(count_lines(r.out) == 2);
  CHECK(contains(r.out, "/astronaut.jpg  face 1  0."));
  CHECK(contains(r.out, "/coffee.jpg  no face\n"));
  CHECK(run_tool("detect {photos}/astronaut.jpg").code == 0);
}

TEST_CASE("detect --format csv has box, landmarks and confidence in the columns of data sets") {
  const auto r = run_tool("detect --format csv {photos}/astronaut.jpg {photos}/coffee.jpg");
  CHECK(contains(r.out, "path," + face_columns + ",error\n"));
  const auto rows = csv_rows(r.out);
  REQUIRE(rows.size() == 2);
  const Row &face = rows[0], &none = rows[1];
  CHECK(face.at("face") == "1");
  CHECK(face.at("error").empty());
  CHECK(number(face, "confidence") > 0.6f);
  CHECK(number(face, "confidence") <= 1);
  CHECK(box_iou(box_of(face), portrait) > 0.5f);
  CHECK(number(face, "image_left_eye_x") < number(face, "nose_x"));
  CHECK(number(face, "nose_x") < number(face, "image_right_eye_x"));
  CHECK(number(face, "nose_y") < number(face, "image_left_mouth_y"));
  CHECK(number(face, "image_left_mouth_x") < number(face, "image_right_mouth_x"));
  CHECK(contains(none.at("error"), "no face"));
  for (const char* column : {"face", "confidence", "box_x", "nose_y", "note"}) CHECK(none.at(column).empty());
}

TEST_CASE("detect numbers the faces of a photo, the largest first, and --face auto gives that one alone") {
  const auto rows = faces_in("{photos}/group.jpg");
  REQUIRE(rows.size() >= 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].at("face") == std::to_string(i + 1));
    if (i > 0) CHECK(box_of(rows[i]).area() <= box_of(rows[i - 1]).area());
  }
  const auto largest = faces_in("{photos}/group.jpg {photos}/astronaut.jpg --face auto");
  REQUIRE(largest.size() == 2);
  CHECK(largest[0] == rows[0]);
  CHECK(contains(largest[1].at("path"), "astronaut.jpg"));
}

TEST_CASE("detect --format jsonl has a line for each photo, with all its faces") {
  const auto rows = json_rows(run_tool("detect {photos} --format jsonl").out);
  REQUIRE(rows.size() == 3);
  CHECK(contains(rows[0]["path"], "astronaut.jpg"));
  REQUIRE(rows[0]["faces"].size() == 1);
  const auto& face = rows[0]["faces"][0];
  CHECK(face["face"] == 1);
  CHECK(face["box"].size() == 4);
  CHECK(face["landmarks"].size() == 5);
  CHECK(face["landmarks"][2].size() == 2);
  const auto csv = faces_in("{photos}/astronaut.jpg").at(0);
  CHECK(face["confidence"].get<float>() == doctest::Approx(number(csv, "confidence")));
  CHECK(face["box"][2].get<float>() == doctest::Approx(number(csv, "box_w")));
  CHECK(face["landmarks"][2][1].get<float>() == doctest::Approx(number(csv, "nose_y")));
  CHECK_FALSE(rows[0].contains("error"));
  CHECK(rows[1]["faces"] == nlohmann::json::array());
  CHECK(contains(rows[1]["error"], "no face"));
  CHECK(rows[2]["faces"].size() >= 4);
}

TEST_CASE("a broken file gets a row with its error, and detect goes on") {
  const std::string dir = scratch_dir("detect_bad");
  const std::string whole = read_text(example_photos + "astronaut.jpg");
  write_text(dir + "/a.jpg", whole.substr(0, whole.size() / 2));
  write_text(dir + "/b.jpg", "this is not an image\n");
  write_text(dir + "/c.jpg", whole);
  const auto r = run_tool("detect " + dir + " " + dir + "/missing.jpg");
  CHECK(r.code == 1);
  CHECK(count_lines(r.out) == 4);
  CHECK(contains(r.out, "/a.jpg  error: "));
  CHECK(contains(r.out, "/b.jpg  error: "));
  CHECK(contains(r.out, "/c.jpg  face 1  "));
  CHECK(contains(r.out, "/missing.jpg  error: no such file"));
  const auto rows = csv_rows(run_tool("detect --format csv " + dir).out);
  REQUIRE(rows.size() == 3);
  CHECK_FALSE(rows[0].at("error").empty());
  CHECK(rows[2].at("error").empty());
}

TEST_CASE("detect --draw writes each photo at its size, with a box around the face") {
  const std::string dir = scratch_dir("detect_draw");
  const auto r = run_tool("detect {photos}/astronaut.jpg {photos}/coffee.jpg --draw " + dir + "/drawn");
  CHECK(r.code == 1);
  const Image before = image_at(example_photos + "astronaut.jpg"),
              after = image_at(dir + "/drawn/astronaut.jpg");
  REQUIRE(after.width == before.width);
  REQUIRE(after.height == before.height);
  // Half-way down the left edge of the box, which is green.
  const FaceBox box = box_of(faces_in("{photos}/astronaut.jpg").at(0));
  const auto greenest = [&](const Image& image) {
    int most = 0;
    for (int x = static_cast<int>(box.x) - 2; x <= static_cast<int>(box.x) + 2; ++x) {
      const unsigned char* pixel = image.pixel(x, static_cast<int>(box.centre_y()));
      most = std::max(most, pixel[1] - pixel[0]);
    }
    return most;
  };
  CHECK(greenest(after) > greenest(before) + 60);
  CHECK(image_at(dir + "/drawn/coffee.jpg").width == image_at(example_photos + "coffee.jpg").width);
}

TEST_CASE("--draw does not write over a photo") {
  const std::string dir = scratch_dir("draw_over"), photo = read_text(example_photos + "astronaut.jpg");
  for (const char* command : {"detect ", "score "}) {
    write_text(dir + "/a.jpg", photo);
    const auto r = run_tool(command + dir + "/a.jpg --draw " + dir);
    CHECK(contains(r.err, "a.jpg: is the photo itself; give --draw another folder"));
    CHECK(read_text(dir + "/a.jpg") == photo);
  }
}

TEST_CASE("detect --crop writes every face aligned") {
  const std::string dir = scratch_dir("detect_crop");
  const auto rows = csv_rows(run_tool("detect --format csv {photos}/group.jpg --crop " + dir).out);
  REQUIRE(rows.size() >= 4);
  for (const Row& row : rows) {
    const Image face = image_at(dir + "/group_face" + row.at("face") + ".jpg");
    CHECK(face.width == aligned_side);
    CHECK(face.height == aligned_side);
  }
  CHECK(run_tool("score " + dir + "/group_face1.jpg --face whole").code == 0);
}

TEST_CASE("detect --data writes the table again, with the faces instead of the ones that it had") {
  const std::string dir = scratch_dir("detect_data");
  for (const char* name : {"astronaut.jpg", "group.jpg"})
    write_text(dir + "/" + name, read_text(example_photos + name));
  write_text(dir + "/t.csv",
             "score,path,\"a, b\",box_x,box_y,box_w,box_h,x1\n0.9,astronaut.jpg,\"1, 2\",1,2,3,4,here\n"
             "0.2,group.jpg,,,,,,\n");
  const auto r = run_tool("detect --face auto --data " + dir + "/t.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "score,path,\"a, b\",x1," + face_columns + "\n0.9,astronaut.jpg,\"1, 2\",here,1,0."));
  const auto rows = csv_rows(r.out);
  REQUIRE(rows.size() == 2);
  CHECK(box_iou(box_of(rows[0]), portrait) > 0.5f);

  // Commands that take landmarks take them from this table.
  write_text(dir + "/found.csv", r.out);
  const auto eval = run_tool("eval --model pose --resamples 2 --data " + dir + "/found.csv");
  CHECK_MESSAGE(eval.code == 0, eval.err);
  const auto all = csv_rows(run_tool("detect --data " + dir + "/found.csv").out);
  CHECK(all.size() >= 5);
  CHECK(all[0] == rows[0]);
  for (const Row& row : all) CHECK(row.size() == rows[0].size());
}

TEST_CASE("detect --data keeps the row of a photo without a face, and reports it") {
  const std::string dir = scratch_dir("detect_data_none");
  write_text(dir + "/t.csv", "path,nose_x\n" + example_photos + "coffee.jpg,5\nmissing.jpg,\n");
  CHECK(contains(run_tool("detect --data " + dir + "/t.csv").err, "missing.jpg"));
  write_text(dir + "/t.csv", "path,nose_x\n" + example_photos + "coffee.jpg,5\n");
  const auto r = run_tool("detect --data " + dir + "/t.csv");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "coffee.jpg: no face"));
  const auto rows = csv_rows(r.out);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("nose_x").empty());
}

TEST_CASE("--threshold, --smallest-face and --longest-side decide which faces are found") {
  const std::string group = "{photos}/group.jpg ";
  const auto many = faces_in(group + "--threshold 0.1"), usual = faces_in(group),
             few = faces_in(group + "--threshold 0.9");
  CHECK(many.size() > few.size());
  CHECK(many.size() >= usual.size());
  CHECK(usual.size() >= few.size());
  for (const Row& row : usual) CHECK(number(row, "confidence") >= 0.6f);

  const auto large = faces_in(group + "--smallest-face 40");
  CHECK(large.size() < usual.size());
  for (const Row& row : large) CHECK(number(row, "box_h") >= 40);

  const auto coarse = faces_in(group + "--longest-side 160");
  CHECK(coarse.size() < usual.size());
}

TEST_CASE("boxes and --smallest-face are in pixels of the photo, however small it is decoded") {
  const auto reduced = faces_in("{photos}/astronaut.jpg --longest-side 200 --smallest-face 60");
  REQUIRE(reduced.size() == 1);
  REQUIRE(reduced[0].at("error").empty());
  CHECK(box_iou(box_of(reduced[0]), portrait) > 0.5f);
  CHECK(faces_in("{photos}/astronaut.jpg --longest-side 200 --smallest-face 200")[0].at("face").empty());
}

TEST_CASE("detect finds the faces of a video's frames, which are numbered") {
  const std::string dir = scratch_dir("detect_video");
  const std::string photo = read_text(example_photos + "astronaut.jpg");
  write_text(dir + "/video", photo + read_text(example_photos + "coffee.jpg") + photo);
  const auto r = run_tool("detect --stdin-mjpeg --crop " + dir, "cat " + dir + "/video |");
  CHECK(r.code == 0);
  CHECK(contains(r.out, "frame_1  face 1  "));
  CHECK(contains(r.out, "frame_2  no face\n"));
  CHECK(contains(r.out, "frame_3  face 1  "));
  CHECK(image_at(dir + "/frame_3_face1.jpg").width == aligned_side);
}

TEST_CASE("weights that find no faces are refused, naming the detectors") {
  const std::string wrong = " --detector " TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";
  for (const char* command : {"detect", "score", "select"}) {
    const auto r = run_tool(command + std::string(" {photos}/astronaut.jpg") + wrong);
    CHECK(r.code == 2);
    CHECK(r.out.empty());
    for (const char* word : {"tinyfqnet.safetensors", "yunet_n", "retinaface_mobilenet025"})
      CHECK_MESSAGE(contains(r.err, word), r.err);
  }
  CHECK(run_tool("detect {photos}/astronaut.jpg --detector missing.pth").code == 2);
}

TEST_CASE("a file that fits two detectors and names none gives a note; a name settles it") {
  const std::string dir = scratch_dir("two_detectors"), nameless = dir + "/nameless.safetensors",
                    named = dir + "/named.safetensors", relu = "retinaface_mobilenet025",
                    leaky = relu + "_leaky";
  const Model model(*find_model(leaky));
  REQUIRE(save_params(nameless, model.params(), model.block(), {}).ok());
  const std::string detect = "detect {photos}/coffee.jpg --quick --detector ";
  for (const std::string& command :
       {detect + nameless, "info --weights " + nameless, "import " + nameless + " " + named}) {
    const auto r = run_tool(command);
    CHECK(contains(r.err, "nameless.safetensors: names no network, and fits " + relu + " (assumed) and " +
                              leaky + ". "));
    CHECK(contains(r.err, "--model " + leaky + "\n"));
  }
  CHECK(contains(run_tool("info --weights " + named).out, "model           " + relu + "\n"));
  CHECK(run_tool("import " + nameless + " " + named + " --model " + leaky).err.empty());
  for (const std::string& command : {detect + nameless + " --detector-model " + leaky, detect + named,
                                     "info --weights " + nameless + " --model " + leaky})
    CHECK_MESSAGE(run_tool(command).err.empty(), command);
  CHECK(contains(run_tool("info --weights " + named).out, "model           " + leaky + "\n"));
}

TEST_CASE("detect: wrong usage exits with 2") {
  CHECK(run_tool("detect {photos}/coffee.jpg --detector-model yunet_n").code == 2);  // of which file?
  const auto unknown = run_tool("detect {photos}/coffee.jpg --detector x.pth --detector-model nothing");
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "--detector-model: no model is called 'nothing'"));
  CHECK(run_tool("detect").code == 2);
  CHECK(run_tool("detect x.jpg --data y.csv").code == 2);
  CHECK(run_tool("detect x.jpg --face whole").code == 2);
  CHECK(run_tool("detect x.jpg --threshold 1").code == 2);
  CHECK(run_tool("detect x.jpg --longest-side 5").code == 2);
}

TEST_CASE("score says no face of a photo without one, and gives it no number") {
  const auto text = run_tool("score {photos}/coffee.jpg {photos}/astronaut.jpg --sort");
  CHECK(text.code == 1);
  CHECK(contains(text.out, "  -  no face  "));
  CHECK(text.out.find("astronaut.jpg") < text.out.find("coffee.jpg"));
  CHECK(contains(text.err, "1 of 2 images could not be scored"));

  const auto csv = csv_rows(run_tool("score {photos}/coffee.jpg --format csv").out).at(0);
  CHECK(csv.at("band") == "no face");
  for (const char* column : {"quality", "score", "face", "box_x"}) CHECK(csv.at(column).empty());
  CHECK(contains(csv.at("error"), "no face"));

  const auto json = json_rows(run_tool("score {photos}/coffee.jpg --format jsonl").out).at(0);
  CHECK(json["band"] == "no face");
  CHECK(json["code"] == "no_face");
  CHECK_FALSE(json.contains("quality"));
  CHECK_FALSE(json.contains("score"));
}

TEST_CASE("score takes the largest face, or with --face all each of them") {
  const std::string command = "score {photos}/group.jpg --format csv --face ";
  const auto all = run_tool(command + "all");
  CHECK(all.code == 0);
  CHECK(contains(all.out, "path,quality,band,score,error," + face_columns + "\n"));
  const auto rows = csv_rows(all.out);
  REQUIRE(rows.size() >= 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].at("face") == std::to_string(i + 1));
    CHECK_FALSE(rows[i].at("quality").empty());
  }
  const auto largest = csv_rows(run_tool(command + "auto").out);
  REQUIRE(largest.size() == 1);
  CHECK(largest[0] == rows[0]);
  CHECK(contains(run_tool("score {photos}/group.jpg --face all").out, "/group.jpg  face 2 at "));
  CHECK(largest[0].at("box_x") == faces_in("{photos}/group.jpg")[0].at("box_x"));
}

TEST_CASE("score --face whole, --box and --landmarks search nothing, and have the columns of a crop") {
  // Where nothing is searched, no detector is read.
  const std::string command = "score {photos}/coffee.jpg --format csv --detector missing.pth ";
  for (const char* place :
       {"--face whole", "--box 100,50,200,200", "--landmarks 200,100,300,100,250,150,210,200,290,200"}) {
    const auto r = run_tool(command + place);
    CHECK_MESSAGE(r.code == 0, r.err);
    CHECK(contains(r.out, "path,quality,band,score,error\n"));
    CHECK_FALSE(csv_rows(r.out).at(0).at("score").empty());
  }
}

TEST_CASE("score --draw writes the photo, with a face or without") {
  const std::string dir = scratch_dir("score_draw");
  CHECK(run_tool("score {photos}/astronaut.jpg {photos}/coffee.jpg --draw " + dir + "/drawn").code == 1);
  CHECK(image_at(dir + "/drawn/astronaut.jpg").width == image_at(example_photos + "astronaut.jpg").width);
  CHECK(image_at(dir + "/drawn/coffee.jpg").width > 1);
}

TEST_CASE("score --draw --explain writes what is wrong below the box") {
  const std::string dir = scratch_dir("score_draw_explain"),
                    command = "score {photos}/group.jpg --face all --draw " + dir;
  REQUIRE(run_tool(command + "/plain").code == 0);
  REQUIRE(run_tool(command + "/explained --explain").code == 0);
  const Image plain = image_at(dir + "/plain/group.jpg"), explained = image_at(dir + "/explained/group.jpg");
  // The largest face lies at 161,109 and has 71x90 pixels.
  const auto differ = [&](int top, int bottom) {
    int most = 0;
    for (int y = top; y < bottom; ++y)
      for (int x = 161; x < 232; ++x)
        most = std::max(most, std::abs(plain.pixel(x, y)[0] - explained.pixel(x, y)[0]));
    return most;
  };
  CHECK(differ(202, 216) > 60);
  CHECK(differ(110, 190) < 20);
}

TEST_CASE("score --sheet shows all faces, best first") {
  const std::string dir = scratch_dir("score_sheet"), sheet = dir + "/sheet.jpg";
  const auto r = run_tool("score {faces} {photos}/coffee.jpg --sheet " + sheet);
  CHECK(r.code == 1);  // no face in one photo
  const Image image = image_at(sheet);
  CHECK(image.width == 6 * 136 + 8);
  CHECK(image.height == 128 + 24 + 2 * 8);
  // The undegraded face is the best and the brightest, the dark one the third.
  const auto brightness = [&](int number) {
    double sum = 0;
    for (int y = 40; y < 100; ++y)
      for (int x = 40; x < 100; ++x) sum += image.pixel(8 + 136 * number + x, 8 + y)[1];
    return sum / 3600;
  };
  CHECK(brightness(0) > 100);
  CHECK(brightness(2) < 60);
  CHECK(contains(run_tool("score {photos}/coffee.jpg --sheet " + dir + "/none.jpg").err,
                 "none.jpg is not written"));
  CHECK(run_tool("score {faces}/astronaut.jpg --sheet " + dir + "/no/sheet.jpg").code == 2);
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --sheet " + dir + "/sheet.png").err,
                 "end its name in .jpg"));
}
