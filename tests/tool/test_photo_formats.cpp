// The commands with photos of every format.
#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <filesystem>

namespace fs = std::filesystem;

TEST_CASE("a folder is searched for photos of every format, and each is scored or refused by name") {
  const auto r = run_tool("score --face whole --format csv '" + fixture("photos") + "'");
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fixture("photos"))) {
    ++files;
    CHECK(contains(r.out, "/" + entry.path().filename().string() + ","));
  }
  CHECK(files > 30);
  CHECK(count_lines(r.out) == files + 1);
  CHECK(contains(r.out, "pq.heic"));
  CHECK(r.code == 1);  // pq.heic and thumbnail.tif
}

TEST_CASE(
    "without its module, a format is refused with the library's name and package, and others are scored") {
  const std::string dir = scratch_dir("no_modules");
  fs::create_directory(dir + "/bin");
  fs::copy_file(TINYFIQA_TOOL, dir + "/bin/tinyfiqa");
  const std::string photos = fixture("photos/");
  const auto run = [&](const std::string& names) {
    const std::string line = "cd '" + photos + "' && '" + dir + "/bin/tinyfiqa' score --face whole " + names +
                             " >'" + dir + "/out' 2>/dev/null";
    const int code = std::system(line.c_str());
    return std::pair(code, read_text(dir + "/out"));
  };
  CHECK(run("ramp.jpg srgb.png cells.gif").first == 0);
  const auto refused = run("ramp.heic ramp.avif ramp.webp ramp.tif p3.jpg");
  CHECK(refused.first != 0);
  const std::string& text = refused.second;
  const char* messages[][2] = {
      {"ramp.heic: HEIC needs libheif", "libheif-dev libdav1d-dev libde265-dev"},
      {"ramp.avif: AVIF needs libheif", "libheif-dev libdav1d-dev libde265-dev"},
      {"ramp.webp: WebP needs libwebp", "libwebp-dev"},
      {"ramp.tif: TIFF needs libtiff", "libtiff-dev"},
      {"p3.jpg: a photo whose colours are not sRGB needs Little CMS", "liblcms2-dev"}};
  for (const auto& message : messages)
    CHECK_MESSAGE(contains(text, std::string(message[0]) +
                                     ", and this tinyfiqa was built without it (Debian: " + message[1] + ")"),
                  text);
}

TEST_CASE("a module that can't be loaded is named, with the reason") {
  const std::string dir = scratch_dir("broken_module");
  fs::create_directories(dir + "/bin");
  fs::create_directories(dir + "/lib/tinyfiqa");
  fs::copy_file(TINYFIQA_TOOL, dir + "/bin/tinyfiqa");
  std::ofstream(dir + "/lib/tinyfiqa/tinyfiqa_webp.so") << "no library";
  const std::string line =
      "'" + dir + "/bin/tinyfiqa' score '" + fixture("photos/ramp.webp") + "' >'" + dir + "/out' 2>&1";
  CHECK(std::system(line.c_str()) != 0);
  CHECK(contains(read_text(dir + "/out"), "libwebp, which can't be loaded ("));
}

TEST_CASE("train, eval and select take photos of every format") {
  const std::string dir = scratch_dir("formats");
  std::ofstream csv(dir + "/labels.csv");
  csv << "path,score\n";
  const char* names[] = {"ramp.jpg",  "ramp.webp", "ramp.heic", "ramp.tif",
                         "cells.gif", "p3.png",    "ramp.avif", "lossless.webp"};
  int label = 0;
  for (const char* name : names) csv << fixture("photos/") << name << "," << 0.1 * ++label << "\n";
  csv.close();
  const std::string data = " --whole-image --data '" + dir + "/labels.csv'";
  const auto train = run_tool("train --model tinyfqnet --epochs 1 --batch 2 --train-share 0.5 --out '" + dir +
                              "/run'" + data);
  CHECK_MESSAGE(train.code == 0, train.err);
  const auto eval = run_tool("eval --out '" + dir + "/eval'" + data);
  CHECK_MESSAGE(eval.code == 0, eval.err);
  const auto select = run_tool("select --face whole -k 2 '" + fixture("photos/ramp.webp") + "' '" +
                               fixture("photos/ramp.heic") + "'");
  CHECK_MESSAGE(select.code == 0, select.err);
}

TEST_CASE("--max-pixels changes the limit of every command that reads images, and the message names it") {
  const std::string photos = fixture("variants/");
  const auto refused = run_tool("score --face whole --max-pixels 116 '" + photos + "ramp.png'");
  CHECK(refused.code == 1);
  CHECK(contains(refused.out, "13x9 = 117 pixels; the limit is 116"));
  CHECK(contains(refused.out, "--max-pixels"));
  CHECK(run_tool("score --face whole --max-pixels 117 '" + photos + "ramp.png'").code == 0);
  CHECK(contains(run_tool("detect --max-pixels 5 {photos}/astronaut.jpg").out, "the limit is 5"));
  CHECK(contains(run_tool("select --max-pixels 5 -k 1 '" + photos + "ramp.png'").err, "the limit is 5"));
  for (const char* bad : {"0", "-1", "many", "1e9", ""}) {
    CAPTURE(std::string(bad));
    const auto r = run_tool("score --max-pixels '" + std::string(bad) + "' {photos}/astronaut.jpg");
    CHECK(r.code == 2);
    CHECK(contains(r.err, "--max-pixels"));
  }
}

#if !defined(__SANITIZE_ADDRESS__)  // which reserves more memory than any limit leaves
TEST_CASE("a photo for which there is not enough memory gets a row, and the others are scored") {
  if (is_sanitized) return;
  const std::string dir = scratch_dir("memory");
  write_text(dir + "/large.ppm", "P6\n9000 9000\n255\n");
  fs::resize_file(dir + "/large.ppm", 17 + 3 * 9000 * 9000);
  write_text(dir + "/small.ppm", "P6\n2 1\n255\n123456");
  const auto r = run_tool("score --face whole --threads 1 '" + dir + "/large.ppm' '" + dir + "/small.ppm'",
                          "ulimit -v 400000;");
  CHECK(r.code == 1);
  CHECK_MESSAGE(contains(r.out, "large.ppm: not enough memory"), r.out);
  CHECK(count_lines(r.out) == 2);
}
#endif

TEST_CASE("a stream with very many broken frames gives a few messages and a number") {
  const std::string dir = scratch_dir("broken_frames");
  std::string stream;
  for (int i = 0; i < 5000; ++i) stream += "\xFF\xD8\xFF";
  write_text(dir + "/stream", stream);
  const auto r = run_tool("select --stdin-mjpeg --face whole -k 1", "cat '" + dir + "/stream' |");
  CHECK(contains(r.err, "frame 1"));
  CHECK_MESSAGE(contains(r.err, "4990 more frames could not be read"), r.err);
  CHECK(count_lines(r.err) < 20);
}
