// What people give to score: lists, folders with other files in them, pipes, tables; and where its rows go.
#include "tool/rows.hpp"
#include "tool/run_tool.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace fs = std::filesystem;

namespace {

/// A folder with copies of three faces: a.jpg, b.jpg and c.jpg.
std::string folder_of_faces(const std::string& name) {
  const std::string dir = scratch_dir(name);
  fs::copy(example_faces + "astronaut.jpg", dir + "/a.jpg");
  fs::copy(example_faces + "astronaut_blur.jpg", dir + "/b.jpg");
  fs::copy(example_faces + "astronaut_dark.jpg", dir + "/c.jpg");
  return dir;
}

ToolResult score_list(const std::string& list, const std::string& options = "") {
  const std::string file = scratch_root() + "/list.txt";
  write_text(file, list);
  return run_tool("score - --face whole " + options + " < '" + file + "'");
}

}  // namespace

TEST_CASE("a list of paths may have any line ends, a byte order mark, or NUL characters between paths") {
  const std::string dir = folder_of_faces("lists"), a = dir + "/a.jpg", b = dir + "/b.jpg";
  for (const std::string& list :
       {a + "\n" + b + "\n", a + "\n" + b, a + "\r\n" + b + "\r\n", "\xEF\xBB\xBF" + a + "\n\n" + b,
        a + std::string(1, '\0') + b + std::string(1, '\0'), a + std::string(1, '\0') + b}) {
    const auto r = score_list(list);
    CHECK(r.code == 0);
    CHECK(count_lines(r.out) == 2);
    CHECK(contains(r.out, "a.jpg\n"));
    CHECK(contains(r.out, "b.jpg\n"));
  }
  // NUL characters allow names with line ends.
  fs::copy(a, dir + "/two\nlines.jpg");
  CHECK(score_list(dir + "/two\nlines.jpg" + std::string(1, '\0')).code == 0);
}

TEST_CASE("what is no list of paths is named, and gives one row with the error") {
  const std::string dir = folder_of_faces("no_lists");
  const std::string picture = read_text(example_faces + "astronaut.jpg");
  const auto jpeg = score_list(picture);
  CHECK(jpeg.code == 1);
  CHECK(count_lines(jpeg.out) == 1);
  CHECK(contains(jpeg.out, "not a list of paths"));
  CHECK(contains(score_list(std::string("GIF89a\1\0\1\0", 10)).out, "GIF, not a list of paths"));
  CHECK(contains(score_list(std::string("\xFF\xFE"
                                        "a\0.\0",
                                        6))
                     .out,
                 "UTF-16"));
  CHECK(contains(score_list(std::string(5000, 'x')).out, "more than 4096 bytes without an end of line"));
  const std::string many(70000, '\n');  // more than what is read at once
  const auto mixed = score_list(dir + "/a.jpg\n" + many + dir + "/b.jpg" + std::string(1, '\0') + "\n");
  CHECK(mixed.code == 1);
  CHECK(contains(mixed.out, "mixes lines and NUL characters"));
  const auto folder = run_tool("score - < '" + dir + "'");
  CHECK(folder.code == 1);
  CHECK(contains(folder.out, "can't be read"));
}

TEST_CASE("the rows of a list come while another program still writes it") {
  const std::string dir = folder_of_faces("live");
  const std::string script = "(echo " + dir + "/a.jpg; i=0; while [ $i -lt 100 ] && ! grep -q a.jpg " + dir +
                             "/rows; do sleep 0.1; i=$((i+1)); done; cat " + dir + "/rows >" + dir +
                             "/seen; echo " + dir + "/b.jpg) |";
  write_text(dir + "/rows", "");
  const auto r = run_tool("score - --face whole >'" + dir + "/rows'; :", script);
  CHECK(contains(read_text(dir + "/seen"), "a.jpg"));
  CHECK(contains(read_text(dir + "/rows"), "b.jpg"));
}

TEST_CASE("control characters of a name do not reach the terminal") {
  const std::string dir = scratch_dir("control");
  for (const char* name : {"new\nline 99  good.jpg", "esc\x1b]0;title\x07.jpg", "back\b\b\r.jpg"}) {
    fs::copy(example_faces + "astronaut.jpg", dir + "/" + name);
    write_text(dir + "/bad_" + name, "no image");
  }
  for (const char* command : {"score --face whole", "detect", "select --face whole -k 6"}) {
    const auto r = run_tool(command + std::string(" '") + dir + "'");
    for (const std::string& text : {r.out, r.err})
      for (const char c : text) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 32));
    CHECK(contains(r.out + r.err, "new\\nline 99"));
    CHECK(contains(r.out + r.err, "\\x1b]0;title\\x07"));
  }
  CHECK(count_lines(run_tool("score --face whole '" + dir + "'").out) == 6);
}

TEST_CASE("pictures and videos in a folder that are not read are counted in a note") {
  const std::string dir = folder_of_faces("left_out");
  for (const char* name : {"d.mov", "e.DNG", "f.jxl", "g.jxl", "._a.jpg", "readme.txt"})
    write_text(dir + "/" + name, "x");
  fs::create_directory(dir + "/deep");
  fs::copy(dir + "/a.jpg", dir + "/deep/h.jpg");
  fs::create_directory_symlink(dir + "/deep", dir + "/link");
  const auto r = run_tool("score --face whole '" + dir + "'");
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 4);
  for (const char* part : {"1 .mov", "1 .dng", "2 .jxl", "1 ._* of macOS", "1 links to folders"})
    CHECK_MESSAGE(contains(r.err, part), r.err);
  CHECK_FALSE(contains(r.err, "txt"));
  CHECK_FALSE(contains(run_tool("score --face whole '" + dir + "/deep'").err, "left out"));
  fs::rename(dir + "/deep/h.jpg", dir + "/deep/H.JFIF");  // another name of JPEG
  CHECK(contains(run_tool("score --face whole '" + dir + "/deep'").out, "H.JFIF\n"));
}

TEST_CASE("a link that leads to itself is one bad image, in a pattern too") {
  const std::string dir = folder_of_faces("loops");
  fs::create_symlink("loop.jpg", dir + "/loop.jpg");
  fs::create_directory_symlink(".", dir + "/loop");
  for (const std::string& what :
       {dir + "/*.jpg", dir + "/a.jpg' '" + dir + "/b.jpg' '" + dir + "/c.jpg' '" + dir + "/loop.jpg"}) {
    const auto r = run_tool("score --face whole '" + what + "'");
    CHECK(r.code == 1);
    CHECK(count_lines(r.out) == 4);
    CHECK(contains(r.out, "loop.jpg: can't be opened"));
  }
  CHECK(run_tool("score --face whole '" + dir + "'").code == 0);
}

TEST_CASE("a folder that can't be read is a row with the error, and the others are scored") {
  if (::geteuid() == 0 && std::system("setpriv --version >/dev/null 2>&1") != 0) return;
  const std::string dir = folder_of_faces("unreadable");
  fs::create_directory(dir + "/closed");
  fs::copy(dir + "/a.jpg", dir + "/closed/d.jpg");
  for (fs::path at = dir; at != "/"; at = at.parent_path()) ::chmod(at.c_str(), 0755);
  ::chmod((dir + "/closed").c_str(), 0);
  const std::string as_user = ::geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups" : "";
  const auto all = run_tool("score --face whole '" + dir + "'", as_user);
  const auto file = run_tool("score --face whole '" + dir + "/closed/d.jpg'", as_user);
  ::chmod((dir + "/closed").c_str(), 0755);
  if (contains(all.err + all.out, "rror while loading") || all.code > 2)
    return;  // that user can't run the program
  CHECK(all.code == 1);
  CHECK(count_lines(all.out) == 4);
  CHECK(contains(all.out, "/closed: Permission denied"));
  CHECK(contains(file.out, "permission denied"));
}

TEST_CASE("a file that is too large for an image is not read") {
  const std::string dir = scratch_dir("large");
  write_text(dir + "/large.jpg", "");
  fs::resize_file(dir + "/large.jpg", std::uintmax_t{2} << 40u);
  for (const char* command : {"score", "detect", "select"}) {
    const auto r = run_tool(command + std::string(" '") + dir + "/large.jpg'");
    CHECK(r.code == 1);
    CHECK(contains(r.out + r.err, "2097152 MiB; at most 768 MiB are read"));
  }
}

TEST_CASE("rows are written into a pipe or device that --out names") {
  const std::string dir = folder_of_faces("out_pipe");
  const auto device = run_tool("score --face whole '" + dir + "/a.jpg' --format csv --out /dev/null");
  CHECK(device.code == 0);
  CHECK(fs::is_character_file("/dev/null"));
  const auto pipe = run_tool("score --face whole '" + dir + "/a.jpg' --format csv --out /dev/stdout | cat");
  CHECK(count_lines(pipe.out) == 2);
}

TEST_CASE("a pipe is read as an image") {
  const auto r = run_tool("score --face whole /dev/stdin < {faces}/astronaut.jpg");
  CHECK(r.code == 0);
  CHECK(contains(run_tool("score --face whole /dev/zero").out, "more than 256 MiB"));
}

TEST_CASE("a table gives a box or landmarks for each photo, and in photos without either the face is found") {
  const std::string dir = folder_of_faces("table");
  fs::copy(TINYFIQA_SOURCE_DIR "/examples/photos/astronaut.jpg", dir + "/photo.jpg");
  write_text(dir + "/faces.csv",
             "path,box_x,box_y,box_w,box_h\na.jpg,28,5,100,136\nphoto.jpg,,,,\nb.jpg,100,100,900,900\n");
  const auto rows = json_rows(run_tool("score --format jsonl --data '" + dir + "/faces.csv'").out);
  REQUIRE(rows.size() == 3);
  const auto box =
      json_rows(run_tool("score --format jsonl --box 28,5,100,136 '" + dir + "/a.jpg'").out).at(0);
  const auto found = json_rows(run_tool("score --format jsonl '" + dir + "/photo.jpg'").out).at(0);
  CHECK(rows[0]["path"] == "a.jpg");
  CHECK(rows[0]["score"] == box["score"]);
  CHECK(rows[1]["score"] == found["score"]);
  CHECK(rows[1]["box"] == found["box"]);
  CHECK(contains(rows[2]["error"].get<std::string>(), "outside the image"));
  CHECK(contains(run_tool("score --data '" + dir + "/faces.csv'").err, "average landmarks in the box"));

  write_text(dir + "/points.csv",
             "path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\na.jpg,54.6,57.632,101.4,57.632,78,84.968,57.5,104.824,98.5,"
             "104.824\n");
  const auto points = json_rows(run_tool("score --format jsonl --data '" + dir + "/points.csv'").out);
  CHECK(points.at(0)["score"].get<double>() == doctest::Approx(box["score"].get<double>()).epsilon(1e-5));
  CHECK(run_tool("score --data '" + dir + "/points.csv' --box 1,2,3,4").code == 2);
  CHECK(run_tool("score --data '" + dir + "/points.csv' '" + dir + "/a.jpg'").code == 2);
}

TEST_CASE("landmarks that are mirrored, exchanged or in another order are refused with the reason") {
  const auto refused = [](const std::string& points) {
    return run_tool("score {faces}/astronaut.jpg --landmarks " + points);
  };
  CHECK(refused("54.6,57.6,101.4,57.6,78,85,57.5,104.8,98.5,104.8").code == 0);
  for (const char* mirrored :
       {"101.4,57.6,54.6,57.6,78,85,98.5,104.8,57.5,104.8",     // left and right as the person has them
        "57.6,54.6,57.6,101.4,85,78,104.8,57.5,104.8,98.5"}) {  // y before x
    const auto r = refused(mirrored);
    CHECK(r.code == 1);
    CHECK(contains(r.out, "mirrored"));
  }
  for (const char* other : {"78,85,54.6,57.6,101.4,57.6,57.5,104.8,98.5,104.8",     // nose first
                            "54.6,57.6,57.5,104.8,78,85,101.4,57.6,98.5,104.8",     // side by side
                            "57.5,104.8,98.5,104.8,78,85,54.6,57.6,101.4,57.6"}) {  // mouth first
    const auto r = refused(other);
    CHECK(r.code == 1);
    CHECK_MESSAGE(contains(r.out, "landmarks are"), r.out);
  }
}

TEST_CASE("a box over the edge of the photo is cut, and one that lies outside is refused") {
  const std::string photo = "score {photos}/astronaut.jpg ";
  for (const char* box : {"100,-5,250,250", "-20,40,300,300", "280,280,300,300"})
    CHECK(run_tool(photo + "--box=" + box).code == 0);
  for (const char* box : {"500,500,100,100", "0,0,2000,2000", "-90,0,100,100"}) {
    const auto r = run_tool(photo + "--box=" + box);
    CHECK(r.code == 1);
    CHECK(contains(r.out, "512x512 pixels"));
  }
}

TEST_CASE("--size refuses numbers that no image has, however large") {
  for (const char* size :
       {"4294967297x4294967297", "99999999999x1", "0x5", "-3x5", "5", "5x", "x5", "5x5x5", "20000x20000"}) {
    const auto r = run_tool("score {faces}/astronaut.jpg --size=" + std::string(size));
    CHECK(r.code != 0);
    CHECK(contains(r.err, "1 to 16384"));
  }
}

TEST_CASE("a long path does not hide the reason") {
  std::string dir = scratch_dir("long");
  for (int i = 0; i < 4; ++i) dir += "/" + std::string(200, 'e');
  fs::create_directories(dir);
  write_text(dir + "/bad.jpg", "garbage");
  const auto r = run_tool("score '" + dir + "/bad.jpg'");
  CHECK(r.code == 1);
  CHECK(contains(r.out, "this is text, not an image"));
}

TEST_CASE("--resume goes on where a stopped run ended, in both formats") {
  const std::string dir = folder_of_faces("resume");
  std::string list;
  for (int i = 0; i < 4; ++i)
    for (const char* name : {"a.jpg", "missing.jpg", "b.jpg", "c.jpg"}) list += dir + "/" + name + "\n";
  for (const std::string extension : {"csv", "jsonl"}) {
    const std::string whole = dir + "/whole." + extension, part = dir + "/part." + extension;
    CHECK(score_list(list, "--out '" + whole + "'").code == 1);
    const std::string rows = read_text(whole);
    CHECK(count_lines(rows) == (extension == "csv" ? 17 : 16));
    for (const std::size_t length :
         {rows.size() / 2, rows.size() - 1, rows.size(), std::size_t{0}, rows.find('\n') + 1}) {
      write_text(part, rows.substr(0, length));
      CHECK(score_list(list, "--resume '" + part + "'").code <= 1);
      CHECK(read_text(part) == rows);
    }
    fs::remove(part);  // a file that is not there is begun
    CHECK(score_list(list, "--resume '" + part + "'").code == 1);
    CHECK(read_text(part) == rows);
    // Another list, other options, and a file that is in the way.
    const auto other = score_list(dir + "/b.jpg\n" + list, "--resume '" + part + "'");
    CHECK(other.code == 2);
    CHECK(contains(other.err, "give the same photos in the same order"));
    CHECK(read_text(part) == rows);
    const auto exists = score_list(list, "--out '" + part + "'");
    CHECK(exists.code == 2);
    CHECK(contains(exists.err, "--resume"));
    CHECK(read_text(part) == rows);
  }
  const auto columns = score_list(list, "--raw --resume '" + dir + "/whole.csv'");
  CHECK(columns.code == 2);
  CHECK(contains(columns.err, "first line"));
  CHECK(score_list(list, "--out '" + dir + "/rows.txt'").code == 2);
  CHECK(score_list(list, "--sort --out '" + dir + "/new.csv'").code != 0);
}

TEST_CASE("--resume refuses rows of other weights, precision, views or sizes, and leaves them as they are") {
  const std::string dir = folder_of_faces("resume_other");
  std::string list = dir + "/gone.jpg\n";
  fs::copy_file(dir + "/a.jpg", dir + "/gone.jpg");
  for (const char* name : {"missing.jpg", "a.jpg", "b.jpg", "c.jpg"}) list += dir + "/" + name + "\n";
  for (const std::string extension : {"csv", "jsonl"}) {
    const std::string path = dir + "/rows." + extension, options = "--resume '" + path + "' ";
    CHECK(score_list(list, options).code == 1);
    const std::string rows = read_text(path);
    fs::rename(dir + "/gone.jpg", dir + "/away.jpg");  // another photo is compared
    for (const char* other :
         {"--precision i8", "--model tinyfqnet --tta identity", "--tta hflip", "--size 80x80"}) {
      CAPTURE(other);
      const auto r = score_list(list, options + other);
      CHECK(r.code == 2);
      CHECK_MESSAGE(contains(r.err, path + ": has the raw score "), r.err);
      CHECK_MESSAGE(contains(r.err, ".jpg, which now has "), r.err);
      CHECK_MESSAGE(contains(r.err, "--precision"), r.err);
      CHECK(read_text(path) == rows);
    }
    CHECK(score_list(list, options + "--isa scalar").code == 0);  // scores differ in their last digits alone
    fs::rename(dir + "/away.jpg", dir + "/gone.jpg");
  }
}

TEST_CASE("rows without a score are not compared when a run goes on") {
  const std::string dir = folder_of_faces("resume_errors"), rows = dir + "/rows.csv";
  const std::string list = dir + "/missing.jpg\n" + dir + "/a.jpg\n";
  CHECK(score_list(list, "--resume '" + rows + "'").code == 1);
  CHECK(score_list(list, "--resume '" + rows + "' --precision i8").code == 0);
}

TEST_CASE("rows that are none, however deep, are refused when a run goes on") {
  const std::string dir = folder_of_faces("resume_deep"), rows = dir + "/rows.jsonl";
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  for (const std::string& row : {deep + "\n", "{\"path\":" + deep + "}\n", std::string("no row\n")}) {
    write_text(rows, row + row);
    const auto r = score_list(dir + "/a.jpg\n", "--resume '" + rows + "'");
    CHECK(r.code == 2);
    CHECK(contains(r.err, "rows.jsonl: at byte 0 there is no row"));
    CHECK(read_text(rows) == row + row);
  }
  // Of the face, only a whole number counts.
  write_text(rows, "{\"path\":\"" + dir + "/a.jpg\",\"face\":" + deep + "}\n");
  CHECK(score_list(dir + "/a.jpg\n", "--resume '" + rows + "'").code == 0);
}

TEST_CASE("all faces of the last photo are written again when a run goes on") {
  const std::string dir = scratch_dir("resume_all");
  const std::string photos = "{photos}/group.jpg {photos}/astronaut.jpg --face all ";
  CHECK(run_tool("score " + photos + "--out '" + dir + "/whole.csv'").code == 0);
  const std::string rows = read_text(dir + "/whole.csv");
  std::size_t end = 0;
  for (int line = 0; line < 3; ++line)
    end = rows.find('\n', end) + 1;  // the header and two faces of the first photo
  write_text(dir + "/part.csv", rows.substr(0, end));
  CHECK(run_tool("score " + photos + "--resume '" + dir + "/part.csv'").code == 0);
  CHECK(read_text(dir + "/part.csv") == rows);
}

TEST_CASE("two runs can't write the same rows") {
  const std::string dir = folder_of_faces("locked");
  const std::string out = dir + "/rows.csv";
  // The first run holds the file while its list does not end.
  const auto second =
      run_tool("score --face whole '" + dir + "/a.jpg' --resume '" + out + "'",
               "(echo " + dir + "/a.jpg; sleep 2) | " TINYFIQA_TOOL " score - --face whole --out '" + out +
                   "' & i=0; while [ $i -lt 50 ] && [ ! -s '" + out + "' ]; do sleep 0.1; i=$((i+1)); done;");
  CHECK(second.code == 2);
  CHECK(contains(second.err, "another run is writing this file"));
}

TEST_CASE("a full disk ends the run at once, and is told") {
  std::string list;
  for (int i = 0; i < 300; ++i) list += example_faces + "astronaut.jpg\n";
  const std::string errors = scratch_root() + "/full.err", file = scratch_root() + "/full.txt";
  write_text(file, list + "/no/such/file.jpg\n");
  const auto r = run_tool("score - --face whole <'" + file + "' >/dev/full 2>'" + errors + "'; exit $?");
  const std::string err = read_text(errors);
  CHECK(r.code == 1);
  CHECK(contains(err, "standard output: can't be written: No space left on device"));
  CHECK_FALSE(contains(err, "could not be scored"));
}

TEST_CASE("a run that may start no thread scores on one") {
  if (is_sanitized || ::geteuid() != 0 || std::system("setpriv --version >/dev/null 2>&1") != 0) return;
  const std::string dir = folder_of_faces("no_threads");
  for (fs::path at = dir; at != "/"; at = at.parent_path()) ::chmod(at.c_str(), 0755);
  const auto r = run_tool("score --face whole '" + dir + "/a.jpg' '" + dir + "/b.jpg' --threads 2",
                          "setpriv --reuid 65534 --clear-groups prlimit --nproc=1");
  if (r.code == 126 || r.code == 127) return;  // that user can't run the program
  CHECK(r.code == 0);
  CHECK(count_lines(r.out) == 2);
}

TEST_CASE("little memory makes rows with errors, not an abort") {
  if (is_sanitized) return;
  const std::string dir = folder_of_faces("memory");
  write_text(dir + "/big.ppm", "P6\n9000 9000\n255\n");
  fs::resize_file(dir + "/big.ppm", 17 + 243000000);
  const auto r = run_tool("score --face whole --threads 1 '" + dir + "/big.ppm' '" + dir + "/a.jpg'",
                          "prlimit --as=500000000");
  CHECK(r.code == 1);
  CHECK(contains(r.out, "memory"));
  CHECK(contains(r.out, "a.jpg\n"));
}

TEST_CASE("--isolate gives the same rows, and a decoder that dies costs one image") {
  const std::string photos =
      "score {photos} {faces} " TINYFIQA_SOURCE_DIR "/tests/fixtures/photos --format csv";
  const auto plain = run_tool(photos), isolated = run_tool(photos + " --isolate");
  CHECK(isolated.out == plain.out);
  CHECK(isolated.code == plain.code);
  CHECK(count_lines(plain.out) > 20);

  const std::string dir = folder_of_faces("isolate"), rows = dir + "/rows";
  write_text(rows, "");
  const std::string wait =
      "; i=0; while [ $i -lt 100 ] && ! grep -q a.jpg " + rows + "; do sleep 0.1; i=$((i+1)); done; ";
  run_tool("score - --face whole --isolate --threads 1 >'" + rows + "'; :",
           "(echo " + dir + "/a.jpg" + wait + "pkill -KILL -f '[d]ecoder-process'; echo " + dir +
               "/b.jpg; echo " + dir + "/c.jpg) |");
  const std::string text = read_text(rows);
  CHECK(count_lines(text) == 3);
  CHECK_MESSAGE(contains(text, "the decoder crashed on this image (signal 9)"), text);
  CHECK(contains(text, "c.jpg\n"));
}
