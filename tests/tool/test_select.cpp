#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "rows.hpp"
#include "run_tool.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// Makes two folders of faces, and one inside the second.
std::string templates(const std::string& name) {
  const std::string dir = scratch_dir(name);
  const auto copy = [&](const char* face, const std::string& to) {
    write_text(dir + to, read_text(example_faces + face));
  };
  REQUIRE(std::system(("mkdir -p " + dir + "/a " + dir + "/b/c").c_str()) == 0);
  copy("astronaut_dark.jpg", "/a/1.jpg"), copy("astronaut.jpg", "/a/2.jpg"),
      copy("astronaut_small.jpg", "/a/3.jpg");
  copy("astronaut_blur.jpg", "/b/1.jpg"), copy("astronaut_jpeg.jpg", "/b/2.jpg");
  copy("astronaut_noise.jpg", "/b/c/1.jpg");
  return dir;
}

/// Raw RGB frames of 640 x 360 pixels: the face of astronaut.jpg twice on a grey ground, one moving to the right and one
/// to the left and down.
std::string two_people(int frames) {
  constexpr int width = 640, height = 360, part_x = 130, part_y = 10, part_width = 200, part_height = 240;
  const auto photo = tinyfiqa::read_image(TINYFIQA_SOURCE_DIR "/examples/photos/astronaut.jpg");
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  std::string video;
  for (int frame = 0; frame < frames; ++frame) {
    tinyfiqa::Image image(width, height);
    std::fill(image.rgb.begin(), image.rgb.end(), static_cast<unsigned char>(128));
    const auto paste = [&](int x, int y) {
      for (int row = 0; row < part_height; ++row)
        std::copy_n(photo->pixel(part_x, part_y + row), 3 * part_width, image.pixel(x, y + row));
    };
    paste(10 + 8 * frame, 60);
    paste(430 - 10 * frame, 40 + 5 * frame);
    video.append(image.rgb.begin(), image.rgb.end());
  }
  return video;
}

const std::string landmarks = "57.3,62.7,102.3,65.0,80,88,60,104.7,97.3,104.7";

}  // namespace

TEST_CASE("select: each folder is a template, and gives its best images, on 0..100") {
  const std::string dir = templates("select");
  auto r = run_tool("select --face whole " + dir + " --format jsonl");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["template"] == dir + "/a");
  CHECK(rows[0]["path"] == dir + "/a/2.jpg");
  CHECK(rows[1]["path"] == dir + "/b/2.jpg");
  CHECK(rows[2]["path"] == dir + "/b/c/1.jpg");
  for (const auto& row : rows) {
    const std::string photo = row["path"];
    const auto judged = json_rows(run_tool("score --face whole '" + photo + "' --format jsonl").out).at(0);
    CHECK(std::lround(row["score"].get<double>()) == judged["quality"].get<int>());
  }
  CHECK(r.err.empty());
  // Without a calibration: the scale of Peng et al.
  r = run_tool("select --face whole " + dir +
               " --format jsonl --weights " TINYFIQA_SOURCE_DIR "/tests/fixtures/models/tinyfqnet.zip.pth");
  for (const auto& row : json_rows(r.out))
    CHECK(row["score"].get<double>() == doctest::Approx(100 * row["raw"].get<double>()));
  r = run_tool("select --face whole " + dir + " -k 2 --format csv --threads 1");
  CHECK(count_lines(r.out) == 6);
  CHECK(contains(r.out, "template,rank,path,score,raw\n"));
  CHECK(contains(run_tool("select --face whole " + dir).out, dir + "/a  #1  "));
}

TEST_CASE("select --out copies the chosen images, byte for byte, under their template and rank") {
  const std::string dir = templates("select_out"), out = dir + "/chosen";
  const auto r = run_tool("select --face whole " + dir + "/a -k 2 --out " + out);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  std::string name = dir + "/a";
  for (char& c : name) c = c == '/' ? '_' : c;
  CHECK(read_text(out + "/" + name + "/1_2.jpg") == read_text(example_faces + "astronaut.jpg"));
  CHECK(!read_text(out + "/" + name + "/2_1.jpg").empty());
  write_text(dir + "/file", "");
  CHECK(run_tool("select --face whole " + dir + "/a --out " + dir + "/file").code == 1);
}

TEST_CASE("select: templates of a CSV, with its landmarks; rows may come in any order") {
  const std::string dir = templates("select_csv"), csv = dir + "/t.csv";
  std::string head = "path,video";
  for (int i = 1; i <= 5; ++i) head += ",x" + std::to_string(i) + ",y" + std::to_string(i);
  write_text(csv, head + "\na/1.jpg,\"v, 1\"," + landmarks + "\nb/1.jpg,v2,,,,,,,,,,\na/2.jpg,\"v, 1\"," +
                      landmarks + "\n");
  auto r = run_tool("select --face whole --data " + csv + " --template-column video --format csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "v2,1,b/1.jpg,"));
  CHECK(contains(r.out, "\"v, 1\",1,a/2.jpg,"));
  r = run_tool("select --face whole --data " + csv + " --template-column video --model pose");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "no landmarks"));
  CHECK(contains(r.err, "template v2: no image of it could be scored"));
  CHECK(contains(r.out, "v, 1  #1  "));
  CHECK(contains(run_tool("select --data " + csv).err, "no column is called 'template'"));
  write_text(csv, "path,template\na/1.jpg,\n");
  CHECK(contains(run_tool("select --data " + csv).err, "t.csv:2: no template"));
  write_text(csv, "path,template\na/1.jpg,x\n");
  CHECK(
      contains(run_tool("select --data " + csv + " --model pose --whole-image").err, "needs five landmarks"));
}

TEST_CASE("select --live shows the rank of every image and the best so far") {
  const std::string dir = templates("select_live");
  const auto r = run_tool("select --face whole " + dir + "/a -k 2 --live --format jsonl");
  REQUIRE(r.code == 0);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["is_best"] == true);
  CHECK(rows[1]["rank"] == 1);
  CHECK(rows[2]["rank"] == 0);
  CHECK(rows[2]["best"] == nlohmann::json({dir + "/a/2.jpg", dir + "/a/1.jpg"}));
}

TEST_CASE("select --stdin-mjpeg chooses frames, reports broken ones by number, and continues") {
  const std::string dir = scratch_dir("select_mjpeg"), out = dir + "/out";
  const std::string dark = read_text(example_faces + "astronaut_dark.jpg"),
                    best = read_text(example_faces + "astronaut.jpg");
  std::string damaged = dark;
  damaged[damaged.find("\xFF\xC4") + 5] = '\x7F';  // a count of Huffman codes
  write_text(dir + "/video", dark + damaged + "....." + best + best.substr(0, 3000));
  const auto r = run_tool("select --stdin-mjpeg --face whole -k 2 --out " + out, "cat " + dir + "/video |");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "skipped frame 2: damaged JPEG"));
  CHECK(contains(r.err, "frame 3: 5 bytes before it are not JPEG"));
  CHECK(contains(r.err, "skipped frame 4: the stream ends in the middle"));
  CHECK(contains(r.out, "  frame 3\n"));
  CHECK(read_text(out + "/1_frame_3.jpg") == best);
  CHECK(read_text(out + "/2_frame_1.jpg") == dark);
  const auto live = run_tool("select --stdin-mjpeg --face whole --live", "cat " + dir + "/video |");
  CHECK(count_lines(live.out) == 2);
  CHECK(contains(live.out, "best so far  [frame 3]"));
}

TEST_CASE("select prints the best frames so far after a signal to stop") {
  const std::string dir = scratch_dir("select_stopped");
  write_text(dir + "/video", read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut_blur.jpg") +
                                 read_text(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg"));
  const auto r = run_tool("select --stdin-mjpeg --face whole",
                          "(cat " + dir + "/video; sleep 8) | timeout --preserve-status -s INT 4");
  CHECK(r.code == 130);
  CHECK(contains(r.out, "#1"));
  CHECK(contains(r.err, "the best frames up to here"));
}

TEST_CASE("select --stdin-rgb takes raw pixels and writes them without loss") {
  const std::string dir = scratch_dir("select_rgb"), out = dir + "/out";
  const std::string flat(30 * 20 * 3, '\x40');
  std::string sharp = flat;
  for (std::size_t i = 0; i < sharp.size(); i += 7) sharp[i] = '\x7f';
  write_text(dir + "/video", flat + sharp + flat);
  auto r =
      run_tool("select --stdin-rgb 30x20 --face whole --model blur --out " + out, "cat " + dir + "/video |");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "  frame 2\n"));
  CHECK(read_text(out + "/1_frame_2.ppm") == "P6\n30 20\n255\n" + sharp);
  write_text(dir + "/video", flat + sharp + flat.substr(5));
  r = run_tool("select --stdin-rgb 30x20 --face whole --model blur", "cat " + dir + "/video |");
  CHECK(r.code == 1);
  CHECK(contains(r.out, "  frame 2\n"));
  CHECK(contains(r.err, "frame 3: the stream ends in the middle of it, after 1795 of 1800 bytes"));
  for (const char* size : {"30", "30x20x3", "0x5", "99999x5", "axb", "4294967297x5", "5x18446744073709551617",
                           " 3x3", "3 x3", "-3x3"})
    CHECK(run_tool(std::string("select --stdin-rgb '") + size + "'", "printf x |").code == 2);
}

TEST_CASE("select follows the people of a video, and each is a template") {
  const std::string dir = scratch_dir("select_people");
  write_text(dir + "/video", two_people(8));
  const std::string command = "select --stdin-rgb 640x360 --format jsonl ", pipe = "cat " + dir + "/video |";
  const auto r = run_tool(command + "-k 2 --out " + dir + "/out", pipe);
  CHECK_MESSAGE(r.code == 0, r.err);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i]["template"] == (i < 2 ? "person 1" : "person 2"));
    CHECK(rows[i]["rank"] == 1 + i % 2);
    CHECK(contains(rows[i]["path"], "frame "));
    CHECK(rows[i]["score"].get<double>() > 30);
  }
  for (const char* person : {"person 1", "person 2"}) {
    std::string name = rows[contains(person, "2") ? 2 : 0]["path"];  // "frame 3"
    std::replace(name.begin(), name.end(), ' ', '_');
    CHECK(contains(read_text(dir + "/out/" + person + "/1_" + name + ".ppm"), "P6\n640 360\n"));
  }
  // Both people are followed through every frame.
  const auto live = json_rows(run_tool(command + "--live", pipe).out);
  REQUIRE(live.size() == 16);
  int of_first = 0;
  for (const auto& row : live) of_first += row["template"] == "person 1";
  CHECK(of_first == 8);

  const auto whole = json_rows(run_tool(command + "--face whole -k 2", pipe).out);
  REQUIRE(whole.size() == 2);
  for (const auto& row : whole) CHECK(row["template"] == "");
}

TEST_CASE("select: a frame without a face is no error, and a video without one has no templates") {
  const std::string dir = scratch_dir("select_nobody");
  const std::string grey(static_cast<std::size_t>(640 * 360 * 3), '\x60');
  write_text(dir + "/video", grey + two_people(2) + grey);
  const auto r = run_tool("select --stdin-rgb 640x360", "cat " + dir + "/video |");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 2);
  write_text(dir + "/video", grey);
  const auto nobody = run_tool("select --stdin-rgb 640x360", "cat " + dir + "/video |");
  CHECK(nobody.code == 0);
  CHECK(nobody.out.empty());
}

TEST_CASE("select: a stream without a frame, and inputs that exclude each other") {
  auto r = run_tool("select --stdin-mjpeg", "printf hello |");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "no JPEG found"));
  CHECK(run_tool("select", ": |").code == 2);
  CHECK(run_tool("select x.jpg --stdin-mjpeg", ": |").code == 2);
  CHECK(contains(run_tool("select --data x.csv --box 1,1,2,2").err, "remove --box and --landmarks"));
  CHECK(contains(run_tool("select --stdin-mjpeg --face whole --model pose", ": |").err, "needs landmarks"));
}

TEST_CASE("select takes the same memory for 200 and for 2000 frames") {
  const std::string dir = scratch_dir("select_memory");
  // The peak of all children of a process that has no other children.
  const auto peak_kib = [&](int frames) {
    const std::string script = "for i in $(seq " + std::to_string(frames / 4) + "); do cat " + example_faces +
                               "astronaut.jpg " + example_faces + "astronaut_jpeg.jpg " + example_faces +
                               "astronaut_noise.jpg " + example_faces + "astronaut_dark.jpg; done";
    const pid_t child = fork();
    if (child == 0) {
      // The address sanitizer would hold back 256 MiB of freed memory.
      setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 1);
      const auto r = run_tool("select --stdin-mjpeg --face whole -k 3 --out " + dir, "(" + script + ") |");
      rusage usage = {};
      getrusage(RUSAGE_CHILDREN, &usage);
      write_text(dir + "/peak", std::to_string(usage.ru_maxrss));
      _exit(r.code == 0 && count_lines(r.out) == 3 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    return std::stol(read_text(dir + "/peak"));
  };
  const long few = peak_kib(200), many = peak_kib(2000);
  MESSAGE("peak ", few, " KiB after 200 frames, ", many, " KiB after 2000");
  CHECK(few > 1000);
  CHECK(many <= few + 1024);
}

TEST_CASE("every command that takes a model takes a baseline") {
  for (const char* name : {"random", "blur", "jpeg"}) {
    const auto r = run_tool(std::string("score {faces} --face whole --format csv --model ") + name);
    REQUIRE_MESSAGE(r.code == 0, r.err);
    CHECK(count_lines(r.out) == 7);
    CHECK(r.out ==
          run_tool(std::string("score {faces} --face whole --threads 1 --format csv --model ") + name).out);
  }
  for (const char* name : {"pose", "combined"}) {
    CHECK(run_tool(std::string("score {faces}/astronaut.jpg --model ") + name + " --landmarks " + landmarks)
              .code == 0);
    const auto r = run_tool(std::string("score {faces}/astronaut.jpg --face whole --model ") + name);
    CHECK(r.code == 2);
    CHECK(contains(r.err, "needs --landmarks"));
  }
  const auto r = run_tool("eval --data {faces}/labels.csv --model blur --format json");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "\"blur\""));
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --model norm").err,
                 "needs the weights of one recogniser"));
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --model blur --tta flips").err,
                 "takes one view of a fixed size"));
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --model blur --weights x.pth").err, "has no weights"));
}

TEST_CASE("eval --model pose takes the CSV's landmarks and says when there are none") {
  const std::string dir = scratch_dir("baseline_eval");
  write_text(dir + "/f.jpg", read_text(example_faces + "astronaut.jpg"));
  write_text(dir + "/g.jpg", read_text(example_faces + "astronaut.jpg"));
  std::string head = "path,score";
  for (int i = 1; i <= 5; ++i) head += ",x" + std::to_string(i) + ",y" + std::to_string(i);
  write_text(dir + "/l.csv",
             head + "\nf.jpg,1," + landmarks + "\ng.jpg,0,57,62,102,65,99,88,60,104,97,104\n");
  auto r = run_tool("eval --data " + dir + "/l.csv --model pose --resamples 2");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  r = run_tool("eval --data {faces}/labels.csv --model pose --whole-image");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "labels.csv: pose needs five landmarks"));
}
