// `tinyfiqa report`: the data of the page, its size, and what is refused. tests/report uses the page in a browser.
#include "jobs/scoring/picture_heat.hpp"
#include "reports/base64.hpp"
#include "reports/face_columns.hpp"
#include "reports/report_page.hpp"

#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "rows.hpp"
#include "run_tool.hpp"

using namespace tinyfiqa;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* data_begin = "<script type=\"application/json\" id=\"data\">";

json data_of_page(const std::string& page) {
  const std::size_t begin = page.find(data_begin);
  REQUIRE(begin != std::string::npos);
  const std::size_t at = begin + std::string(data_begin).size();
  return json::parse(page.substr(at, page.find("</script>", at) - at));
}

/// Writes a report with these arguments and returns its data.
json report_of(const std::string& arguments, int code = 0) {
  const std::string out = scratch_dir("report") + "/report.html";
  const auto r = run_tool("report " + arguments + " --out " + out);
  REQUIRE_MESSAGE(r.code == code, r.err);
  return data_of_page(read_text(out));
}

std::string decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6u | static_cast<unsigned>(digits.find(c));
    if (count += 6; count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255u);
  }
  return bytes;
}

tinyfiqa::Image picture_of(const json& face) {
  const std::string jpeg = decode_base64(face["picture"]["jpeg"].get<std::string>());
  const auto image =
      tinyfiqa::decode_image({reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size()});
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return *image;
}

/// The data without pictures, which may be other bytes.
json without_pictures(json data) {
  for (json& face : data["faces"]) face.erase("picture");
  return data;
}

/// A table with `count` rows of the faces in group.jpg.
std::string table_of_many(const std::string& dir, int count) {
  const std::string scored = run_tool("score {photos}/group.jpg --face all --explain --format csv").out;
  const std::size_t header = scored.find('\n') + 1;
  std::string rows;
  for (int i = 0; i < count; ++i) rows += scored.substr(header, scored.find('\n', header) + 1 - header);
  write_text(dir + "/many.csv", scored.substr(0, header) + rows);
  return dir + "/many.csv";
}

}  // namespace

TEST_CASE("a report has the scores, faces, components and reasons of score --explain") {
  const std::string photos = "{photos}/group.jpg {faces}/astronaut_dark.jpg {photos}/coffee.jpg --face all";
  const auto scored = json_rows(run_tool("score " + photos + " --explain --format jsonl").out);
  const json data = report_of(photos, 1);
  CHECK(data["shown"] == "quality");
  CHECK(data["scored_by"] == "tinyfqnet_m");
  CHECK(data["components"].size() == 19);
  REQUIRE(data["faces"].size() == scored.size());
  for (std::size_t i = 0; i < scored.size(); ++i) {
    const json &face = data["faces"][i], &row = scored[i];
    CHECK(face["path"] == row["path"]);
    for (const char* name : {"quality", "face", "error"})
      CHECK(face.value(name, json()) == row.value(name, json()));
    if (!row.contains("score")) continue;
    CHECK(face["band"] == row["band"]);
    CHECK(face["score"].get<double>() == doctest::Approx(row["score"].get<double>()).epsilon(1e-6));
    for (std::size_t k = 0; k < 19; ++k)
      CHECK(face["components"][k] == row["components"][data["components"][k].get<std::string>()]);
    std::vector<std::string> reasons;
    for (const json& reason : face.value("reasons", json::array()))
      reasons.push_back(reason["fault"].get<std::string>() + ": " + reason["remedy"].get<std::string>());
    CHECK(json(reasons) == row["reasons"]);
  }
  CHECK(contains(scored.back().dump(), "no face"));
  CHECK(data["faces"].back().contains("picture"));  // the whole photo shows why
}

TEST_CASE("a picture shows the face: its box and landmarks lie in the middle of it") {
  const json data = report_of("{photos}/group.jpg --face all");
  int square = 0;
  for (const json& face : data["faces"]) {
    const json& picture = face["picture"];
    const tinyfiqa::Image image = picture_of(face);
    CHECK(image.width == picture["width"]);
    CHECK(image.height == picture["height"]);
    if (image.width != image.height) continue;  // cut off by the photo's border
    ++square;
    const auto at = [&](int i) { return picture["box"][static_cast<std::size_t>(i)].get<double>(); };
    CHECK(at(0) + at(2) / 2 == doctest::Approx(0.5).epsilon(0.1));
    CHECK(std::max(at(2), at(3)) == doctest::Approx(1 / 1.7).epsilon(0.15));
    REQUIRE(picture["points"].size() == 5);
    for (const json& point : picture["points"]) {
      CHECK(point[0] > 0.2);
      CHECK(point[0] < 0.8);
    }
  }
  CHECK(square >= 4);
}

TEST_CASE("a table of score gives the same report as the photos: CSV, JSON lines, and raw scores") {
  const std::string photos = "{photos}/group.jpg {photos}/coffee.jpg {faces}/astronaut_dark.jpg --face all";
  const std::string dir = scratch_dir("report_tables");
  for (const std::string more : {"", " --raw"}) {
    json direct = without_pictures(report_of(photos + more + " --no-heat-maps", 1));
    direct.erase("title"), direct.erase("scored_by");
    for (const std::string format : {"csv", "jsonl"}) {
      CAPTURE(format + more);
      const std::string table = dir + "/scores." + format;
      write_text(table, run_tool("score " + photos + more + " --explain --format " + format).out);
      json read = without_pictures(report_of(table, 1));
      read.erase("title"), read.erase("scored_by");
      CHECK(read == direct);
    }
  }
}

TEST_CASE("a table without reasons is shown without them, and a note says how to get them") {
  const std::string dir = scratch_dir("report_plain"), table = dir + "/scores.csv";
  write_text(table, run_tool("score {faces} --face whole --format csv").out);
  const auto r = run_tool("report " + table + " --out " + dir + "/report.html");
  CHECK(r.code == 0);
  CHECK(contains(r.err, "has no reasons; score with --explain"));
  const json data = data_of_page(read_text(dir + "/report.html"));
  CHECK(data["explained"] == false);
  CHECK(data["faces"].size() == 6);
  CHECK_FALSE(data["faces"][0].contains("components"));
}

TEST_CASE("a photo that is gone keeps its row, with a note in place of the picture") {
  const std::string dir = scratch_dir("report_gone");
  fs::copy(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg", dir + "/here.jpg");
  fs::copy(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg", dir + "/gone.jpg");
  const auto scored = run_tool("score here.jpg gone.jpg --explain --format csv", "cd " + dir + " &&");
  write_text(dir + "/scores.csv", scored.out);
  fs::remove(dir + "/gone.jpg");
  const auto r = run_tool("report " + dir + "/scores.csv --out " + dir + "/report.html");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "no image of 1 face, because its photo can't be read"));
  const json faces = data_of_page(read_text(dir + "/report.html"))["faces"];
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].contains("picture"));  // found beside the table
  CHECK(faces[0]["link"] == "here.jpg");
  CHECK_FALSE(faces[1].contains("picture"));
  CHECK(faces[1]["quality"] == faces[0]["quality"]);
  CHECK(contains(faces[1]["note"].get<std::string>(), "no image: "));
  fs::create_directory(dir + "/moved");
  fs::rename(dir + "/here.jpg", dir + "/moved/here.jpg");
  fs::copy(dir + "/moved/here.jpg", dir + "/moved/gone.jpg");
  CHECK(run_tool("report " + dir + "/scores.csv --images " + dir + "/moved --out " + dir + "/report.html")
            .code == 0);
}

TEST_CASE("hostile names stay text: in the data, in the title and in links") {
  const std::string dir = scratch_dir("report_names");
  const std::vector<std::string> names = {"</script><script>alert(1)<b>.jpg",
                                          "a\nb\t\x01.jpg",
                                          "quote\"'<!--.jpg",
                                          "not utf8 \xff\xfe.jpg",
                                          "%41 #?&;,:=\\.jpg",
                                          "\xe2\x80\xae gpj.exe.jpg"};
  fs::create_directory(dir + "/<");
  for (const std::string& name : names)
    fs::copy(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg", dir + "/" + name);
  const auto r = run_tool("report '" + dir + "' --face whole --out '" + dir + "/<b>&.html'");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const std::string page = read_text(dir + "/<b>&.html");
  const json data = data_of_page(page);
  REQUIRE(data["faces"].size() == names.size());
  for (const json& face : data["faces"]) {
    const auto link = face["link"].get<std::string>();
    CAPTURE(link);
    CHECK(link.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-%") ==
          std::string::npos);
    std::string path;
    for (std::size_t i = 0; i < link.size(); ++i) {
      const bool code = link[i] == '%';
      path += code ? static_cast<char>(std::stoi(link.substr(i + 1, 2), nullptr, 16)) : link[i];
      if (code) i += 2;
    }
    CHECK(fs::exists(dir + "/" + path));  // also if the name is not UTF-8
  }
  const std::size_t data_at = page.find(data_begin);
  const std::string text = page.substr(data_at + 1, page.find("</script>", data_at) - data_at - 1);
  CHECK(text.find('<') == std::string::npos);
  const auto titled =
      run_tool("report '" + dir + "/</script><script>alert(1)<_script>.jpg' --out " + dir + "/t.html");
  CHECK_FALSE(contains(read_text(dir + "/t.html"), "<script>alert"));
}

TEST_CASE("a thousand faces have pictures and stay below 10 MB, or below what --max-mb says") {
  const std::string dir = scratch_dir("report_size"), table = table_of_many(dir, 1000);
  for (const auto& [option, most] : {std::pair("", 10e6), std::pair(" --max-mb 3", 3e6)}) {
    const auto r = run_tool("report " + table + " --out " + dir + "/report.html" + option);
    REQUIRE_MESSAGE(r.code == 0, r.err);
    CHECK(static_cast<double>(fs::file_size(dir + "/report.html")) < most);
    CHECK(static_cast<double>(fs::file_size(dir + "/report.html")) > most / 3);
    const json data = data_of_page(read_text(dir + "/report.html"));
    REQUIRE(data["faces"].size() == 1000);
    CHECK(data["faces"][999]["picture"]["width"] >= 64);
  }
  const auto few = run_tool("report {photos}/astronaut.jpg --out " + dir + "/few.html");
  CHECK(contains(few.out, "1 face, 0 photos without a score, images of 480 pixels"));
  const auto full = run_tool("report " + table + " --out " + dir + "/report.html --max-mb 1");
  CHECK(full.code == 0);
  CHECK(contains(full.err, "larger than --max-mb asks for"));
}

TEST_CASE("only a report is replaced by a report") {
  const std::string dir = scratch_dir("report_out");
  write_text(dir + "/mine.html", "<html>my own page</html>");
  const auto refused = run_tool("report {faces} --face whole --out " + dir + "/mine.html");
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "mine.html: exists and is no report of tinyfiqa"));
  CHECK(read_text(dir + "/mine.html") == "<html>my own page</html>");
  const std::string report = "report {faces} --face whole --out " + dir + "/report.html";
  REQUIRE(run_tool(report).code == 0);
  const std::string page = read_text(dir + "/report.html");
  CHECK(run_tool(report).code == 0);
  CHECK(read_text(dir + "/report.html") == page);  // the same photos give the same bytes
  CHECK(run_tool("report {faces} --out " + dir).code == 2);
  CHECK(run_tool("report {faces} --out " + dir + "/no/such/folder.html").code == 2);
}

TEST_CASE("tables that are none of score, and options that do not go together, are refused with the fix") {
  const std::string dir = scratch_dir("report_refused");
  const auto refused = [&](const std::string& arguments) {
    const auto r = run_tool("report " + arguments + " --out " + dir + "/report.html");
    CHECK(r.code == 2);
    CHECK_FALSE(fs::exists(dir + "/report.html"));
    return r.err;
  };
  const auto table = [&](const std::string& name, const std::string& text) {
    write_text(dir + "/" + name, text);
    return dir + "/" + name;
  };
  CHECK(contains(refused(""), "nothing to show; give photos or folders"));
  CHECK(contains(refused(table("a.csv", "file,quality\nx,1\n")), "no column is called 'path'"));
  CHECK(contains(refused(table("b.csv", "path,label\nx.jpg,1\n")),
                 "has no column score or quality; write the table with"));
  CHECK(contains(refused(table("c.csv", "path,quality,band\n")), "has no rows"));
  CHECK(contains(refused(table("d.csv", "path,quality,band\nx.jpg,110,good\n")),
                 "d.csv:2: quality is 110, not 0 to 100"));
  CHECK(contains(refused(table("e.csv", "path,quality,band\nx.jpg,ten,good\n")),
                 "e.csv:2: quality 'ten' is not a number"));
  CHECK(contains(refused(table("f.csv", "path,score,error\nx.jpg,,\n")),
                 "f.csv:2: neither a score nor an error"));
  CHECK(contains(refused(table("g.csv", "path,score\nx.jpg,1,2\n")),
                 "g.csv:2: 3 fields, but there are 2 columns"));
  CHECK(contains(refused(table("h.jsonl", "{\"path\": 3}\n")), "h.jsonl:1: no row of JSON with a path"));
  CHECK(contains(refused(table("i.csv", "path,score,box_x,box_y,box_w,box_h\nx.jpg,1,1,nan,3,4\n")),
                 "i.csv:2: "));
  const std::string good = table("good.csv", "path,score\nx.jpg,1\n");
  CHECK(contains(refused(good + " --model blur"), "has its scores already; remove --model"));
  CHECK(contains(refused(good + " {faces}"), "give one table of scores and nothing else"));
  CHECK(contains(refused("{faces} --images " + dir), "--images is for the paths of a table"));
  CHECK(contains(refused("{faces} --embeddings " + dir + "/none.npy"), "give the weights of a recogniser"));
  CHECK(contains(refused(dir + "/none.csv"), "none.csv"));
}

TEST_CASE("scores of a baseline are raw: no qualities and no bands") {
  const json data = report_of("{faces} --face whole --model blur");
  CHECK(data["shown"] == "raw");
  CHECK(data["scored_by"] == "blur");
  for (const json& face : data["faces"]) {
    CHECK(face["score"] > 10);
    CHECK_FALSE(face.contains("quality"));
    CHECK_FALSE(face.contains("band"));
  }
}

TEST_CASE("embeddings group the faces of one person around the best one, and chains join nobody") {
  const std::string dir = scratch_dir("report_persons");
  const float side = 0.8f;
  // a is the best (its cosine with b is 0.8, of b with c 0.96, of a with c 0.6); d has no embedding; e is another person.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> rows = {2, 0, 0, side, 0.6f, 0, 0.6f, side, 0, nan, nan, nan, 0, 0, 5};
  REQUIRE(tinyfiqa::write_npy(dir + "/faces.npy", {5, 3}, rows).ok());
  std::string table = "path,quality,band,score\n";
  for (int i = 0; i < 5; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    fs::copy(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg", dir + "/" + name + ".jpg");
    table += name + ".jpg," + std::to_string(90 - 10 * i) + ",good,0.5\n";
  }
  write_text(dir + "/scores.csv", table);
  const auto persons = [&](const std::string& same) {
    const auto r = run_tool("report " + dir + "/scores.csv --embeddings " + dir + "/faces.npy --same-face " +
                            same + " --out " + dir + "/report.html");
    REQUIRE_MESSAGE(r.code == 0, r.err);
    CHECK(contains(r.err, "1 face has no embedding"));
    std::vector<int> numbers;
    const json data = data_of_page(read_text(dir + "/report.html"));
    for (const json& face : data["faces"]) numbers.push_back(face.value("person", -1));
    return numbers;
  };
  CHECK(persons("0.7") == std::vector<int>{0, 0, 1, -1, 2});
  CHECK(persons("0.5") == std::vector<int>{0, 0, 0, -1, 1});
  CHECK(persons("0.9") == std::vector<int>{0, 1, 1, -1, 2});
}

TEST_CASE(
    "the page loads nothing: its policy allows its own scripts and pictures alone, and Chart.js brings its "
    "licence") {
  const std::string dir = scratch_dir("report_policy");
  REQUIRE(run_tool("report {faces} --face whole --out " + dir + "/report.html").code == 0);
  const std::string page = read_text(dir + "/report.html");
  CHECK(contains(page, "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:;"));
  CHECK_FALSE(contains(page, "unsafe"));
  for (const char* loading : {"src=\"http", "href=\"http", "url(", "@import", "importScripts", "fetch("}) {
    CAPTURE(loading);
    const std::string ours = page.substr(0, page.find(data_begin));
    CHECK_FALSE(contains(ours, loading));
  }
#ifdef TINYFIQA_WITH_CHART
  CHECK(contains(page, "Chart.js v"));
  CHECK(contains(page, "Permission is hereby granted, free of charge"));
#endif
}

TEST_CASE("built without Chart.js, a report says what is missing and how to get it") {
  // This program has report_page.cpp with the page's files, but without Chart.js.
  CHECK_FALSE(has_chart_library());
  Report report;
  report.title = "faces";
  ReportFace face;
  face.path = face.file = "a.jpg";
  face.quality = 50;
  face.band = "fair";
  face.score = 0.5;
  report.faces.push_back(face);
  const std::string page = report_page(report, "report.html");
  const json data = data_of_page(page);
  CHECK(contains(data["chart_advice"].get<std::string>(), "install libjs-chart.js"));
  CHECK(is_report_page(page));
  CHECK(page.size() < 60000);
}

TEST_CASE("a heat map goes into the data with its size, its place and its bytes") {
  Report report;
  ReportFace& face = report.faces.emplace_back();
  face.path = face.file = "a.jpg";
  face.heat = PictureHeat{2, 1, {-128, 127}, {0.25f, 0.5f, 0.5f, 0.25f}};
  const json heat = data_of_page(report_page(report, "report.html"))["faces"][0]["heat"];
  CHECK(heat == json::parse(R"({"width": 2, "height": 1, "place": [0.25, 0.5, 0.5, 0.25], "data": "gH8="})"));
}

TEST_CASE("base64 has the values of RFC 4648") {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : cases) {
    CHECK(base64_text({reinterpret_cast<const unsigned char*>(plain.data()), plain.size()}) == text);
    CHECK(decode_base64(text) == plain);
  }
}

TEST_CASE("faces are read from their columns as they were written") {
  FoundFace found;
  found.number = 3;
  found.face.box = {1.25f, -2.5f, 30, 40.75f};
  for (int i = 0; i < 5; ++i)
    found.face.landmarks.x[i] = 1.5f + static_cast<float>(i), found.face.landmarks.y[i] = 9.25f;
  found.face.confidence = 0.75f;
  found.framing = tinyfiqa::Framing::tight;
  const auto row = csv_rows(::face_columns() + "\n" + face_fields(&found) + "\n").at(0);
  const auto read = read_face_fields([&](const std::string& name) { return row.at(name); });
  REQUIRE(read.ok());
  REQUIRE(read->has_value());
  CHECK(face_fields(&**read) == face_fields(&found));
  CHECK((*read)->framing == found.framing);
  const auto none = read_face_fields([](const std::string&) { return std::string(); });
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  CHECK_FALSE(read_face_fields([](const std::string& name) {
                return std::string(name == "box_x" ? "much" : "");
              }).ok());
}

TEST_CASE(
    "a heat map is brought to the picture: aligned, turned with the face, and 0 where the network saw "
    "nothing") {
  HeatMap map(4, 4);
  map.at(0, 0) = 2;   // top left of the aligned face
  map.at(3, 3) = -1;  // bottom right
  FacePicture picture;
  picture.jpeg = {1};
  picture.width = picture.height = 224;
  Face face;
  for (int i = 0; i < 5; ++i) {  // the aligned face in the middle of the picture
    face.landmarks.x[i] = static_cast<float>((56 + face_template[i][0]) / 224);
    face.landmarks.y[i] = static_cast<float>((56 + face_template[i][1]) / 224);
  }
  face.box = {0.3f, 0.3f, 0.4f, 0.4f};
  picture.face = face;
  const auto heat = picture_heat(map, FaceCrop::aligned, picture);
  REQUIRE(heat.has_value());
  const auto cell = [&](int x, int y) { return heat->cells[static_cast<std::size_t>(y * heat->width + x)]; };
  CHECK(cell(6, 6) == 127);    // a quarter of 24 cells is where the aligned face begins
  CHECK(cell(17, 17) == -64);  // and three quarters where it ends
  CHECK(cell(0, 0) == 0);
  CHECK(cell(23, 12) == 0);
  for (int i = 0; i < 5; ++i) {  // upside down
    picture.face->landmarks.x[i] = 1 - face.landmarks.x[i];
    picture.face->landmarks.y[i] = 1 - face.landmarks.y[i];
  }
  const auto turned = picture_heat(map, FaceCrop::aligned, picture);
  REQUIRE(turned.has_value());
  CHECK(turned->cells[static_cast<std::size_t>(17 * turned->width + 17)] == 127);
  CHECK_FALSE(picture_heat(HeatMap(4, 4), FaceCrop::aligned, picture).has_value());
}

TEST_CASE("report has a heat map of each face, unless that is not wanted") {
  const std::string dir = scratch_dir("report_heat"), out = dir + "/report.html";
  const auto heats = [&](const std::string& options) {
    REQUIRE(run_tool("report {faces} --out " + out + options).code == 0);
    std::size_t count = 0;
    const json data = data_of_page(read_text(out));
    for (const auto& face : data["faces"]) count += face.contains("heat") ? 1u : 0u;
    return count;
  };
  CHECK(heats("") == 6);
  CHECK(heats(" --no-heat-maps") == 0);
  CHECK(heats(" --model blur") == 0);
}
