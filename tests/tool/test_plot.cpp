// Tests of `plot`.
#include <doctest/doctest.h>

#include "run_tool.hpp"

#include <string>

namespace {

std::string log_file(const std::string& dir, const std::string& name, const std::string& last) {
  write_text(dir + "/" + name, "epoch,loss,srcc\n1,0.5,0.1\n2,0.4,\n3," + last + "\n");
  return dir + "/" + name;
}

}  // namespace

TEST_CASE("plot draws columns of tables, a line for each file and column") {
  const std::string dir = scratch_dir("plot");
  const std::string a = log_file(dir, "a.csv", "0.3,0.6"), b = log_file(dir, "b.csv", "0.2,0.7");
  const std::string out = dir + "/out.svg";
  auto r = run_tool("plot " + a + " --x epoch --y loss srcc --out " + out);
  CHECK(r.err.empty());
  REQUIRE(r.code == 0);
  const std::string one = read_text(out);
  for (const char* part : {">loss<", ">srcc<", ">epoch<"}) CHECK(contains(one, part));
  r = run_tool("plot " + a + " " + b + " --x epoch --y loss --log-y --title Losses --out " + out);
  REQUIRE(r.code == 0);
  const std::string two = read_text(out);
  CHECK(contains(two, ">Losses<"));
  CHECK(contains(two, ">" + b + "<"));
}

TEST_CASE("plot draws the charts of a JSON file") {
  const std::string dir = scratch_dir("plot_json");
  write_text(dir + "/charts.json", R"({"columns": 2, "charts": [
    {"kind": "lines", "title": "Roof", "x_scale": "log", "series": [
      {"name": "peak", "x": [1, 100], "y": [5, 5], "marks": "reference"},
      {"name": "layers", "x": [1, 10, null], "y": [2, 4, 4], "marks": "points", "colour": 2},
      {"name": "mean", "x": [1, 2], "y": [1, 2], "low": [0, 1], "high": [2, 3]}]},
    {"kind": "scatter", "series": [{"x": [1, 2, 3], "y": [1, 2, 4]}]},
    {"kind": "histogram", "series": [{"y": [1, 2, 3]}]}]})");
  const auto r = run_tool("plot " + dir + "/charts.json --out " + dir + "/out.svg");
  CHECK(r.err.empty());
  REQUIRE(r.code == 0);
  const std::string svg = read_text(dir + "/out.svg");
  for (const char* part :
       {">Roof<", "class='inked'", "class='s2'", "<polygon", "translate(640 0)", "<rect x="})
    CHECK_MESSAGE(contains(svg, part), part);
}

TEST_CASE("plot says what is wrong with a table, a description and an option") {
  const std::string dir = scratch_dir("plot_errors"), out = " --out " + dir + "/out.svg";
  const std::string a = log_file(dir, "a.csv", "0.3,0.6");
  const auto error = [&](const std::string& arguments, const std::string& text) {
    CAPTURE(arguments);
    const auto r = run_tool("plot " + arguments);
    CHECK(r.code == 2);
    CHECK(contains(r.err, text));
  };
  error(a + out, "name the columns of " + a + " to draw: --x COLUMN --y COLUMN");
  error(a + " --x epoch --y psnr" + out, "no column is called 'psnr'; there are epoch, loss, srcc");
  error(dir + "/none.csv --x a --y b" + out, "none.csv");
  const std::string json = dir + "/c.json";
  const auto described = [&](const std::string& text, const std::string& problem) {
    write_text(json, text);
    error(json + out, problem);
  };
  described("[1]", "is no JSON object with a list \"charts\"");
  described(R"({"charts": [{"kind": "pie", "series": []}]})", "chart 1 needs \"kind\"");
  described(R"({"charts": [{"kind": "lines"}]})", "chart 1 has no list \"series\"");
  described(R"({"charts": [{"kind": "lines", "series": [{"marks": "stars"}]}]})", "has marks \"stars\"");
  described(R"({"charts": [{"kind": "lines", "series": [{"x": 3}]}]})",
            "has \"x\" that is no list of numbers");
  write_text(json, R"({"charts": []})");
  error(json + " --x a --y b" + out, "give it alone, without --x and --y");
}
