// score --shard and merge: parts of a list, scored by several runs, are joined to what one run would have written.
#include "options/shard_option.hpp"
#include "tool/rows.hpp"
#include "tool/run_tool.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace fs = std::filesystem;

namespace {

/// Photos with six faces, one and none, crops, a file that there is not, and a damaged one.
std::string inputs(const std::string& dir) {
  write_text(dir + "/a, \"b\"\n.jpg", "garbage");
  return "{photos} '" + dir + "' " + dir + "/missing.jpg {faces} ";
}

ToolResult score_shard(const std::string& list, int number, int count, const std::string& out) {
  return run_tool("score " + list + " --shard " + std::to_string(number) + "/" + std::to_string(count) + " " +
                  out);
}

}  // namespace

TEST_CASE("merged shards are what one run writes, byte for byte, for any number of shards") {
  const std::string dir = scratch_dir("shards"), photos = scratch_dir("shards_in");
  const std::string list = inputs(photos) + "--face all";
  for (const std::string extension : {".csv", ".jsonl"}) {
    const std::string one = dir + "/one" + extension;
    CHECK(run_tool("score " + list + " --out " + one).code == 1);
    for (const int count : {1, 2, 3, 17}) {  // 17: some shards have no image
      const std::string name = dir + "/" + std::to_string(count), out = name + extension;
      for (int i = count; i >= 1; --i) CHECK(score_shard(list, i, count, "--out " + out).code <= 1);
      const std::string shards = name + ".*-of-" + std::to_string(count) + extension;
      const auto merged = run_tool("merge " + shards + " --out " + out);
      CHECK_MESSAGE(merged.code == 0, merged.err);
      CHECK(read_text(out) == read_text(one));
      CHECK(run_tool("merge " + shards).out == read_text(one));
    }
  }
}

TEST_CASE(
    "shards of a table, of a list on standard input, with explanations and of a baseline are joined, too") {
  const std::string dir = scratch_dir("shards_data");
  write_text(dir + "/data.csv",
             "path,box_x,box_y,box_w,box_h\nastronaut.jpg,178,60,92,115\ngroup.jpg,,,,\ncoffee.jpg,,,,\n");
  write_text(dir + "/list",
             TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg\nmissing.jpg\n" TINYFIQA_SOURCE_DIR
                                 "/examples/photos/group.jpg\n");
  for (const std::string& list :
       {"--data " + dir + "/data.csv --images {photos}", "- --explain --raw < " + dir + "/list",
        std::string("{faces} missing.jpg --face whole --model random")}) {
    const std::string out = dir + "/rows.csv";
    CHECK(run_tool("score --out " + out + " " + list).code == 1);
    const std::string expected = read_text(out);
    for (int i = 1; i <= 2; ++i)
      CHECK(run_tool("score --shard " + std::to_string(i) + "/2 --out " + out + " " + list).code <= 1);
    CHECK(run_tool("merge " + dir + "/rows.*-of-2.csv").out == expected);
    for (const char* file : {"/rows.csv", "/rows.1-of-2.csv", "/rows.2-of-2.csv"}) fs::remove(dir + file);
  }
}

TEST_CASE("a shard that was stopped goes on, and one that is done is not scored again") {
  const std::string dir = scratch_dir("shards_resume"), out = dir + "/rows.csv",
                    shard = dir + "/rows.1-of-2.csv";
  const std::string list = "{photos} {faces} --face all";
  CHECK(score_shard(list, 1, 2, "--resume " + out).code <= 1);
  const std::string rows = read_text(shard);
  CHECK_FALSE(fs::exists(shard + ".part"));
  const auto again = score_shard(list, 1, 2, "--resume " + out);
  CHECK(again.code == 0);
  CHECK(contains(again.err, "is done already"));
  for (const std::size_t length : {rows.size() / 2, rows.size() - 1, std::size_t{0}}) {
    fs::remove(shard);
    write_text(shard + ".part", rows.substr(0, length));
    const auto refused = score_shard(list, 1, 2, "--out " + out);
    CHECK(refused.code == (length == 0 ? 0 : 2));
    if (length > 0) {
      CHECK(contains(refused.err, "--resume " + out));
      const auto missing = run_tool("merge " + shard + ".part");
      CHECK(missing.code == 2);
      CHECK(score_shard(list, 1, 2, "--resume " + out).code <= 1);
    }
    CHECK(read_text(shard) == rows);
  }
  const auto exists = score_shard(list, 1, 2, "--out " + out);
  CHECK(exists.code == 2);
  CHECK(contains(exists.err, "exists"));
}

TEST_CASE(
    "merge says which shard is missing, unfinished, given twice or of another run, and writes nothing then") {
  const std::string dir = scratch_dir("shards_wrong"), out = " --out " + dir + "/all.csv ";
  const auto file = [&](const std::string& name, const std::string& rows) {
    write_text(dir + "/" + name, rows);
    return dir + "/" + name + " ";
  };
  const std::string header = "path,quality,band,score,error,face\n";
  const std::string one =
      file("s.1-of-2.csv", header + "a,1,poor,0.1,,1\na,1,poor,0.1,,2\nc,1,poor,0.1,,1\n");
  const std::string two = file("s.2-of-2.csv", header + "b,1,poor,0.1,,1\n");
  const auto refusal = [&](const std::string& files) {
    const auto r = run_tool("merge " + files + out);
    CHECK(r.code == 2);
    CHECK_FALSE(fs::exists(dir + "/all.csv"));
    CHECK_FALSE(fs::exists(dir + "/all.csv.part"));
    return r.err;
  };
  CHECK(contains(refusal(one), "s.2-of-2.csv: is missing (1 of 2"));
  file("s.2-of-2.csv.part", header);
  CHECK(contains(refusal(one), "did not finish: go on by score --resume"));
  CHECK(contains(refusal(one + one), "twice"));
  CHECK(contains(refusal(one + two + file("s.3-of-3.csv", header)),
                 "s.3-of-3.csv: is no shard of the same run"));
  CHECK(contains(refusal(one + file("t.2-of-2.csv", header)), "no shard of the same run"));
  CHECK(contains(refusal(one + file("all.txt", header)), "as in scores.3-of-8.csv"));
  CHECK(contains(refusal(file("u.1-of-1.txt", header)), "neither .csv nor .jsonl"));
  CHECK(contains(refusal(one + dir + "/none.csv"), "none.csv: is no shard"));
  CHECK(contains(refusal(dir + "/s.1-of-1.csv"), "s.1-of-1.csv: no such file"));
  file("s.2-of-2.csv", "path,score,error\nb,0.1,\n");
  CHECK(contains(refusal(one + two), "its columns are not those of"));
  file("s.2-of-2.csv", header);
  CHECK(
      contains(refusal(one + two), "s.2-of-2.csv: has only 0 images, but " + dir + "/s.1-of-2.csv has more"));
  file("s.2-of-2.csv", header + "b,1,poor,0.1,,1\nd,1,poor,0.1,,1\ne,1,poor,0.1,,1\n");
  CHECK(contains(refusal(one + two), "s.1-of-2.csv: has only 2 images"));
  file("s.2-of-2.csv", header + "b,1,poor,0.1,");
  CHECK(contains(refusal(one + two), "s.2-of-2.csv: ends in the middle of a row"));
  file("s.2-of-2.csv", header + "b,1,poor,0.1,,1\n");
  CHECK(run_tool("merge " + one + two + out).code == 0);
  CHECK(read_text(dir + "/all.csv") ==
        header + "a,1,poor,0.1,,1\na,1,poor,0.1,,2\nb,1,poor,0.1,,1\nc,1,poor,0.1,,1\n");
  CHECK(contains(run_tool("merge " + one + two + out).err, "all.csv: exists"));
}

TEST_CASE("a shard is I/N with I from 1 to N, and its files are named after it") {
  std::optional<Shard> shard;
  for (const char* text : {"1/1", "3/8", "8/8", "1000000/1000000"}) CHECK(read_shard(text, shard).empty());
  for (const char* text :
       {"", "/", "3", "0/3", "4/3", "3/0", "-1/3", "+1/3", "01/3", "1/03", "1/3 ", " 1/3", "1/2/3", "a/b",
        "1.0/3", "1/1000001", "18446744073709551617/18446744073709551618"}) {
    CAPTURE(text);
    CHECK(contains(read_shard(text, shard), "is not I/N"));
  }
  for (const std::size_t items : {0u, 1u, 7u, 10u}) {
    std::size_t next = 0;
    for (std::size_t number = 1; number <= 3; ++number) {
      const auto [first, last] = Shard{number, 3}.range(items);
      CHECK(first == next);
      CHECK(last - first <= (items + 2) / 3);
      next = last;
    }
    CHECK(next == items);
  }
  CHECK(run_tool("score {faces} --shard 4/3").code == 2);
  CHECK(run_tool("score {faces} --shard 1/3 --sort").code == 2);
  CHECK(run_tool("score {faces} --shard 1/3 --sheet sheet.jpg").code == 2);
  for (const std::string path : {"scores.csv", "a.b/scores.v2.jsonl", "../x.csv"}) {
    const std::string file = shard_file(path, Shard{3, 8});
    const auto name = read_shard_file(file);
    REQUIRE(name);
    CHECK(name->path == path);
    CHECK(name->shard.number == 3);
    CHECK(name->shard.count == 8);
  }
  CHECK(shard_file("scores.csv", Shard{3, 8}) == "scores.3-of-8.csv");
  for (const char* path :
       {"scores.csv", "scores.9-of-8.csv", "scores.3-of.csv", "scores.3-of-8", "3-of-8.csv"}) {
    CAPTURE(path);
    CHECK_FALSE(read_shard_file(path));
  }
}
