#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <string>

#ifdef TINYFIQA_WITH_ONNX
TEST_CASE("export writes the built-in network or a weight file's, for the size and batch asked for") {
  const std::string dir = scratch_dir("export");
  const auto built_in = run_tool("export --onnx " + dir + "/a.onnx");
  CHECK(built_in.code == 0);
  CHECK(contains(built_in.out, "a.onnx: tinyfqnet_m, image [1, 3, 64, 64]"));
  const std::string bytes = read_text(dir + "/a.onnx");
  for (const char* part : {"blocks.0.conv.0.weight", "input_mean", "127.5 127.5 127.5", "score", "Sigmoid"})
    CHECK_MESSAGE(contains(bytes, part), part);
  const auto any = run_tool("export --onnx " + dir + "/b.onnx --weights " +
                            fixture("models/tinyfqnet.zip.pth") + " --size 96x80 --batch dynamic");
  CHECK(any.code == 0);
  CHECK(contains(any.out, "image [batch, 3, 96, 80]"));
  CHECK(read_text(dir + "/b.onnx") != bytes);
  CHECK(run_tool("export --onnx " + dir + "/c.onnx --batch 16").code == 0);
}

TEST_CASE("export refuses what it can't do and leaves no file") {
  const std::string dir = scratch_dir("export_errors"), onnx = "export --onnx " + dir + "/x.onnx ";
  CHECK(run_tool("export").code == 2);
  for (const char* batch : {"0", "-1", "many", "''", "2x", "70000"})
    CHECK(contains(run_tool(onnx + "--batch " + batch).err, "--batch"));
  const auto no_weights = run_tool(onnx + "--model shufflenet_v2_x1_0");
  CHECK(no_weights.code == 2);
  CHECK(contains(no_weights.err, "--weights"));
  const std::string pth = " --weights " + fixture("models/tinyfqnet.zip.pth");
  CHECK(contains(run_tool(onnx + pth + pth).err, "one --weights"));
  CHECK(run_tool(onnx + "--weights " + dir + "/none.pth").code == 1);
  CHECK(read_text(dir + "/x.onnx").empty());
  CHECK(run_tool("export --onnx /nowhere/x.onnx").code == 1);
}
#else
TEST_CASE("a tool built without ONNX says how to build it with ONNX") {
  const auto r = run_tool("export --onnx x.onnx");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "TINYFIQA_ONNX"));
}
#endif
