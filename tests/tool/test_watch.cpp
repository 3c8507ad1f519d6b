#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "rows.hpp"
#include "run_tool.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr const char* names[] = {"astronaut_small", "astronaut_dark", "astronaut_blur", "astronaut",
                                 "astronaut_noise"};

std::string face(const std::string& name) { return read_text(example_faces + name + ".jpg"); }

/// A video of the example faces as JPEGs; the best one is the fourth. Returns its path.
std::string video(const std::string& dir) {
  std::string bytes;
  for (const char* name : names) bytes += face(name);
  write_text(dir + "/video", bytes);
  return dir + "/video";
}

std::string grey_frames(int count) {
  return std::string(static_cast<std::size_t>(64 * 48 * 3 * count), '\x60');
}

/// The words before the tool's name that make the tool read from a pipe which has these bytes and stays open, without
/// another one, until the tool ends.
std::string open_pipe(const std::string& dir, const std::string& bytes) {
  write_text(dir + "/begin", bytes);
  write_text(dir + "/run.sh", "mkfifo " + dir + "/pipe\n(cat " + dir + "/begin; exec sleep 600) >" + dir +
                                  "/pipe &\nfeeder=$!\n\"$@\" <" + dir +
                                  "/pipe\ncode=$?\nkill $feeder\nexit $code\n");
  return "sh " + dir + "/run.sh";
}

const std::string whole = "watch - --face whole ";

}  // namespace

TEST_CASE("watch scores every frame of a file, with the qualities and reasons of score") {
  const std::string dir = scratch_dir("watch_file");
  const auto r = run_tool(whole + "--format jsonl < " + video(dir));
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 5);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto scored = json_rows(run_tool("score --face whole --explain --format jsonl {faces}/" +
                                           std::string(names[i]) + ".jpg")
                                      .out)
                            .at(0);
    CHECK(rows[i]["frame"] == i + 1);
    CHECK(rows[i]["dropped"] == 0);
    for (const char* key : {"quality", "band", "score", "reasons"}) CHECK(rows[i][key] == scored[key]);
    CHECK(rows[i]["time_s"].get<double>() >= 0);
    CHECK(rows[i]["delay_ms"].get<double>() > 0);
  }
  CHECK(contains(r.err, "5 scored, 0 without a face, 0 broken, 0 dropped"));
}

TEST_CASE("watch finds the largest face of each frame, as score does") {
  const std::string dir = scratch_dir("watch_photos");
  write_text(dir + "/video",
             read_text(example_photos + "astronaut.jpg") + read_text(example_photos + "group.jpg"));
  const auto r = run_tool("watch - --format jsonl < " + dir + "/video");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const auto rows = json_rows(r.out);
  const auto scored =
      json_rows(run_tool("score {photos}/astronaut.jpg {photos}/group.jpg --format jsonl").out);
  REQUIRE(rows.size() == 2);
  for (std::size_t i = 0; i < 2; ++i)
    for (const char* key : {"quality", "box", "landmarks", "confidence"})
      CHECK(rows[i][key] == scored[i][key]);
  const auto csv = csv_rows(run_tool("watch - --format csv < " + dir + "/video").out);
  REQUIRE(csv.size() == 2);
  CHECK(csv[1].at("frame") == "2");
  CHECK(csv[1].at("quality") == std::to_string(rows[1]["quality"].get<int>()));
  CHECK(csv[1].at("dropped") == "0");
  CHECK_FALSE(csv[1].at("box_x").empty());
}

TEST_CASE("watch prints a row for each frame that is better than all before, with advice") {
  const std::string dir = scratch_dir("watch_text");
  const auto r = run_tool(whole + "< " + video(dir));
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK_FALSE(contains(r.out, "\033"));
  CHECK_FALSE(contains(r.err, "\033"));
  CHECK(contains(r.out, "  frame 2  too dark: add light in front\n"));
  CHECK(contains(r.out, " 53  good  "));
  CHECK_FALSE(contains(r.out, "frame 5"));
  int last = -1;
  std::istringstream lines(r.out);
  for (std::string line; std::getline(lines, line);) {
    CHECK(std::stoi(line) > last);
    last = std::stoi(line);
  }
}

TEST_CASE("watch --until ends at the first frame that is good enough, and --save writes its own bytes") {
  const std::string dir = scratch_dir("watch_until"), best = dir + "/best.jpg";
  video(dir);
  auto r = run_tool(whole + "--until 50 --format jsonl --save " + best + " < " + dir + "/video");
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(json_rows(r.out).size() == 4);
  CHECK(read_text(best) == face("astronaut"));
  // A stream that stays open does not keep it from ending.
  r = run_tool(whole + "--no-drop --until 50 --format jsonl", open_pipe(dir, read_text(dir + "/video")));
  CHECK_MESSAGE(r.code == 0, r.err);
  CHECK(json_rows(r.out).size() == 4);
  // Not reached: the best frame is saved all the same.
  write_text(best, "old");
  r = run_tool(whole + "--until 100 --save " + best + " < " + dir + "/video");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "no frame reached 100 until the frames ended; the best is 53, frame 4"));
  CHECK(read_text(best) == face("astronaut"));
}

TEST_CASE("watch --timeout ends a stream that gives nothing, with an exit status of its own") {
  const std::string dir = scratch_dir("watch_nothing");
  const auto r = run_tool("watch - --timeout 300ms --save " + dir + "/best.jpg", open_pipe(dir, ""));
  CHECK(r.code == 3);
  CHECK(r.out.empty());
  CHECK(contains(r.err, "no frame came in 300ms"));
  CHECK(contains(r.err, "best.jpg: not written, because no frame was scored"));
  CHECK(read_text(dir + "/best.jpg").empty());
}

TEST_CASE("watch --timeout says the best so far and what to do, and saves it") {
  const std::string dir = scratch_dir("watch_timeout"), save = " --save " + dir + "/best.jpg ";
  const std::string begin = face("astronaut_blur") + face("astronaut_dark");
  auto r = run_tool(whole + "--no-drop --until 90 --timeout 5s" + save, open_pipe(dir, begin));
  CHECK(r.code == 3);
  CHECK(contains(r.err, "no frame reached 90 in 5s; the best is 17, frame 2 (too dark: add light in front)"));
  CHECK(read_text(dir + "/best.jpg") == face("astronaut_dark"));
  // Without --until, the time is what was wanted.
  r = run_tool(whole + "--no-drop --timeout 5s" + save, "rm " + dir + "/pipe;" + open_pipe(dir, begin));
  CHECK(r.code == 0);
}

TEST_CASE("watch takes raw pixels, and saves the best frame as a JPEG") {
  const std::string dir = scratch_dir("watch_rgb"), best = dir + "/best.jpg";
  const std::string flat = grey_frames(1);
  std::string sharp = flat;
  for (std::size_t i = 0; i < sharp.size(); i += 7) sharp[i] = '\x7f';
  write_text(dir + "/video", flat + sharp + flat);
  auto r = run_tool("watch - --stdin-rgb 64x48 --face whole --model blur --format jsonl --save " + best +
                    " < " + dir + "/video");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1]["quality"].get<int>() > rows[0]["quality"].get<int>());
  CHECK(read_text(best).compare(0, 3, "\xFF\xD8\xFF") == 0);
  CHECK(contains(run_tool("score --face whole --format jsonl " + best).out, "\"quality\""));
  r = run_tool("watch --stdin-rgb 64x48 --face whole --model blur < " + dir + "/video");
  CHECK(r.code == 0);
  write_text(dir + "/video", flat + sharp + flat.substr(5));
  r = run_tool("watch --stdin-rgb 64x48 --face whole --model blur < " + dir + "/video");
  CHECK(r.code == 1);
  CHECK(contains(r.out, "frame 2"));
  CHECK(contains(r.err, "frame 3: the stream ends in the middle of it"));
}

TEST_CASE("watch: frames without a face have rows that say so, and a video without one fails") {
  const std::string dir = scratch_dir("watch_nobody");
  write_text(dir + "/video", grey_frames(3));
  auto r = run_tool("watch --stdin-rgb 64x48 --format jsonl < " + dir + "/video");
  CHECK(r.code == 1);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["band"] == "no face");
  CHECK(rows[0]["code"] == "no_face");
  CHECK_FALSE(rows[0].contains("quality"));
  CHECK(contains(r.err, "0 scored, 3 without a face"));
  CHECK(contains(r.err, "no face was found until the frames ended"));
  CHECK(run_tool("watch --stdin-rgb 64x48 < " + dir + "/video").out.empty());
  CHECK(csv_rows(run_tool("watch --stdin-rgb 64x48 --format csv < " + dir + "/video").out).at(2).at("band") ==
        "no face");
}

TEST_CASE("watch counts broken frames and goes on") {
  const std::string dir = scratch_dir("watch_broken");
  const std::string dark = face("astronaut_dark"), good = face("astronaut");
  std::string damaged = dark;
  damaged[damaged.find("\xFF\xC4") + 5] = '\x7F';  // a count of Huffman codes
  write_text(dir + "/video", dark + damaged + "....." + dark.substr(0, 2000) + good);
  auto r = run_tool(whole + "--format jsonl --until 50 < " + dir + "/video");
  CHECK_MESSAGE(r.code == 0, r.err);
  const auto rows = json_rows(r.out);
  REQUIRE(rows.size() == 4);
  CHECK(contains(rows[1]["error"], "damaged JPEG"));
  CHECK(contains(rows[2]["error"], "cut off"));
  CHECK(rows[3]["frame"] == 4);
  CHECK(contains(r.err, "2 scored, 0 without a face, 2 broken"));
  r = run_tool(whole + "< " + dir + "/video");
  CHECK(r.code == 0);
  CHECK(contains(r.err, "tinyfiqa: frame 2: damaged JPEG"));
  CHECK(count_lines(r.out) == 2);
}

TEST_CASE(
    "watch: of a pipe that is too fast, every frame is scored or dropped, or all are scored with --no-drop") {
  const std::string dir = scratch_dir("watch_fast");
  std::string bytes;
  for (int i = 0; i < 60; ++i) bytes += face(names[i % 5]);
  write_text(dir + "/video", bytes);
  const std::string pipe = "cat " + dir + "/video |";
  auto r = run_tool(whole + "--format jsonl", pipe);
  REQUIRE(r.code == 0);
  const auto rows = json_rows(r.out);
  REQUIRE_FALSE(rows.empty());
  CHECK(rows.back()["frame"] == 60);  // the newest one is never dropped
  CHECK(rows.size() + rows.back()["dropped"].get<std::size_t>() == 60);
  for (std::size_t i = 1; i < rows.size(); ++i)
    CHECK(rows[i]["frame"].get<std::size_t>() > rows[i - 1]["frame"].get<std::size_t>());
  r = run_tool(whole + "--format jsonl --no-drop", pipe);
  CHECK(json_rows(r.out).size() == 60);
}

TEST_CASE("watch saves the best frame so far after a signal to stop") {
  const std::string dir = scratch_dir("watch_stopped");
  write_text(dir + "/begin", face("astronaut_blur") + face("astronaut"));
  // Interrupts the tool as soon as its output has the second frame.
  write_text(dir + "/interrupt.sh", "mkfifo " + dir + "/pipe\n(cat " + dir + "/begin; exec sleep 600) >" +
                                        dir + "/pipe &\nfeeder=$!\n\"$@\" <" + dir + "/pipe >" + dir +
                                        "/rows &\ntool=$!\nuntil grep -q 'frame 2' " + dir +
                                        "/rows; do sleep 0.05; done\nkill -INT $tool\nwait $tool\ncode=$?\n"
                                        "kill $feeder\nexit $code\n");
  const auto r = run_tool(whole + "--no-drop --save " + dir + "/best.jpg", "sh " + dir + "/interrupt.sh");
  CHECK(r.code == 130);
  CHECK(contains(r.err, "2 scored"));
  CHECK(read_text(dir + "/best.jpg") == face("astronaut"));
}

TEST_CASE("watch draws a bar on a terminal and removes it at the end") {
  const std::string dir = scratch_dir("watch_terminal");
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE((grantpt(terminal) == 0 && unlockpt(terminal) == 0));
  const std::string name = ptsname(terminal);
  const int keep = open(name.c_str(), O_RDWR | O_NOCTTY);  // otherwise the bytes are lost when the tool ends
  const auto r = run_tool(whole + "< " + video(dir), "TERM=xterm sh -c 'exec \"$@\" 2>" + name + "' sh");
  std::string drawn(65536, '\0');
  const ssize_t got = read(terminal, drawn.data(), drawn.size());
  close(keep), close(terminal);
  REQUIRE(got > 0);
  drawn.resize(static_cast<std::size_t>(got));
  CHECK(r.code == 0);
  CHECK(contains(drawn, "\033[J"));
  CHECK(contains(drawn, "  best "));
  CHECK(contains(drawn, "\033[1A\r"));
  CHECK(drawn.rfind("\r\033[J") < drawn.find("tinyfiqa: note: frames in"));
  CHECK(contains(r.out, "frame 4"));  // rows still go to standard output, which is no terminal
}

TEST_CASE("watch: inputs and options that do not go together") {
  const auto refusal = [](const std::string& arguments) {
    const auto r = run_tool("watch " + arguments, ": |");
    CHECK(r.code == 2);
    return r.err;
  };
  CHECK(contains(refusal(""), "nothing to watch"));
  CHECK(contains(refusal("/dev/video0 --stdin-mjpeg"), "not both"));
  CHECK(contains(refusal("- --fps 5"), "--fps is for cameras"));
  CHECK(contains(refusal("- --camera-size 640x480"), "--camera-size is for cameras"));
  CHECK(contains(refusal("/dev/video0 --camera-size 640"), "not WIDTHxHEIGHT"));
  CHECK(contains(refusal("- --timeout 10x"), "--timeout 10x: is no time"));
  CHECK(contains(refusal("- --until 101"), "101"));
  CHECK(contains(refusal("- --save best.png"), "end its name in .jpg"));
  CHECK(contains(refusal("- --face all"), "--face"));
  CHECK(contains(refusal("- --face whole --model pose"), "needs landmarks"));
  CHECK(contains(refusal("/nowhere/video0"), "/nowhere/video0: "));
  CHECK(run_tool("watch - --save /nowhere/best.jpg", ": |").code == 1);
  const auto empty = run_tool("watch -", ": |");
  CHECK(empty.code == 1);
  CHECK(contains(empty.err, "no JPEG found"));
}
