#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>
#include <tinyfiqa/runtime/pack_target.hpp>

#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// The numbers of a header that `export --c-array` wrote, between the braces of `data`: floats, or bytes without an f.
std::vector<float> array_of(const std::string& header) {
  const std::string name = " data[";
  const std::size_t begin = header.find("= {", header.find(name));
  std::vector<float> values;
  for (const char* at = header.c_str() + begin + 3;;) {
    char* end = nullptr;
    const float value = std::strtof(at, &end);
    if (end == at) return values;
    values.push_back(value);
    at = end + (*end == 'f' ? 2 : 1);
  }
}

}  // namespace

TEST_CASE("export writes packed weights for any target as a header, to the bit") {
  const std::string dir = scratch_dir("export_c_array");
  for (const char* target : {"scalar", "scalar_small", "sse2", "neon", "neondotprod", "vector4", "avx2",
                             "avxvnni", "avx512", "avx512vnni"}) {
    INFO("target " << target);
    const std::string path = dir + "/" + target + ".hpp";
    const auto r = run_tool("export --c-array " + path + " --model tinyfqnet --target " + target);
    CHECK(r.code == 0);
    CHECK(contains(r.out, std::string("tinyfqnet, tinyfqnet_packed packed for ") + target + ", "));
    const std::string header = read_text(path);
    CHECK(contains(header, "struct tinyfqnet_packed {"));
    CHECK(contains(header, std::string("tag{\"") + target + "\", {"));
    const auto model = tinyfqnet_model(*find_pack_target(target)->backend);
    REQUIRE(model.ok());
    const std::vector<float> values = array_of(header);
    REQUIRE(values.size() * sizeof(float) == model->packed().size);
    CHECK(std::memcmp(values.data(), model->packed().data, model->packed().size) == 0);
  }
  // Another network, with several outputs.
  const auto detector = run_tool("export --c-array " + dir + "/detector.hpp --target neon --weights " +
                                 std::string(TINYFIQA_SOURCE_DIR) + "/weights/detector.safetensors");
  CHECK(detector.code == 0);
  CHECK(contains(read_text(dir + "/detector.hpp"), "struct yunet_n_packed {"));
}

TEST_CASE("export writes packed 8-bit weights for targets without x86's vectors, byte for byte") {
  const std::string dir = scratch_dir("export_c_array_i8");
  for (const char* network : {"tinyfqnet", "detector"}) {
    const std::string weights = std::string(TINYFIQA_SOURCE_DIR) + "/weights/i8/" + network + ".safetensors";
    for (const char* target : {"scalar", "scalar_small", "neon", "neondotprod", "vector4"}) {
      INFO(network << ", target " << target);
      const std::string path = dir + "/" + target + ".hpp";
      const auto r = run_tool("export --c-array " + path + " --weights " + weights + " --target " + target);
      CHECK_MESSAGE(r.code == 0, r.err);
      const std::string header = read_text(path);
      CHECK(contains(header, "static constexpr tinyfiqa::Quantisation levels[] = {"));
      const auto model = load_model(weights, "", *find_pack_target(target)->backend, Use::run);
      REQUIRE_MESSAGE(model.ok(), model.status().message());
      const std::vector<float> bytes = array_of(header);
      REQUIRE(bytes.size() == model->packed().size);
      CHECK(std::equal(bytes.begin(), bytes.end(), model->packed().data));
    }
    for (const char* target : {"sse42", "avx2", "avx512vnni"}) {
      const std::string path = dir + "/" + target + ".hpp";
      const auto r = run_tool("export --c-array " + path + " --weights " + weights + " --target " + target);
      CHECK(r.code == 1);
      CHECK_MESSAGE(contains(r.err, "choose scalar, scalar_small, neon, neondotprod or vector4"), r.err);
      CHECK(read_text(path).empty());
    }
  }
}

TEST_CASE("export --c-array says what it needs, and leaves no file") {
  const std::string path = scratch_dir("export_c_array_errors") + "/x.hpp",
                    c_array = "export --c-array " + path + " ";
  const auto no_target = run_tool(c_array);
  CHECK(no_target.code == 2);
  CHECK(contains(no_target.err, "--c-array needs --target; choose one of scalar, scalar_small, sse2"));
  CHECK(contains(run_tool(c_array + "--target mips").err,
                 "--target mips: there is no such target; choose one of"));
  CHECK(contains(run_tool(c_array + "--target neon --size 32x32").err, "--onnx"));
  CHECK(contains(run_tool(c_array + "--target neon --batch 2").err, "--onnx"));
  const std::string pth = " --weights " + fixture("models/tinyfqnet.zip.pth");
  CHECK(contains(run_tool(c_array + "--target neon" + pth + pth).err, "one --weights"));
  CHECK(contains(run_tool("export --target neon").err, "either --onnx FILE or --c-array FILE"));
  CHECK(contains(run_tool(c_array + "--onnx /tmp/x.onnx --target neon").err, "either"));
  CHECK(read_text(path).empty());
}

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

TEST_CASE("export writes 8-bit weights as 8-bit weights") {
  const std::string path = scratch_dir("export_i8") + "/i8.onnx";
  const auto r =
      run_tool("export --onnx " + path +
               " --weights " TINYFIQA_SOURCE_DIR "/weights/i8/tinyfqnet_m.safetensors --batch dynamic");
  REQUIRE_MESSAGE(r.code == 0, r.err);
  CHECK(contains(r.out, "tinyfqnet_m, image [batch, 3, 64, 64]"));
  const std::string bytes = read_text(path);
  for (const char* part : {"QuantizeLinear", "precision", "input_mean"})
    CHECK_MESSAGE(contains(bytes, part), part);
  CHECK(bytes.size() < 150000);  // the weights in floats have more than 300000
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
