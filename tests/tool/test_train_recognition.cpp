#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <filesystem>
#include <string>

using namespace tinyfiqa;

namespace {

/// Makes folders of made-up people. Each person has its own colours in 4 x 4 fields, each image its
/// own noise.
std::string make_people(const std::string& name, int people, int images) {
  const std::string dir = scratch_dir(name);
  std::ofstream csv(dir + "/faces.csv");
  csv << "path,identity\n";
  for (int p = 0; p < people; ++p) {
    Rng colours(static_cast<std::uint64_t>(p) + 100);
    float field[4 * 4 * 3];
    for (float& level : field) level = colours.uniform(60, 200);
    const std::string person = "person, " + std::to_string(p);
    std::filesystem::create_directory(dir + "/" + person);
    for (int i = 0; i < images; ++i) {
      Rng noise(static_cast<std::uint64_t>(p * 1000 + i));
      std::string text = "P6\n16 16\n255\n";
      for (int k = 0; k < 16 * 16 * 3; ++k) {
        const int y = k / 48, x = k / 3 % 16;
        const float level = field[(y / 4 * 4 + x / 4) * 3 + k % 3] + noise.uniform(-40, 40);
        text.push_back(static_cast<char>(static_cast<unsigned char>(level)));
      }
      const std::string file = person + "/" + std::to_string(i) + ".ppm";
      std::ofstream(dir + "/" + file, std::ios::binary) << text;
      csv << csv_field(file) << "," << csv_field(person) << "\n";
    }
  }
  return dir;
}

std::string train(const std::string& dir, const std::string& out, const std::string& more) {
  return "train --recipe recognition --model mobilefacenet_x0_5 --data " + dir +
         "/faces.csv --whole-image --batch 12 --lr 0.05 --threads 2 --out " + dir + "/" + out + " " + more;
}

double column_mean(const CsvTable& table, const std::string& name) {
  double sum = 0;
  for (const CsvRow& row : table.rows) sum += std::stod(row.fields[table.column(name)]);
  return sum / static_cast<double>(table.rows.size());
}

}  // namespace

TEST_CASE("train --recipe recognition learns people, and label takes its weights and class weights") {
  const std::string dir = make_people("recognition", 4, 9);
  const auto r = run_tool(train(dir, "run", "--epochs 25 --train-share 0.67"));
  REQUIRE_MESSAGE(r.code == 0, r.err);
  const auto log = read_csv(dir + "/run/log.csv");
  REQUIRE(log.ok());
  REQUIRE(log->rows.size() == 25);
  const auto at = [&](std::size_t row, const char* name) {
    return std::stod(log->rows[row].fields[log->column(name)]);
  };
  CHECK(at(24, "loss") < 0.2 * at(0, "loss"));
  CHECK(contains(r.out, "best: epoch"));
  CHECK(contains(read_text(dir + "/run/curves.svg"), "accuracy"));
  const auto weights = read_npy(dir + "/run/last_classifier.npy");
  REQUIRE(weights.ok());
  CHECK(weights->shape == std::vector<std::int64_t>{4, 128});
  CHECK(contains(read_text(dir + "/run/last_classifier.people.csv"), "identity\n\"person, 0\"\n"));

  const std::string label = "label --whole-image --data " + dir + "/faces.csv --recogniser " + dir +
                            "/run/last.safetensors --classifier " + dir + "/run/last_classifier.npy";
  const auto labels = run_tool(label + " --centres classifier --out " + dir + "/labels.csv");
  REQUIRE_MESSAGE(labels.code == 0, labels.err);
  const auto table = read_csv(dir + "/labels.csv");
  REQUIRE(table->rows.size() == 36);
  CHECK(column_mean(*table, "score") > column_mean(*table, "nearest_cosine") + 0.3);

  // A person who is not in the classifier gets no label.
  std::ofstream(dir + "/more.csv") << "path,identity\n\"person, 1/0.ppm\",\"person, 1\"\n"
                                   << "\"person, 1/1.ppm\",stranger\n";
  const auto more = run_tool("label --whole-image --data " + dir + "/more.csv --recogniser " + dir +
                             "/run/last.safetensors --classifier " + dir + "/run/last_classifier.npy");
  CHECK(more.code == 0);
  CHECK(count_lines(more.out) == 2);
  CHECK(contains(more.err, "the classifier has no weights of this person"));
}

TEST_CASE("a recogniser's training stopped by SIGTERM continues to the same bytes") {
  const std::string dir = make_people("recognition_stop", 3, 8);
  const auto whole = run_tool(train(dir, "whole", "--epochs 3"));
  REQUIRE_MESSAGE(whole.code == 0, whole.err);
  int stops = 0;
  for (int i = 1; i < 40; ++i) {
    const bool begun = std::ifstream(dir + "/stopped/run.json").good();
    const auto r =
        run_tool(begun ? "train --resume " + dir + "/stopped" : train(dir, "stopped", "--epochs 3"),
                 "timeout " + std::to_string(0.15 * i));
    stops += contains(r.err, "continue with: tinyfiqa train --resume");
    if (r.code == 0) break;
  }
  CHECK(stops >= 1);
  CHECK(run_tool("train --resume " + dir + "/stopped").code == 0);
  for (const char* name :
       {"/last.safetensors", "/best.safetensors", "/last_classifier.npy", "/best_classifier.npy"})
    CHECK(read_text(dir + "/whole" + name) == read_text(dir + "/stopped" + name));
}

TEST_CASE("train --recipe recognition says what is missing") {
  const std::string dir = make_people("recognition_wrong", 3, 4);
  const auto says = [&](const std::string& arguments, const std::string& text) {
    const auto r = run_tool("train --out " + dir + "/run --data " + dir + "/" + arguments);
    INFO(arguments << ": " << r.err);
    CHECK(r.code == 2);
    CHECK(contains(r.err, text));
  };
  says("faces.csv --recipe recognition --model tinyfqnet", "not a recogniser");
  says("faces.csv --recipe ensemble --model mobilefacenet", "is a recogniser");
  says("faces.csv --model mobilefacenet --loss mse", "loss mse");
  says("faces.csv --recipe tinyfqnet --margin 0.2", "--recipe recognition");
  const auto write = [&](const std::string& name, const std::string& head, auto identity) {
    std::ofstream csv(dir + "/" + name);
    csv << head << "\n";
    for (int p = 0; p < 3; ++p)
      for (int i = 0; i < 4; ++i)
        csv << csv_field("person, " + std::to_string(p) + "/" + std::to_string(i) + ".ppm") << identity(p, i)
            << "\n";
  };
  write("nobody.csv", "path", [](int, int) { return ""; });
  says("nobody.csv --recipe recognition", "identity");
  write("one.csv", "path,identity", [](int, int) { return ",a"; });
  says("one.csv --recipe recognition", "two people");
  // Every validation row shows another person.
  write("apart.csv", "path,identity,split",
        [](int p, int i) { return ",p" + std::to_string(p) + (i == 0 ? ",val" : ",train"); });
  says("apart.csv --recipe recognition", "no two faces of one person");
}
