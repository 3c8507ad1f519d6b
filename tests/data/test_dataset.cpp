#include "data_support.hpp"

#include <tinyfiqa/data/read_dataset.hpp>
#include <tinyfiqa/data/split.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// A folder with a.ppm, b.ppm, c.ppm and empty.ppm.
struct Images : TempDir {
  Images() {
    for (const char* name : {"a.ppm", "b.ppm", "c.ppm"}) write_noise(name, 4, 3, 1);
    write("empty.ppm", "");
  }
  Result<Dataset> read(const std::string& text, DatasetOptions options = {},
                       DatasetReport* report = nullptr) {
    return read_dataset(write("labels.csv", text), options, report);
  }
};

/// A data set without files. Row i has identity i % identities; if `identities` is 0, rows have no identity.
Dataset rows(std::size_t count, std::size_t identities = 0) {
  Dataset data;
  data.path = "labels.csv";
  for (std::size_t i = 0; i < count; ++i) {
    Sample s;
    s.path = "image" + std::to_string(i);
    s.score = static_cast<double>(i);
    if (identities > 0) s.identity = "person" + std::to_string(i % identities);
    data.samples.push_back(s);
  }
  return data;
}

}  // namespace

TEST_CASE("rows carry path, score, split, identity, box and landmarks") {
  Images dir;
  const auto data = dir.read(
      "identity,score,path,split,box_x,box_y,box_w,box_h,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n"
      "ann, 0.5 ,a.ppm,train,1,0,2.0,3,,,,,,,,,,\n"
      "bob,+1e-1,b.ppm,Validation,,,,,38,51,73,51,56,71,41,92,70,92\n"
      "cat,-3,c.ppm,TEST,1,1,1,1,38,51,73,51,56,71,41,92,70,92\n");
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  REQUIRE(data->samples.size() == 3);
  const Sample &a = data->samples[0], &b = data->samples[1], &c = data->samples[2];
  CHECK(a.path == "a.ppm");
  CHECK(a.file == dir.file("a.ppm"));
  CHECK(a.score == 0.5);
  CHECK(a.identity == "ann");
  CHECK(a.line == 2);
  CHECK(a.file_bytes == 11 + 36);
  CHECK(a.split == Split::train);
  REQUIRE(a.crop.box.has_value());
  CHECK(a.crop.box->width == 2);
  CHECK_FALSE(a.crop.landmarks.has_value());
  CHECK(b.score == 0.1);
  CHECK(b.split == Split::val);
  REQUIRE(b.crop.landmarks.has_value());
  CHECK(b.crop.landmarks->y[4] == 92);
  CHECK_FALSE(b.crop.box.has_value());
  CHECK(c.split == Split::test);
  CHECK_FALSE(c.crop.box.has_value());  // landmarks take precedence
}

TEST_CASE("the other two namings of landmarks are known, and half a set is refused") {
  Images dir;
  const std::string numbers = ",38,51,73,51,56,71,41,92,70,92\n";
  for (const std::string header : {"image_left_eye_x,image_left_eye_y,image_right_eye_x,image_right_eye_y,"
                                   "nose_x,nose_y,image_left_mouth_x,"
                                   "image_left_mouth_y,image_right_mouth_x,image_right_mouth_y",
                                   "lm1_x,lm1_y,lm2_x,lm2_y,lm3_x,lm3_y,lm4_x,lm4_y,lm5_x,lm5_y"}) {
    const auto data = dir.read("path,score," + header + "\na.ppm,1" + numbers);
    REQUIRE_MESSAGE(data.ok(), data.status().message());
    REQUIRE(data->samples[0].crop.landmarks.has_value());
    CHECK(data->samples[0].crop.landmarks->x[2] == 56);
    DatasetOptions whole;
    whole.use_crops = false;
    CHECK_FALSE(dir.read("path,score," + header + "\na.ppm,1" + numbers, whole)->samples[0].crop.landmarks);
  }
  const auto half = dir.read("path,score,nose_x,nose_y\na.ppm,1,2,3\n");
  CHECK(mentions(half.status(), "'nose_x' but none is called 'image_left_eye_x'"));
}

TEST_CASE("the note of an aligned crop or a whole image sets its box and landmarks aside") {
  Images dir;
  const auto data = dir.read(
      "path,score,note,box_x,box_y,box_w,box_h,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n"
      "a.ppm,1,aligned crop,1,0,2,3,38,51,73,51,56,71,41,92,70,92\n"
      "b.ppm,1, whole image ,1,0,2,3,,,,,,,,,,\nc.ppm,1,tight "
      "crop,1,0,2,3,,,,,,,,,,\na.ppm,1,,,,,,,,,,,,,,,\n");
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  const Sample &a = data->samples[0], &b = data->samples[1], &c = data->samples[2], &none = data->samples[3];
  for (const Sample* s : {&a, &b}) {
    CHECK(s->is_face);
    CHECK(s->has_face());
    CHECK_FALSE((s->crop.box || s->crop.landmarks));
  }
  REQUIRE(a.landmarks.has_value());
  CHECK(a.landmarks->x[2] == 56);
  CHECK_FALSE(b.landmarks.has_value());
  CHECK(c.crop.box.has_value());
  CHECK_FALSE(none.has_face());
  DatasetOptions whole;
  whole.use_crops = false;
  CHECK_FALSE(dir.read("path,score,note\na.ppm,1,aligned crop\n", whole)->samples[0].is_face);
}

TEST_CASE("a box keeps its fractions, and may begin less than a pixel outside the image") {
  Images dir;
  const std::string head = "path,score,box_x,box_y,box_w,box_h\n";
  const auto data = dir.read(head + "a.ppm,1,-0.75,0.25,3.5,2.75\n");
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  const FaceBox& box = *data->samples[0].crop.box;
  CHECK((box.x == -0.75f && box.y == 0.25f && box.width == 3.5f && box.height == 2.75f));
  CHECK(mentions(dir.read(head + "a.ppm,1,0,-1,2,2\n").status(), "the box begins outside the image"));
  CHECK(mentions(dir.read(head + "a.ppm,1,0,0,0.4,2\n").status(), "the box has no pixels"));
  CHECK(digest(*dir.read(head + "a.ppm,1,0,0.25,3,2\n")) != digest(*dir.read(head + "a.ppm,1,0,0,3,2\n")));
}

TEST_CASE("every bad row is told with its line before anything is used") {
  Images dir;
  std::string text =
      "path,score,split,box_x,box_y,box_w,box_h\n"
      "a.ppm,0.1,train,,,,\n"        // good
      "missing.ppm,0.1,train,,,,\n"  // 3
      "b.ppm,abc,train,,,,\n"        // 4
      "b.ppm,nan,train,,,,\n"        // 5
      "b.ppm,,train,,,,\n"           // 6
      "b.ppm,0.1\n"                  // 7
      "b.ppm,0.1,train,,,,,\n"       // 8
      "b.ppm,0.1,later,,,,\n"        // 9
      "b.ppm,0.1,train,1,2,0,4\n"    // 10
      "b.ppm,0.1,train,1,,3,4\n"     // 11
      "empty.ppm,0.1,train,,,,\n"    // 12
      ",0.1,train,,,,\n"             // 13
      "b.ppm,1e999,train,,,,\n"      // 14
      "a.ppm,0.2,val,,,,\n";         // a duplicate
  DatasetReport report;
  const auto strict = dir.read(text, {}, &report);
  CHECK(strict.status().code() == Errc::bad_format);
  CHECK(mentions(strict.status(), "labels.csv:3: no such file"));
  CHECK(mentions(strict.status(), "12 of 14 rows can't be used"));
  const std::vector<std::string> expected = {"no such file",
                                             "'abc' is not a number",
                                             "nan; it must be finite",
                                             "score is empty",
                                             "2 fields, but there are 7",
                                             "8 fields",
                                             "split 'later'",
                                             "box has no pixels",
                                             "the box is empty",
                                             "an empty file",
                                             "path is empty",
                                             "too large"};
  REQUIRE(report.bad.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(report.bad[i].line == 3 + i);
    CHECK_MESSAGE(report.bad[i].text.find(expected[i]) != std::string::npos, report.bad[i].text);
  }
  const std::string shown = report.text(report.bad);
  CHECK(std::count(shown.begin(), shown.end(), '\n') == 11);
  CHECK(shown.find("and 2 more\n") != std::string::npos);
  CHECK(shown.find("labels.csv:4: the score 'abc'") != std::string::npos);
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].line == 15);
  CHECK(report.warnings[0].text == "a.ppm is in line 2 already, there for train, here for val");

  DatasetOptions options;
  options.skip_bad = true;
  const auto rest = dir.read(text, options);
  REQUIRE(rest.ok());
  CHECK(rest->samples.size() == 2);
  CHECK_FALSE(dir.read("path,score\nno.ppm,1\n", options).ok());
}

TEST_CASE("columns have names of the user's choice, and wrong names are answered with the right ones") {
  Images dir;
  DatasetOptions options;
  options.columns = {"file", "mos", "set", "who"};
  const auto data = dir.read("file,mos,set,who\na.ppm,2,val,x\n", options);
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  CHECK(data->samples[0].identity == "x");
  CHECK(mentions(dir.read("file,mos,who\na.ppm,2,x\n", options).status(), "no column is called 'set'"));
  CHECK(
      mentions(dir.read("file,mos\na.ppm,2\n").status(), "no column is called 'path'; there are file, mos"));
  CHECK(mentions(dir.read("path;score\na.ppm;2\n").status(), "not separated by commas"));
}

TEST_CASE("relative paths start from the image root, or from the CSV's folder") {
  Images dir;
  TempDir other;
  other.write("labels.csv", "path,score\na.ppm,1\n" + dir.file("b.ppm") + ",2\n");
  CHECK_FALSE(read_dataset(other.file("labels.csv")).ok());
  DatasetOptions options;
  options.image_root = dir.path();
  const auto data = read_dataset(other.file("labels.csv"), options);
  REQUIRE(data.ok());
  CHECK(data->samples[0].file == dir.file("a.ppm"));
  CHECK(data->samples[1].file == dir.file("b.ppm"));
}

TEST_CASE("the digest changes with rows, their order and file sizes, not with the folder") {
  Images dir, other;
  const std::string text = "path,score\na.ppm,1\nb.ppm,2\n";
  const std::string first = digest(*dir.read(text));
  CHECK(first.size() == 16);
  CHECK(digest(*other.read(text)) == first);
  CHECK(digest(*dir.read("path,score\nb.ppm,2\na.ppm,1\n")) != first);
  CHECK(digest(*dir.read("path,score\na.ppm,1\nb.ppm,2.5\n")) != first);
  CHECK(digest(*dir.read("path,score,identity\na.ppm,1,x\nb.ppm,2,\n")) != first);
  other.write_noise("b.ppm", 5, 3, 1);
  CHECK(digest(*other.read(text)) != first);
  const std::string points = ",38,51,73,51,56,71,41,92,70,92\n",
                    head = "path,score,note,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n";
  CHECK(digest(*dir.read(head + "a.ppm,1," + points)) !=
        digest(*dir.read(head + "a.ppm,1,aligned crop" + points)));
  Dataset faceless = *dir.read(text);
  faceless.samples[1].status = Status::error(Errc::no_face, "b.ppm: no face found");
  CHECK(digest(faceless) != first);
  CHECK(digest(Dataset()) == "cbf29ce484222325");  // FNV-1a of no bytes
}

TEST_CASE("scores are summed up") {
  const Dataset data = rows(5);
  const ScoreSummary s = summarize_scores(data, {1, 2, 3});
  CHECK(s.count == 3);
  CHECK(s.mean == doctest::Approx(2));
  CHECK(s.std == doctest::Approx(std::sqrt(2.0 / 3)));
  CHECK(s.min == 1);
  CHECK(s.max == 3);
  CHECK(summarize_scores(data, {}).count == 0);
}

TEST_CASE("a seeded split takes 80 of 100 rows to train, each row once, always the same") {
  const Dataset data = rows(100);
  const auto a = split_dataset(data), b = split_dataset(data);
  REQUIRE(a.ok());
  CHECK(a->train.size() == 80);
  CHECK(a->val.size() == 20);
  CHECK(a->test.empty());
  CHECK(a->train == b->train);
  CHECK(std::is_sorted(a->val.begin(), a->val.end()));
  std::set<std::size_t> all(a->train.begin(), a->train.end());
  all.insert(a->val.begin(), a->val.end());
  CHECK(all.size() == 100);
  SplitOptions other;
  other.seed = 2;
  CHECK(split_dataset(data, other)->val != a->val);
  CHECK(split_dataset(rows(2))->val.size() == 1);
}

TEST_CASE("a split by identity has no identity on both sides") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Dataset data = rows(103, 11);
    SplitOptions options;
    options.by_identity = true;
    options.seed = seed;
    const auto split = split_dataset(data, options);
    REQUIRE(split.ok());
    std::set<std::string> train, val;
    for (const auto i : split->train) train.insert(data.samples[i].identity);
    for (const auto i : split->val) val.insert(data.samples[i].identity);
    for (const auto& name : val) CHECK(train.count(name) == 0);
    CHECK(split->val.size() >= 9);
    CHECK(split->val.size() <= 21);
  }
  SplitOptions options;
  options.by_identity = true;
  CHECK(split_dataset(rows(10, 2), options)->val.size() == 5);  // both persons have more rows than the share
  CHECK(mentions(split_dataset(rows(10, 1), options).status(), "one identity"));
}

TEST_CASE("the split column wins, and its training rows are split where it names no validation") {
  Dataset data = rows(10);
  for (std::size_t i = 0; i < 10; ++i)
    data.samples[i].split = i < 6 ? Split::train : i < 8 ? Split::val : Split::test;
  auto split = split_dataset(data);
  REQUIRE(split.ok());
  CHECK(split->train == std::vector<std::size_t>{0, 1, 2, 3, 4, 5});
  CHECK(split->val == std::vector<std::size_t>{6, 7});
  CHECK(split->test == std::vector<std::size_t>{8, 9});
  data.samples[6].split = data.samples[7].split = Split::test;
  split = split_dataset(data);
  CHECK(split->train.size() + split->val.size() == 6);
  CHECK(split->val.size() == 1);
  for (auto& s : data.samples) s.split = Split::test;
  CHECK_FALSE(split_dataset(data).ok());
  SplitOptions little;
  little.train_share = 0.01;
  CHECK(split_dataset(rows(2), little)->train.size() == 1);
  SplitOptions bad;
  bad.train_share = 1;
  CHECK(split_dataset(rows(5), bad).status().code() == Errc::bad_argument);
}
