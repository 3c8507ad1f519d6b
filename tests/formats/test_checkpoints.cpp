// Checkpoints as training scripts leave them: several sets of weights, wrapped networks, foreign files, limits.
#include "io_support.hpp"

#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include <cmath>
#include <limits>
#include <map>

using namespace tinyfiqa;

/// The only note that contains this text, or empty.
static std::string note_with(const std::vector<std::string>& notes, const std::string& part) {
  std::string found;
  for (const auto& note : notes)
    if (contains(note, part)) found = note;
  return found;
}

TEST_CASE("of several sets of weights the averaged ones are read, and a note names all") {
  const auto note = [](const std::string& name) -> std::string {
    const auto file = read_tensors(io_fixture(name));
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    return note_with(file->notes, "--weights-key");
  };
  CHECK(note("sets_timm.pth") ==
        "the averaged weights 'state_dict_ema' were read, not 'state_dict' (--weights-key chooses)");
  CHECK(contains(note("sets_ema_first.pth"), "the averaged weights 'ema' were read, not 'model'"));
  CHECK(contains(note("sets_few_averaged.pth"),
                 "'model' were read, not 'model_ema'"));  // an average without buffers
  CHECK(contains(note("sets_teacher.pth"), "'student' were read, not 'teacher'"));
  CHECK(contains(note("sets_deep.pth"), "'state.swa_model' were read, not 'state.net'"));
  CHECK(note("nested_model.pth").empty());  // moments of an optimiser and small dicts are no second set
}

TEST_CASE("the choice among sets does not depend on their order in the file") {
  const auto chosen = [](std::vector<std::string> names) {
    std::vector<WeightSet> sets;
    for (const auto& name : names) sets.push_back({name, 10, 1});
    const std::string first = sets[choose_set(sets)].name;
    std::reverse(sets.begin(), sets.end());
    CHECK(sets[choose_set(sets)].name == first);
    return first;
  };
  CHECK(chosen({"net", "net_swa"}) == "net_swa");
  CHECK(chosen({"model", "model-EMA", "best"}) == "model-EMA");
  CHECK(chosen({"averaged_model", "generator"}) == "averaged_model");
  CHECK(chosen({"cinema_net", "schema"}) == "cinema_net");  // "ema" within a word means nothing
  CHECK(chosen({"teacher", "student"}) == "student");
  CHECK(chosen({"b", "a"}) == "a");
  CHECK(choose_set({{"model", 10, 1}, {"ema", 7, 1}}) == 0);
  CHECK(choose_set({{"ema", 10, 1}, {"model", 10, 1}, {"teacher", 90, 1}}) == 0);
}

TEST_CASE("a set of weights can be chosen by its name, and an unknown name lists those that there are") {
  const auto value = [](const std::string& name, const std::string& set) -> float {
    const auto file = read_tensors(io_fixture(name), set);
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(note_with(file->notes, "--weights-key").empty());
    return (*read_floats(*file->find("0.bias")))[0];
  };
  CHECK(value("sets_timm.pth", "state_dict") ==
        doctest::Approx(value("sets_timm.pth", "state_dict_ema") + 1));
  CHECK(value("sets_deep.pth", "state.net") ==
        doctest::Approx(value("sets_deep.pth", "state.swa_model") + 1));
  CHECK(value("sets_teacher.pth", "teacher") != value("sets_teacher.pth", "student"));
  const auto unknown = read_tensors(io_fixture("sets_timm.pth"), "ema");
  CHECK(unknown.status().code() == Errc::bad_argument);
  CHECK(contains(unknown.status().message(),
                 "no weights are called 'ema'; there are 'state_dict', 'state_dict_ema'"));
  CHECK(contains(read_tensors(io_fixture("types.safetensors"), "ema").status().message(), "one set"));
}

TEST_CASE("what wrappers add to names is removed, and a note says so") {
  for (const char* name : {"wrapped_compiled.pth", "wrapped_part.pth", "wrapped_parallel_compiled.pth"}) {
    const auto file = read_tensors(io_fixture(name));
    REQUIRE(file.ok());
    CHECK_FALSE(note_with(file->notes, "_orig_mod.").empty());
    CHECK(file->find("0.weight") != nullptr);
  }
  const auto swa = read_tensors(io_fixture("wrapped_swa.pth"));
  REQUIRE(swa.ok());
  CHECK(swa->find("n_averaged") == nullptr);
  TensorFile both;  // the names would collide: nothing is changed
  for (const char* name : {"a._orig_mod.b", "a.b"}) REQUIRE(both.add(name, {1}, {0.5f}).ok());
  CHECK(without_wrappers(both).find("a._orig_mod.b") != nullptr);
  TensorFile own;
  for (const char* name : {"my_orig_mod.b", "a._fsdp_wrapped_module._checkpoint_wrapped_module.c"})
    REQUIRE(own.add(name, {1}, {0.5f}).ok());
  own = without_wrappers(own);
  CHECK(own.find("my_orig_mod.b") != nullptr);
  CHECK(own.find("a.c") != nullptr);
}

/// A file of tinyFQnet's weights, whose names have the prefix. All values are `value`.
static void add_network(TensorFile& file, const std::string& prefix, float value) {
  for (const NamedParam& p : list_params(TinyFQnet())) {
    const std::vector<float> values(static_cast<std::size_t>(p.param.size()), value);
    REQUIRE(file.add(prefix + p.name, detail::param_shape(p.param), values).ok());
  }
}

TEST_CASE("a prefix of the names of a known network is removed, whatever it is") {
  const auto params = list_params(TinyFQnet());
  std::vector<float> block(block_size(params));
  for (const std::string prefix : {"model.", "net.", "backbone.", "module.lightning.student.", "a.b-c.0."}) {
    TensorFile file;
    add_network(file, prefix, 0.5f);
    REQUIRE(file.add("criterion.weight", {2}, {1, 2}).ok());  // of the loss, beside the network
    REQUIRE(file.add(prefix + "stem.1.num_batches_tracked", {}, {3}).ok());
    const auto report = load_params(file, params, Span<float>(block));
    REQUIRE_MESSAGE(report.ok(), report.status().message());
    CHECK(report->loaded == params.size());
    CHECK(block[0] == 0.5f);
    CHECK(report->notes ==
          std::vector<std::string>{"the prefix '" + prefix +
                                   "' was removed from the names; 1 tensors without it were left out"});
  }
}

TEST_CASE("of a network and its average under prefixes the average is read, the name of a prefix chooses") {
  const auto params = list_params(TinyFQnet());
  std::vector<float> block(block_size(params));
  TensorFile file;
  add_network(file, "net.", 0.25f);
  add_network(file, "net_ema.", 0.75f);
  const auto report = load_params(file, params, Span<float>(block));
  REQUIRE(report.ok());
  CHECK(block[0] == 0.75f);
  CHECK(contains(note_with(report->notes, "averaged"), "'net_ema' were read, not 'net'"));
  bool found = false;
  REQUIRE(load_params(tensors_below(file, "net", found), params, Span<float>(block)).ok());
  CHECK(found);
  CHECK(block[0] == 0.25f);
  tensors_below(file, "ne", found);
  CHECK_FALSE(found);
}

TEST_CASE("a prefix that not all parameters have, or with wrong shapes, is none") {
  const auto params = list_params(TinyFQnet());
  std::vector<float> block(block_size(params), 7);
  TensorFile file;
  add_network(file, "model.", 0.5f);
  TensorFile part;
  for (const TensorEntry& entry : file.entries())
    if (entry.name != "model.fc.bias") REQUIRE(part.add(entry).ok());
  const auto report = load_params(part, params, Span<float>(block));
  CHECK(report.status().code() == Errc::mismatch);
  CHECK(block[0] == 7);
}

TEST_CASE("tensors that can't be read are skipped, and named only where the network needs them") {
  const std::map<std::string, std::string> reasons = {{"unread_complex.pth", "complex numbers"},
                                                      {"unread_sparse.pth", "a sparse tensor"},
                                                      {"unread_quantised.pth", "quantised numbers"},
                                                      {"unread_numpy.pth", "an array of NumPy"}};
  for (const auto& row : reasons) {
    const std::string &name = row.first, &reason = row.second;
    INFO(name);
    const auto file = read_tensors(io_fixture(name));
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(file->entries().size() == 6);
    REQUIRE(file->unread.size() == 1);
    CHECK(file->unread[0].name == "0.weight");
    CHECK(contains(file->unread[0].what, reason));
  }
  TensorFile file;
  add_network(file, "", 0.5f);
  TensorFile part;
  part.path = "x.pth";
  for (const TensorEntry& entry : file.entries())
    if (entry.name != "fc.weight") REQUIRE(part.add(entry).ok());
  part.unread = {{"fc.weight", "complex numbers"}};
  const auto params = list_params(TinyFQnet());
  std::vector<float> block(block_size(params));
  CHECK(contains(load_params(part, params, Span<float>(block)).status().message(),
                 "missing 'fc.weight' (complex numbers can't be read)"));
}

TEST_CASE("a file that is no weight file is named for what it is") {
  const auto message = [](const std::string& bytes) -> std::string {
    const auto file = read_tensors(as_file(bytes));
    CHECK(file.status().code() == Errc::unsupported);
    return file.status().message();
  };
  const std::string tar = std::string(257, 'a') + "ustar" + std::string(250, '\0');
  const std::map<std::string, std::string> files = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"},
      {"\n <HTML><body>404</body>", "a web page"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "a web page"},
      {"<?xml version=\"1.0\"?>\n<net name=\"x\" version=\"11\">", "OpenVINO"},
      {R"({"error": "Repository not found"})", "an error message (JSON)"},
      {R"({"message": "rate limit"})", "an error message (JSON)"},
      {R"({"architectures": ["ViT"]})", "JSON"},
      {R"({"metadata": {"total_size": 1}, "weight_map": {"a": "1.safetensors"}})", "a list of shards"},
      {"path,label\na.jpg,0.5\n", "text"},
      {"7767517\n3 3\n", "ncnn"},
      {"\x89HDF\r\n\x1a\n and more", "HDF5 (Keras)"},
      {std::string("\x08\x08\x12\x07pytorch", 11), "ONNX"},
      {std::string("\x08\x01\x12\x40\x0a", 5), "a TensorFlow model"},
      {std::string("\x1c\0\0\0TFL3\x14", 9), "TensorFlow Lite"},
      {"abc\x01 index \x57\xfb\x80\x8b\x24\x75\x47\xdb", "a TensorFlow checkpoint"},
      {std::string("GGUF\x03\0\0\0", 8), "GGML"},
      {std::string("\x93NUMPY\x01\0", 8), ".npy"},
      {tar, "a tar archive"},
      {std::string("\x1f\x8b\x08\0", 4), "compressed by gzip"},
      {std::string("\xfd"
                   "7zXZ\0\0",
                   7),
       "a compressed archive"},
      {"\xff\xd8\xff\xe0 JFIF", "a picture (JPEG)"},
      {"\x89PNG\r\n\x1a\n", "a picture (PNG)"},
      {std::string("RIFF\x04\0\0\0WEBP", 12), "a picture or video"},
      {"%PDF-1.4", "a PDF"},
      {std::string("\0\x01\x02 what is this", 16), "not a weight file in a known format"}};
  for (const auto& row : files) {
    const auto &bytes = row.first, &what = row.second;
    INFO(what);
    CHECK(contains(message(bytes), what));
    CHECK(contains(message(bytes), "memory: "));
  }
  CHECK(contains(read_tensors(fixture("image/../io/bad_no_pickle.zip")).status().message(),
                 "torch.save did not"));
  CHECK(contains(read_tensors(fixture("models/tinyfqnet.1x64x64.output.npy")).status().message(), ".npy"));
}

TEST_CASE("counts and sizes have limits, which their messages name") {
  TensorFile many;
  Status status;
  for (std::size_t i = 0; status.ok(); ++i) {
    REQUIRE(i <= max_tensors);
    status = many.add(std::to_string(i), {0}, {});
  }
  CHECK(status.code() == Errc::too_large);
  CHECK(contains(status.message(), "65536 tensors"));
  CHECK(many.entries().size() == max_tensors);

  CHECK(contains(TensorFile().add(std::string(1025, 'n'), {0}, {}).message(), "more than 1024 bytes"));

  const unsigned char one[4] = {};
  TensorFile large;
  const TensorEntry view{"a", DType::f32, {1 << 28}, {0}, Bytes(one, 4), 0};  // 1 GiB out of 4 bytes
  for (const char* name : {"a", "b", "c", "d"}) {
    TensorEntry entry = view;
    entry.name = name;
    CHECK(large.add(entry).ok());
  }
  TensorEntry fifth = view;
  fifth.name = "e";
  CHECK(contains(large.add(fifth).message(), "4 GiB"));

  const auto header = [](const std::string& json) -> std::string {
    const std::string bytes = le(json.size(), 8) + json;
    return read_safetensors(as_file(bytes)).status().message();
  };
  std::string json = "{";
  for (std::size_t i = 0; i <= max_tensors; ++i)
    json +=
        (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  CHECK(contains(header(json + "}"), "more than 65536 tensors"));
  CHECK(contains(header(R"({"__metadata__":{"a":")" + std::string(max_metadata_bytes, 'x') + R"("}})"),
                 "more than 16 MiB of metadata"));
}
