#include "reports/text.hpp"

#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model.hpp>

#include <doctest/doctest.h>

#include "run_tool.hpp"

using namespace tinyfiqa;

TEST_CASE("text of others is shown on one line and without anything that commands a terminal") {
  CHECK(shown_text("plain text, 100% \\n caf\u00e9 \u4eba\u8138 \U0001f600") ==
        "plain text, 100% \\n caf\u00e9 \u4eba\u8138 \U0001f600");
  CHECK(shown_text("\x1b[2J\x07") == "\\x1b[2J\\x07");
  CHECK(shown_text("a\nb\tc\rd\x7f") == "a\\nb\\tc\\rd\\x7f");
  CHECK(shown_text(std::string("nul\0!", 5)) == "nul\\x00!");
  CHECK(shown_text("\u009b31m") == "\\xc2\\x9b31m");  // CSI as one character
  CHECK(shown_text("\x9b"
                   "31m\xff") == "\\x9b31m\\xff");  // not UTF-8
  CHECK(shown_text("gpj\u202etxt\u2028\u2066") == "gpj\\xe2\\x80\\xaetxt\\xe2\\x80\\xa8\\xe2\\x81\\xa6");
  CHECK(shown_text("cut \xe2\x80") == "cut \\xe2\\x80");
  CHECK(shown_text("\u00a0\u2027\u202f") == "\u00a0\u2027\u202f");  // the neighbours of the ranges
}

TEST_CASE("names and metadata with control characters never reach the terminal as they are") {
  const std::string dir = scratch_dir("control"), path = dir + "/\x1b]0;title\x07.safetensors";
  const Model model(tinyfqnet_spec);
  REQUIRE(
      save_params(path, model.params(), model.block(),
                  {{"model", "tinyfqnet"}, {"licence", "MIT\x1b[2J\nbands  good 0-100"}, {"k\x1b[1m", "v"}})
          .ok());
  const auto clean = [](const ToolResult& r) {
    const std::string all = r.out + r.err;
    return all.find('\x1b') == std::string::npos && all.find('\x07') == std::string::npos;
  };
  const auto info = run_tool("info --weights '" + path + "'");
  CHECK(info.code == 0);
  CHECK(clean(info));
  CHECK(contains(info.out, "MIT\\x1b[2J\\nbands  good 0-100\n"));
  CHECK(contains(info.out, "k\\x1b[1m"));
  CHECK(clean(run_tool("verify-weights '" + path + "'")));
  const auto missing = run_tool("info --weights '" + dir + "/\x1b[2Jnone.pth'");
  CHECK(missing.code == 2);
  CHECK(clean(missing));
  CHECK(contains(missing.err, "\\x1b[2Jnone.pth: no such file"));
}

TEST_CASE("rows of text and problems of tables show names on one line") {
  const std::string dir = scratch_dir("control_rows"), name = "a\nforged\x1b[2J\u009b1m.jpg";
  write_text(dir + "/" + name, "no image");
  write_text(dir + "/table.csv", "path,score\n\"" + name + "\",x\n\"b\nforged\x1b[2J.jpg\",0.5\n");
  const std::string folder = " '" + dir + "'";
  for (const std::string& command : {"score" + folder + " --face whole", "score" + folder, "detect" + folder,
                                     "eval --data" + folder + "/table.csv", "select" + folder}) {
    const auto r = run_tool(command);
    CHECK(r.code != 0);
    const std::string all = r.out + r.err;
    CHECK_MESSAGE(all.find('\x1b') == std::string::npos, command);
    CHECK_MESSAGE(all.find("\u009b") == std::string::npos, command);
    CHECK_MESSAGE(all.find("\nforged") == std::string::npos, command);
    CHECK_MESSAGE(contains(all, "\\nforged\\x1b[2J"), all);
  }
}
