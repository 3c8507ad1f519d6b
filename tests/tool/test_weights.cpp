// What users give as weights: checkpoints of training scripts, folders, damaged files, files that must not be lost.
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include "run_tool.hpp"
#include "support.hpp"

using namespace tinyfiqa;

namespace {

const std::string small_weights = TINYFIQA_SOURCE_DIR "/weights/tinyfqnet.safetensors";

/// Writes tinyFQnet's weights, all of one value, once for each prefix.
void write_prefixed(const std::string& path, const std::vector<std::pair<std::string, float>>& prefixes) {
  const auto params = list_params(TinyFQnet());
  std::vector<std::vector<float>> values;
  std::vector<FloatTensor> tensors;
  for (const auto& [prefix, value] : prefixes)
    for (const NamedParam& p : params) values.emplace_back(static_cast<std::size_t>(p.param.size()), value);
  std::size_t i = 0;
  for (const auto& [prefix, value] : prefixes)
    for (const NamedParam& p : params) {
      tensors.push_back({prefix + p.name, detail::param_shape(p.param), values[i]});
      ++i;
    }
  REQUIRE(write_safetensors(path, tensors).ok());
}

std::string raw_score_with(const std::string& arguments) {
  const auto r = run_tool("score {faces}/astronaut.jpg --face whole --raw --weights " + arguments);
  CHECK_MESSAGE(r.code == 0, r.err);
  return r.out;
}

}  // namespace

TEST_CASE("a network behind a prefix is scored and imported, and notes say what was done") {
  const std::string dir = scratch_dir("prefix");
  write_prefixed(dir + "/plain.safetensors", {{"", 0.01f}});
  const std::string plain = raw_score_with(dir + "/plain.safetensors");
  for (const std::string prefix : {"model.", "_orig_mod.", "net.module.", "encoder._orig_mod."}) {
    const std::string file = dir + "/wrapped.safetensors";
    write_prefixed(file, {{prefix, 0.01f}});
    CHECK(raw_score_with(file) == plain);
    const auto noted = run_tool("info --weights " + file);
    CHECK(noted.code == 0);
    CHECK(contains(noted.err, "note: " + file + ": "));
    CHECK(contains(noted.err, "removed from"));
    const auto imported = run_tool("import " + file + " " + dir + "/imported.safetensors");
    CHECK(imported.code == 0);
    CHECK(contains(imported.err, "removed from"));
    CHECK(raw_score_with(dir + "/imported.safetensors") == plain);
  }
}

TEST_CASE("--weights-key chooses among sets of weights in every command that reads them") {
  const std::string dir = scratch_dir("key"), file = dir + "/both.safetensors";
  write_prefixed(file, {{"model.", 0.01f}, {"model_ema.", 0.02f}});
  write_prefixed(dir + "/first.safetensors", {{"", 0.01f}});
  write_prefixed(dir + "/second.safetensors", {{"", 0.02f}});
  const std::string first = raw_score_with(dir + "/first.safetensors"),
                    second = raw_score_with(dir + "/second.safetensors");
  CHECK(first != second);
  CHECK(raw_score_with(file) == second);
  CHECK(contains(run_tool("score {faces}/astronaut.jpg --raw --weights " + file).err,
                 "the averaged weights 'model_ema' were read, not 'model' (--weights-key chooses)"));
  CHECK(raw_score_with(file + " --weights-key model") == first);
  CHECK(raw_score_with(file + " --weights-key model_ema") == second);
  CHECK(run_tool("import " + file + " " + dir + "/chosen.safetensors --weights-key model").code == 0);
  CHECK(raw_score_with(dir + "/chosen.safetensors") == first);
  CHECK(run_tool("info --weights-key model --weights " + file).code == 0);
  const auto unknown =
      run_tool("score {faces}/astronaut.jpg --weights-key ema --weights " + fixture("io/sets_timm.pth"));
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "there are 'state_dict', 'state_dict_ema'"));
  for (const char* command : {"select", "eval", "forward", "calibrate"})
    CHECK(contains(run_tool(std::string(command) + " --help").out, "--weights-key"));
}

TEST_CASE("what follows --weights at once is never a photo or a folder of photos") {
  const std::string dir = scratch_dir("weights_folder");
  for (const std::string command : {"score {faces}/astronaut.jpg", "select {faces}"}) {
    const auto folder = run_tool(command + " --weights " + dir);
    CHECK(folder.code == 2);
    CHECK(contains(folder.err, dir + ": is a folder; name a file in it"));
    CHECK(folder.out.empty());
  }
  const auto photo = run_tool("score {faces}/astronaut.jpg --weights {faces}/astronaut.jpg");
  CHECK(photo.code == 2);
  CHECK(contains(photo.err, "this is a picture (JPEG)"));
  CHECK(run_tool("score {faces}/astronaut.jpg --weights -").code == 2);
  const auto after =
      run_tool("score --face whole --weights " + small_weights + " {faces}");  // an input, as before
  CHECK(after.code == 0);
  CHECK(count_lines(after.out) > 1);
}

TEST_CASE("import succeeds only with what can be used, and never replaces a checkpoint") {
  const std::string dir = scratch_dir("import_rules"), out = dir + "/out.safetensors";
  const auto unknown = run_tool("import " + fixture("io/types.zip.pth") + " " + out);
  CHECK(unknown.code == 1);
  CHECK(contains(unknown.err, "not the weights of any network known here"));
  CHECK(contains(unknown.err, "--any-network"));
  CHECK_FALSE(std::filesystem::exists(out));
  const auto any = run_tool("import --any-network " + fixture("io/types.zip.pth") + " " + out);
  CHECK(any.code == 0);
  CHECK(std::filesystem::exists(out));
  CHECK(run_tool("import --any-network --half " + fixture("io/types.zip.pth") + " " + out).code == 2);
  const auto complex = run_tool("import --any-network " + fixture("io/unread_complex.pth") + " " + out);
  CHECK(complex.code == 1);
  CHECK(contains(complex.err, "complex numbers"));

  const std::string pth = dir + "/only.pth", link = dir + "/link.pth";
  std::filesystem::copy_file(fixture("models/tinyfqnet.zip.pth"), pth);
  std::filesystem::create_symlink(pth, link);
  const std::string before = read_text(pth);
  for (const std::string& to : {pth, link, dir + "/./only.pth"}) {
    const auto in_place = run_tool("import " + pth + " " + to);
    CHECK(in_place.code == 2);
    CHECK(contains(in_place.err, "is the checkpoint itself"));
  }
  const auto other = run_tool("import " + small_weights + " " + pth);
  CHECK(other.code == 2);
  CHECK(contains(other.err, "no safetensors file"));
  CHECK(read_text(pth) == before);
  CHECK(run_tool("import " + pth + " " + out).code == 0);  // an earlier output is replaced
}

TEST_CASE("a network with another last layer is named, with the shapes that differ") {
  const std::string dir = scratch_dir("last_layer");
  const ModelSpec& spec = *find_model("mobilenet_v3_small_finetuned");
  const Model model(spec);
  REQUIRE(save_params(dir + "/one.safetensors", model.params(), model.block()).ok());
  const auto one = run_tool("score {faces}/astronaut.jpg --weights " + dir + "/one.safetensors");
  CHECK(one.code == 0);
  CHECK(contains(run_tool("info --json --weights " + dir + "/one.safetensors").out, spec.name));
  std::vector<FloatTensor> tensors;
  const std::vector<float> weight(7 * 1024), bias(7);
  for (const NamedParam& p : model.params()) {
    const bool last = p.name.rfind("classifier.3.", 0) == 0;
    auto shape = detail::param_shape(p.param);
    if (last) shape[0] = 7;
    const Span<const float> values = param_values(model.block(), p.param);
    tensors.push_back({p.name, shape,
                       !last                           ? values
                       : p.name == "classifier.3.bias" ? Span<const float>(bias)
                                                       : Span<const float>(weight)});
  }
  REQUIRE(write_safetensors(dir + "/seven.safetensors", tensors).ok());
  const auto seven = run_tool("score {faces}/astronaut.jpg --weights " + dir + "/seven.safetensors");
  CHECK(seven.code == 2);
  CHECK(contains(seven.err, "nearly mobilenet_v3_small_finetuned"));
  CHECK(contains(seven.err, "with shape [7, 1024] instead of [1, 1024]"));
}

TEST_CASE("qualities at another size or with other views than those of the calibration have a note") {
  const std::string face = "score {faces}/astronaut.jpg --face whole";
  CHECK(run_tool(face).err.empty());
  CHECK(contains(run_tool(face + " --size 32x32").err, "was calibrated at 64x64, not at 32x32"));
  CHECK(run_tool(face + " --size 64x64").err.empty());
  CHECK(contains(
      run_tool(face + " --model ensemble --weights " TINYFIQA_SOURCE_DIR "/weights/tinyfqnet_m.safetensors")
          .err,
      "calibrated with other views (identity)"));
  CHECK(run_tool(face + " --model ensemble --weights " + small_weights).err.empty());  // its own views
  CHECK(contains(run_tool(face + " --tta flips").err, "calibrated with other views"));
  CHECK(run_tool(face + " --raw --size 32x32").err.empty());
  CHECK(contains(run_tool("select {faces} --face whole --size 48x64").err, "not at 48x64"));
}

TEST_CASE("a changed bit of the weights or an edited calibration is refused by score and verify-weights") {
  const std::string dir = scratch_dir("hash"), good = dir + "/good.safetensors",
                    bad = dir + "/bad.safetensors";
  std::filesystem::copy_file(small_weights, good);
  CHECK(run_tool("verify-weights --add-hash " + good).code == 0);
  CHECK(contains(run_tool("verify-weights " + good).out, "hash right"));
  // A file without a test vector gets a hash too, which then is compared.
  const std::string nameless = dir + "/nameless.safetensors";
  write_prefixed(nameless, {{"", 0.01f}});
  const auto unverified = run_tool("verify-weights " + nameless);
  CHECK(unverified.code == 1);
  CHECK(contains(unverified.out,
                 "not verified: no test vector to check their outputs with, but their hash is right"));
  const std::string pth = dir + "/x.pth";
  std::filesystem::copy_file(fixture("models/tinyfqnet.zip.pth"), pth);
  CHECK(contains(run_tool("verify-weights --add-hash " + pth).err, "safetensors files only"));
  CHECK(read_text(pth) == read_text(fixture("models/tinyfqnet.zip.pth")));
  const std::string bytes = read_text(good);
  CHECK(contains(bytes, weight_hash_key));
  const auto refused = [&](std::string changed) {
    write_text(bad, changed);
    const auto scored = run_tool("score {faces}/astronaut.jpg --weights " + bad),
               verified = run_tool("verify-weights " + bad);
    CHECK(scored.code == 2);
    CHECK(contains(scored.err, "are not those that were written"));
    CHECK(verified.code == 1);
    CHECK(contains(verified.out, "FAILED"));
  };
  for (const std::size_t from_end : {1u, 1000u, 20000u}) {
    std::string changed = bytes;
    changed[bytes.size() - from_end] = static_cast<char>(changed[bytes.size() - from_end] ^ 1);
    refused(changed);
  }
  std::string edited = bytes;
  const std::size_t bands = edited.find("\"thresholds\":\"5% ") + 17;
  edited[bands] = edited[bands] == '1' ? '2' : '1';
  refused(edited);
}
