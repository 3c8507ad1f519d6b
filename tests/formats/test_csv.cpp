#include "data/data_support.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

using Fields = std::vector<std::string>;

Result<CsvTable> parse(const std::string& text, const CsvLimits& limits = {}) {
  return read_csv(csv_bytes(text), limits);
}

Status error_of(const std::string& text, const CsvLimits& limits = {}) {
  const auto table = parse(text, limits);
  CHECK_FALSE(table.ok());
  return table.status();
}

}  // namespace

TEST_CASE("quoted fields hold commas, quotes and line breaks") {
  const std::string text = "a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",\"\"\r\nlast,1";
  const auto t = parse(text);
  REQUIRE_MESSAGE(t.ok(), t.status().message());
  CHECK(t->header == Fields{"a", "b"});
  REQUIRE(t->rows.size() == 3);
  CHECK(t->rows[0].fields == Fields{"x, y", "say \"hi\""});
  CHECK(t->rows[1].fields == Fields{"two\nlines", ""});
  CHECK(t->rows[2].fields == Fields{"last", "1"});
  CHECK(t->rows[0].line == 2);
  CHECK(t->rows[1].line == 3);
  CHECK(t->rows[2].line == 5);
}

TEST_CASE("line ends of every system, a byte order mark and empty lines are understood") {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string text = "\xEF\xBB\xBFpath,score" + end + end + "a.jpg,1" + end + "b.jpg,2" + end + end;
    const auto t = parse(text);
    REQUIRE_MESSAGE(t.ok(), t.status().message());
    CHECK(t->column("path") == 0);
    CHECK(t->column("score") == 1);
    CHECK(t->column("other") == CsvTable::npos);
    REQUIRE(t->rows.size() == 2);
    CHECK(t->rows[1].fields == Fields{"b.jpg", "2"});
    CHECK(t->rows[1].line == 4);
  }
}

TEST_CASE("empty fields at the end of a line and of the file are fields") {
  const auto t = parse("a,b,c\n,,\nx,,");
  REQUIRE(t.ok());
  REQUIRE(t->rows.size() == 2);
  CHECK(t->rows[0].fields == Fields{"", "", ""});
  CHECK(t->rows[1].fields == Fields{"x", "", ""});
}

TEST_CASE("of two columns with one name, none is taken") {
  for (const char* header : {"score,path,score", "path,path,score", "x,score,score,score"}) {
    const auto t = parse(std::string(header) + "\n");
    REQUIRE(t.ok());
    const std::string name = std::string(header).find("path,path") == 0 ? "path" : "score";
    const auto column = csv_column(*t, name, "first");
    CHECK(column.status().code() == Errc::bad_format);
    CHECK(mentions(column.status(), ("two columns are called '" + name + "'").c_str()));
  }
  CHECK(*csv_column(*parse("x,x,path\n"), "path", "path") == 2);  // others may have one name
}

TEST_CASE("damaged files are refused with the line and the fix") {
  CHECK(mentions(error_of("a,b\n1,\"no end\n2,3\n"), "table.csv:2: a quoted field begins here"));
  CHECK(mentions(error_of("a,b\n1,\"x\"y\n"), "table.csv:2: text after the closing quote"));
  CHECK(mentions(error_of("a,b\n1,2\n1,5\"\n"), "table.csv:3: a quote inside a field"));
  CHECK(mentions(error_of(std::string("\xFF\xFE"
                                      "a\0,\0",
                                      6)),
                 "save it as UTF-8"));
  CHECK(mentions(error_of("\n\r\n"), "no line with column names"));
  CHECK(error_of("\xEF\xBB\xBF").code() == Errc::bad_format);
  CHECK(read_csv("/nowhere/labels.csv").status().code() == Errc::not_found);
}

TEST_CASE("file, field and column sizes are bounded") {
  CsvLimits limits;
  limits.field_bytes = 10;
  CHECK(parse("a\n0123456789\n", limits).ok());
  CHECK(error_of("a\n01234567890\n", limits).code() == Errc::too_large);
  CHECK(error_of("a\n\"01234567890\"\n", limits).code() == Errc::too_large);
  limits = {};
  limits.columns = 3;
  CHECK(parse("1,2,3\n", limits).ok());
  CHECK(error_of("1,2,3,4\n", limits).code() == Errc::too_large);
  limits = {};
  limits.file_bytes = 5;
  CHECK(error_of("1,2,3\n", limits).code() == Errc::too_large);
}

TEST_CASE("what is written is read back as it was") {
  const Fields fields = {"plain", "with, comma", "\"quoted\"",       "two\r\nlines",
                         "",      " spaces ",    "\xC3\xA9t\xC3\xA9"};
  std::string text = "h1,h2,h3,h4,h5,h6,h7\n";
  for (std::size_t i = 0; i < fields.size(); ++i) text += (i > 0 ? "," : "") + csv_field(fields[i]);
  const auto t = parse(text + "\n");
  REQUIRE(t.ok());
  CHECK(t->rows.at(0).fields == fields);
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a\"b") == "\"a\"\"b\"");
}

TEST_CASE("random bytes never make the reader fail otherwise than by a message") {
  Rng rng(3);
  const char alphabet[] = "a,\"\n\r1";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint32_t i = rng.below(40); i > 0; --i) text.push_back(alphabet[rng.below(sizeof alphabet)]);
    const auto t = parse(text);
    if (!t) CHECK(std::string(t.status().message()).find("table.csv") == 0);
  }
}
