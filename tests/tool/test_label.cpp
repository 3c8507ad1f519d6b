#include <tinyfiqa/base/rng.hpp>

#include <doctest/doctest.h>

#include "recogniser.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

void write_face(const std::string& path, std::uint64_t seed) {
  std::string text = "P6\n40 40\n255\n";
  Rng rng(seed);
  for (int k = 0; k < 40 * 40 * 3; ++k) text.push_back(static_cast<char>(rng.below(256)));
  write_text(path, text);
}

/// A folder with six faces of noise, f0.ppm to f5.ppm, and a recogniser.
std::string folder_with_recogniser(const std::string& name) {
  const std::string dir = scratch_dir(name);
  write_recogniser(dir);
  for (std::uint64_t i = 0; i < 6; ++i) write_face(dir + "/f" + std::to_string(i) + ".ppm", i);
  return dir;
}

ToolResult label(const std::string& dir, const std::string& arguments = "--whole-image") {
  return run_tool("label --data " + dir + "/faces.csv --recogniser " + dir + "/net.safetensors " + arguments);
}

}  // namespace

TEST_CASE("label: saved embeddings are enough, and the labels have the order of the input") {
  const auto r = run_tool("label --data " + fixture("recognition/faces.csv") + " --embeddings " +
                          fixture("recognition/faces.npy"));
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 49);
  CHECK(contains(r.out,
                 "path,score,identity,nearest_identity,nearest_cosine,norm,suspect\nperson0/0.jpg,0.3299"));
  CHECK(contains(r.err, "48 of 48 faces of 8 people labelled"));
}

TEST_CASE("label: changed copies count in no centre; a missing original is an error") {
  const std::string dir = folder_with_recogniser("label_copies");
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf1.ppm,a\nf2.ppm,a\n");
  const auto without = label(dir);
  REQUIRE_MESSAGE(without.code == 0, without.err);
  write_text(dir + "/faces.csv",
             "path,identity,original\nf0.ppm,a,\nf1.ppm,a,\nf2.ppm,a,\nf3.ppm,a,f0.ppm\nf4.ppm,a,f0.ppm\n");
  const auto with = label(dir);
  REQUIRE_MESSAGE(with.code == 0, with.err);
  CHECK(count_lines(with.out) == 6);
  const auto score = [](const std::string& out, const std::string& path) {
    const std::size_t at = out.find("\n" + path + ",") + path.size() + 2;
    return out.substr(at, out.find(',', at) - at);
  };
  for (const char* path : {"f0.ppm", "f1.ppm", "f2.ppm"})
    CHECK(score(with.out, path) == score(without.out, path));
  write_text(dir + "/faces.csv", "path,identity,original\nf0.ppm,a,\nf1.ppm,a,gone.ppm\n");
  const auto bad = label(dir);
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "faces.csv:3: its original, gone.ppm, is not among the usable rows"));
}

TEST_CASE("label: quotes, commas, UTF-8, CRLF and other columns are kept") {
  const std::string dir = folder_with_recogniser("label_csv");
  write_text(dir + "/faces.csv",
             "\xEF\xBB\xBFpath,identity,note\r\nf0.ppm,\"M\xC3\xBCller, \"\"Max\"\"\",\"a,b\"\r\n"
             "f1.ppm,\"M\xC3\xBCller, \"\"Max\"\"\",\r\n");
  const auto r = label(dir);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "path,score,identity,note,nearest"));
  CHECK(contains(r.out, ",\"M\xC3\xBCller, \"\"Max\"\"\",\"a,b\","));
}

TEST_CASE("label: people with one image and repeated paths are reported and left out") {
  const std::string dir = folder_with_recogniser("label_single");
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf1.ppm,a\nf2.ppm,b\nf2.ppm,b\n");
  const auto r = label(dir, "--whole-image --skipped " + dir + "/skipped.csv");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(count_lines(r.out) == 3);
  CHECK(contains(r.err, "more than once"));
  CHECK(contains(r.err, "f2.ppm: skipped: the only image of this person"));
  CHECK(read_text(dir + "/skipped.csv") == "path,identity,reason\nf2.ppm,b,the only image of this person\n");
}

TEST_CASE("label: a copied file counts once under another name, and is suspect under another person") {
  const std::string dir = folder_with_recogniser("label_copies");
  write_face(dir + "/copy.ppm", 0);
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\ncopy.ppm,a\nf1.ppm,b\nf2.ppm,b\n");
  auto r = label(dir);
  CHECK(count_lines(r.out) == 3);
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf3.ppm,a\ncopy.ppm,b\nf2.ppm,b\n");
  r = label(dir);
  CHECK(count_lines(r.out) == 5);
  CHECK(contains(r.err, "2 copy"));
}

TEST_CASE("label: identities that differ only in case are two people, with a note") {
  const std::string dir = folder_with_recogniser("label_case");
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,Bob\nf1.ppm,bob\nf2.ppm,Bob\nf3.ppm,bob\n");
  const auto r = label(dir);
  CHECK(r.code == 0);
  CHECK(contains(r.err, "differ only in case count as different people: 'Bob' and 'bob'"));
  CHECK(contains(r.err, "4 of 4 faces of 2 people"));
}

TEST_CASE("label: missing images, wrong landmarks and missing names are reported with file and line") {
  const std::string dir = folder_with_recogniser("label_bad");
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nnone.ppm,a\nf1.ppm,a\n");
  auto r = label(dir);
  CHECK(r.code == 2);
  CHECK(contains(r.err, "faces.csv:3: no such file"));
  CHECK(label(dir, "--whole-image --skip-bad").code == 0);
  const std::string columns = "path,identity,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5,note\n";
  write_text(dir + "/faces.csv", columns + "f0.ppm,a,5,5,5,5,5,5,5,5,5,5,\nf1.ppm,a,,,,,,,,,,,whole image\n");
  r = label(dir, "");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "faces.csv:2: the five landmarks coincide"));
  write_text(dir + "/faces.csv",
             columns +
                 "f0.ppm,a,905,905,935,905,920,920,907,935,933,935,\nf1.ppm,a,,,,,,,,,,,whole image\n"
                 "f2.ppm,a,,,,,,,,,,,whole image\n");
  r = label(dir, "");
  CHECK(r.code == 1);
  CHECK(count_lines(r.out) == 3);
  CHECK(contains(r.err, "all five landmarks lie outside the image of 40x40"));
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf1.ppm,\n");
  CHECK(contains(label(dir).err, "faces.csv:3: no identity of f1.ppm"));
  write_text(dir + "/faces.csv", "path\nf0.ppm\n");
  CHECK(contains(label(dir).err, "--folder-identities"));
}

TEST_CASE("label: embeddings are reused, refused for other faces, and continued if unfinished") {
  const std::string dir = folder_with_recogniser("label_embeddings"), npy = dir + "/e.npy";
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf1.ppm,a\nf2.ppm,b\nf3.ppm,b\n");
  const auto first = label(dir, "--whole-image --embeddings " + npy);
  REQUIRE_MESSAGE(first.code == 0, first.err);
  const std::string saved = read_text(npy), key = read_text(npy + ".key");
  CHECK(run_tool("label --data " + dir + "/faces.csv --embeddings " + npy).out == first.out);

  // As if the run had been killed within the third row.
  REQUIRE(std::system(("rm " + npy).c_str()) == 0);
  write_text(npy + ".part", key + saved.substr(saved.size() - 4 * 512, 2 * 512 + 100));
  const auto resumed = label(dir, "--whole-image --embeddings " + npy + " --threads 2");
  CHECK(contains(resumed.err, "continued after the first 2 faces"));
  CHECK(resumed.out == first.out);
  CHECK(read_text(npy) == saved);
  CHECK(read_text(npy + ".part").empty());

  write_text(dir + "/faces.csv", "path,identity\nf3.ppm,b\nf1.ppm,a\nf2.ppm,b\nf0.ppm,a\n");
  const auto other = label(dir, "--whole-image --embeddings " + npy);
  CHECK(other.code == 2);
  CHECK(contains(other.err, "made of other faces or by another recogniser"));
}

TEST_CASE("label: wrong combinations of options say what is needed") {
  const std::string dir = folder_with_recogniser("label_options");
  write_text(dir + "/faces.csv", "path,identity\nf0.ppm,a\nf1.ppm,a\n");
  CHECK(contains(label(dir, "--centres classifier").err, "--classifier FILE.npy"));
  CHECK(contains(label(dir, "--classifier " + fixture("recognition/faces.npy")).err, "need [1, 128]"));
  CHECK(contains(run_tool("label --data " + dir + "/faces.csv").err, "--recogniser FILE"));
  CHECK(contains(run_tool("label --data " + dir +
                          "/faces.csv --recogniser " TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors")
                     .err,
                 "makes no embeddings"));
}
