// label and verify-eval with embeddings in parts: what several machines compute is what one run computes.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include <doctest/doctest.h>

#include "recogniser.hpp"
#include "run_tool.hpp"
#include "support.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

const std::string faces_csv = fixture("recognition/faces.csv"), faces_npy = fixture("recognition/faces.npy");

/// Writes the rows of the fixture's embeddings to `count` files of different lengths, DIR/e.I-of-N.npy.
void split_fixture(const std::string& dir, std::size_t count) {
  const auto all = read_npy(faces_npy);
  REQUIRE(all.ok());
  std::size_t first = 0;
  for (std::size_t i = 1; i <= count; ++i) {
    const std::size_t last = i == count ? 48 : 48 * i * i / (count * count);
    const std::vector<float> rows(all->values.begin() + static_cast<std::ptrdiff_t>(first * 16),
                                  all->values.begin() + static_cast<std::ptrdiff_t>(last * 16));
    const std::string path = dir + "/e." + std::to_string(i) + "-of-" + std::to_string(count) + ".npy";
    REQUIRE(write_npy(path, {static_cast<std::int64_t>(last - first), 16}, rows).ok());
    first = last;
  }
}

ToolResult label_fixture(const std::string& embeddings, const std::string& more = "") {
  return run_tool("label --data " + faces_csv + " --embeddings " + embeddings + " " + more);
}

/// A folder with a recogniser and six faces of three people in faces.csv, one of them twice.
std::string folder_with_faces(const std::string& name) {
  const std::string dir = scratch_dir(name);
  write_recogniser(dir);
  for (std::uint64_t i = 0; i < 6; ++i) {
    std::string text = "P6\n40 40\n255\n";
    Rng rng(i);
    for (int k = 0; k < 40 * 40 * 3; ++k) text.push_back(static_cast<char>(rng.below(256)));
    write_text(dir + "/f" + std::to_string(i) + ".ppm", text);
  }
  write_text(dir + "/faces.csv",
             "path,identity\nf0.ppm,a\nf1.ppm,a\nf2.ppm,b\nf1.ppm,a\nf3.ppm,b\nf4.ppm,c\nf5.ppm,c\n");
  return dir;
}

ToolResult label_part(const std::string& dir, const std::string& arguments) {
  return run_tool("label --whole-image --data " + dir + "/faces.csv " + arguments);
}

ToolResult embed(const std::string& dir, const std::string& shard, const std::string& more = "") {
  return label_part(dir, "--recogniser " + dir + "/net.safetensors --embeddings " + dir +
                             "/e.npy --embed-only " + (shard.empty() ? "" : "--shard " + shard) + " " + more);
}

}  // namespace

TEST_CASE("labels and evaluations of embeddings in parts are those of one file, byte for byte") {
  const auto one = label_fixture(faces_npy);
  const std::string verify = "verify-eval --data " + faces_csv + " --resamples 20 --quality random norm ";
  const auto judged = run_tool(verify + "--embeddings " + faces_npy);
  REQUIRE(judged.code == 0);
  for (const std::size_t count : {1u, 2u, 7u}) {
    const std::string dir = scratch_dir("embedding_parts");
    split_fixture(dir, count);
    CHECK(label_fixture(dir + "/e.npy").out == one.out);
    CHECK(run_tool(verify + "--embeddings " + dir + "/e.npy").out == judged.out);
  }
}

TEST_CASE("parts that are missing, of two divisions, of other lengths or of other faces are named") {
  const std::string dir = scratch_dir("wrong_parts"), npy = dir + "/e.npy";
  split_fixture(dir, 3);
  fs::rename(dir + "/e.2-of-3.npy", dir + "/kept.npy");
  auto r = label_fixture(npy);
  CHECK(r.code == 2);
  CHECK(contains(r.err, "e.2-of-3.npy: is missing; there are 2 of 3 parts"));
  CHECK(contains(r.err, "--embed-only --shard 2/3"));
  CHECK(contains(run_tool("verify-eval --data " + faces_csv + " --embeddings " + npy).err, "e.2-of-3.npy"));
  const std::vector<float> short_rows(24), few_rows(48);
  REQUIRE(write_npy(dir + "/e.2-of-3.npy", {3, 8}, short_rows).ok());
  CHECK(contains(label_fixture(npy).err, "e.2-of-3.npy: its rows have 8 values"));
  REQUIRE(write_npy(dir + "/e.2-of-3.npy", {3, 16}, few_rows).ok());
  r = label_fixture(npy);
  CHECK(contains(r.err, "e.npy: its shape is [35, 16] in all parts; 48 faces need [48, dimension]"));
  fs::rename(dir + "/kept.npy", dir + "/e.2-of-3.npy");
  CHECK(label_fixture(npy).code == 0);
  write_text(dir + "/e.1-of-3.npy.key", "0123456789abcdef 0123456789abcdef\n");
  CHECK(contains(label_fixture(npy).err, "e.1-of-3.npy: made of other faces or by another recogniser"));
  split_fixture(dir, 4);
  CHECK(contains(label_fixture(npy).err, "there are parts of 3 and parts of 4"));
}

TEST_CASE(
    "embeddings that several runs computed are those of one run; paths that repeat are left out of later "
    "parts") {
  const std::string dir = folder_with_faces("embed_shards");
  const auto one =
      label_part(dir, "--recogniser " + dir + "/net.safetensors --embeddings " + dir + "/one.npy");
  REQUIRE_MESSAGE(one.code == 0, one.err);
  for (const std::string count : {"1", "3", "7"}) {
    for (int i = std::stoi(count); i >= 1; --i) {
      const auto r = embed(dir, std::to_string(i) + "/" + count);
      CHECK_MESSAGE(r.code == (count == "7" && i == 4 ? 2 : 0), r.err);
    }
    if (count != "7") CHECK(label_part(dir, "--embeddings " + dir + "/e.npy").out == one.out);
    for (int i = 1; i <= std::stoi(count); ++i)
      fs::remove(dir + "/e." + std::to_string(i) + "-of-" + count + ".npy");
  }
  CHECK(contains(embed(dir, "1/8").err, "has only 7 rows"));
  REQUIRE(embed(dir, "").code == 0);
  CHECK(read_text(dir + "/e.npy") == read_text(dir + "/one.npy"));
  CHECK(contains(embed(dir, "").err, "is done already"));
}

TEST_CASE("a part goes on where it stopped, and a part of other faces is refused") {
  const std::string dir = folder_with_faces("embed_resume"), npy = dir + "/e.2-of-2.npy";
  REQUIRE(embed(dir, "2/2").code == 0);
  const std::string saved = read_text(npy), key = read_text(npy + ".key");
  fs::remove(npy);
  write_text(npy + ".part", key + saved.substr(saved.size() - 4 * 128 * 3, 4 * 128 + 9));
  const auto resumed = embed(dir, "2/2");
  CHECK(contains(resumed.err, "continued after the first 1 faces"));
  CHECK(read_text(npy) == saved);
  CHECK_FALSE(fs::exists(npy + ".part"));
  REQUIRE(embed(dir, "1/2").code == 0);
  CHECK(label_part(dir, "--embeddings " + dir + "/e.npy").code == 0);
  write_text(dir + "/f5.ppm", "P6\n1 1\n255\nabc");
  const auto changed = label_part(dir, "--embeddings " + dir + "/e.npy");
  CHECK(changed.code == 2);
  CHECK(contains(changed.err, "e.2-of-2.npy: made of other faces"));
  CHECK(contains(embed(dir, "2/2").err, "e.2-of-2.npy: made of other faces"));
  CHECK(contains(label_part(dir, "--embed-only --embeddings " + dir + "/x.npy").err, "--recogniser FILE"));
  CHECK(embed(dir, "1/2", "--out labels.csv").code == 2);
}

TEST_CASE("labels of several runs, joined by merge, are those of one run, byte for byte") {
  const std::string dir = scratch_dir("label_shards");
  const std::string csv = dir + "/faces.csv";
  std::string table = read_text(faces_csv);
  for (std::size_t line = 0, at = 0; line < 49; ++line) {  // one person has one image
    const std::size_t end = table.find('\n', at);
    if (line == 20) table.replace(at, end - at, "person3/1.jpg,\"nobody, \n else\"");
    at = table.find('\n', line == 20 ? table.find(" else", at) : at) + 1;
  }
  write_text(csv, table);
  const auto run = [&](const std::string& more) {
    return run_tool("label --data " + csv + " --embeddings " + faces_npy + " " + more);
  };
  const std::string outputs = "--out " + dir + "/l.csv --skipped " + dir + "/s.csv ";
  REQUIRE(run(outputs).code == 0);
  const std::string labels = read_text(dir + "/l.csv"), skipped = read_text(dir + "/s.csv");
  REQUIRE(count_lines(skipped) == 3);
  for (const std::string count : {"1", "3", "48"}) {
    for (int i = std::stoi(count); i >= 1; --i)
      CHECK(run(outputs + "--shard " + std::to_string(i) + "/" + count).code == 0);
    for (const std::string name : {"/l", "/s"}) {
      const auto merged = run_tool("merge " + dir + name + ".*-of-" + count + ".csv");
      CHECK_MESSAGE(merged.code == 0, merged.err);
      CHECK(merged.out == (name == "/l" ? labels : skipped));
    }
  }
  fs::remove(dir + "/l.2-of-3.csv");
  CHECK(contains(run_tool("merge " + dir + "/l.*-of-3.csv").err, "l.2-of-3.csv: is missing"));
  const auto without = run("--no-nearest");
  CHECK(without.code == 0);
  CHECK(contains(without.out, ",,,"));
  CHECK_FALSE(contains(without.out, "other_person"));
  CHECK(contains(run_tool("label --shard 1/2 --data " + faces_csv).err, "--embeddings"));
}

TEST_CASE("label and verify-eval hold less than the embeddings: these may exceed the limit on memory" *
          doctest::skip(is_sanitized)) {
  const std::string dir = scratch_dir("bounded_memory");
  constexpr std::size_t faces = 20000, dimension = 2048, people = 200;
  std::string csv = "path,identity\n";
  std::vector<float> values(faces * dimension);  // 164 MB
  Rng rng(1);
  for (std::size_t i = 0; i < faces; ++i) {
    csv += std::to_string(i) + ".jpg,p" + std::to_string(i % people) + "\n";
    for (std::size_t k = 0; k < dimension; ++k) values[i * dimension + k] = rng.uniform(-1, 1);
  }
  write_text(dir + "/faces.csv", csv);
  for (int part = 0; part < 2; ++part)
    REQUIRE(write_npy(dir + "/e." + std::to_string(part + 1) + "-of-2.npy", {faces / 2, dimension},
                      {values.data() + static_cast<std::size_t>(part) * values.size() / 2, values.size() / 2})
                .ok());
  const std::string limit = "ulimit -d 130000;";  // kB of memory that is not a mapped file
  const std::string inputs = " --threads 1 --data " + dir + "/faces.csv --embeddings " + dir + "/e.npy ";
  const auto labels = run_tool("label" + inputs + "--out " + dir + "/labels.csv", limit);
  CHECK_MESSAGE(labels.code == 0, labels.err);
  CHECK(contains(labels.err, "20000 of 20000 faces of 200 people labelled"));
  const auto verified = run_tool("verify-eval" + inputs +
                                     "--quality random norm --resamples 5 --most-impostors 20000 "
                                     "--most-genuine 20000",
                                 limit);
  CHECK_MESSAGE(verified.code == 0, verified.err);
  CHECK(contains(verified.out, "20000 images, 20000 genuine and"));
  fs::remove_all(dir);
}
