#include "io_support.hpp"

#include <tinyfiqa/formats/weights.hpp>

#include <array>
#include <map>

using namespace tinyfiqa;

static bool is_weights(const std::string& name) {
  return contains(name, ".pth") || contains(name, ".safetensors");
}

TEST_CASE("every weight file gives the names, shapes and values that PyTorch stored") {
  const auto manifest = read_json(io_fixture("manifest.json"));
  int files = 0;
  for (const auto& item : manifest.items()) {
    const std::string& name = item.key();
    const nlohmann::json& tensors = item.value();
    if (!is_weights(name)) continue;
    INFO(name);
    const auto file = read_tensors(io_fixture(name));
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    check_tensors(*file, tensors);
    ++files;
  }
  CHECK(files >= 34);
}

TEST_CASE("a file is recognised by its content and not by its name") {
  const TemporaryFile odd("weights.jpg");
  std::filesystem::copy_file(io_fixture("types.legacy.pth"), odd.path);
  CHECK(read_tensors(odd.path).ok());
  const auto text = read_tensors(io_fixture("manifest.json"));
  REQUIRE_FALSE(text.ok());
  CHECK(text.status().code() == Errc::unsupported);
  CHECK(contains(text.status().message(), "safetensors"));
  CHECK(contains(text.status().message(), "manifest.json"));
}

TEST_CASE("tensors outlive the file object they were read with") {
  TensorFile moved;
  {
    auto file = read_tensors(io_fixture("types.zip.pth"));
    REQUIRE(file.ok());
    moved = std::move(*file);
  }
  const TensorFile copy = moved;
  moved = TensorFile();
  const auto expected = read_json(io_fixture("manifest.json"));
  check_tensors(copy, expected["types.zip.pth"]);
}

TEST_CASE("a prefix that all names share is taken away and said so") {
  const auto all = read_tensors(io_fixture("module_prefix.pth"));
  REQUIRE(all.ok());
  REQUIRE(all->notes.size() == 1);
  CHECK(contains(all->notes[0], "module."));
  const auto partly = read_tensors(io_fixture("module_prefix_partly.pth"));
  REQUIRE(partly.ok());
  CHECK(partly->notes.empty());
}

TEST_CASE("a command in a checkpoint is not run: it is skipped beside weights, and refused by name without") {
  for (const char* name : {"command.zip.pth", "command.legacy.pth"}) {
    const auto file = read_tensors(io_fixture(name));
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(file->entries().size() == 1);
    REQUIRE(file->notes.size() == 1);
    CHECK(contains(file->notes[0], "without running its code: posix.system"));
  }
  const auto file = read_tensors(io_fixture("bad_command4.pth"));
  REQUIRE_FALSE(file.ok());
  CHECK(file.status().code() == Errc::unsupported);
  CHECK(contains(file.status().message(), "'posix.system'"));
  CHECK(contains(file.status().message(), "bad_command4.pth"));
  CHECK_FALSE(std::filesystem::exists("executed_by_unpickler"));
}

TEST_CASE("files that hold something else or lie about their numbers get an error that says what") {
  const std::map<std::string, std::pair<Errc, const char*>> cases = {
      {"bad_whole_model.pth", {Errc::unsupported, "torch.nn.modules.linear.Linear"}},
      {"bad_no_tensors.pth", {Errc::unsupported, "no dict of named tensors"}},
      {"bad_torchscript.pth", {Errc::unsupported, "TorchScript"}},
      {"bad_big_endian.pth", {Errc::unsupported, "big-endian"}},
      {"bad_no_storage.pth", {Errc::bad_format, "data/0"}},
      {"bad_short_storage.pth", {Errc::bad_format, "16 elements declared"}},
      {"bad_reach.pth", {Errc::bad_format, "beyond its storage"}},
      {"bad_offset.pth", {Errc::bad_format, "beyond its storage"}},
      {"bad_stride.pth", {Errc::bad_format, "negative"}},
      {"bad_overflow.pth", {Errc::bad_format, "overflows"}},
      {"bad_huge_view.pth", {Errc::too_large, "1099511627776 elements"}},
      {"bad_views.pth", {Errc::too_large, "views that repeat 64 bytes to 4194304"}},
      {"bad_model_object.pth",
       {Errc::unsupported, "'model' is an object of 'torch.nn.modules.container.Sequential'"}},
      {"bad_complex.legacy.pth", {Errc::unsupported, "complex numbers"}},
      {"bad_numel.pth", {Errc::bad_format, "elements declared"}},
      {"bad_bomb.pth", {Errc::too_large, "8388608"}},
      {"bad_no_pickle.zip", {Errc::unsupported, "data.pkl"}},
      {"bad_plain.pkl", {Errc::unsupported, "torch.save did not write"}}};
  for (const auto& item : cases) {
    const std::string& name = item.first;
    const auto& expected = item.second;
    INFO(name);
    const auto file = read_tensors(io_fixture(name));
    REQUIRE_FALSE(file.ok());
    INFO(file.status().message());
    CHECK(file.status().code() == expected.first);
    CHECK(contains(file.status().message(), expected.second));
    CHECK(contains(file.status().message(), name));
  }
}

TEST_CASE("missing files, folders and empty files are told apart") {
  CHECK(read_tensors("/no/such/file.pth").status().code() == Errc::not_found);
  const auto folder = read_tensors(fixture("io"));
  CHECK(folder.status().code() == Errc::unreadable);
  CHECK(contains(folder.status().message(), "folder"));
  const TemporaryFile empty("empty.pth");
  std::ofstream(empty.path).close();
  const auto nothing = read_tensors(empty.path);
  CHECK(nothing.status().code() == Errc::bad_format);
  CHECK(contains(nothing.status().message(), "empty"));
}

TEST_CASE("a file cut off anywhere gives an error that names it, never a crash") {
  for (const char* name : {"types.zip.pth", "types.legacy.pth", "views.legacy.pth", "types.safetensors",
                           "protocol4.pth", "parameters.legacy.pth", "compressed.pth"}) {
    const std::string whole = slurp(io_fixture(name));
    REQUIRE(read_tensors(as_file(whole)).ok());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const std::string part =
          whole.substr(0, length);  // a copy, so that the sanitizer detects reads beyond the end
      const auto file = read_tensors(as_file(part));
      if (file.ok()) FAIL(std::string(name), " reads although cut off after ", length);
      if (!contains(file.status().message(), "memory: ")) FAIL(std::string(file.status().message()));
    }
  }
}

TEST_CASE("any single byte changed gives tensors or an error, never a crash") {
  for (const char* name : {"types.zip.pth", "types.legacy.pth", "types.safetensors", "views.legacy.pth"}) {
    const std::string whole = slurp(io_fixture(name));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int value : {0x00, 0x7f, 0xff, whole[at] ^ 1, whole[at] ^ 0x80}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(value);
        const auto file = read_tensors(as_file(changed));
        if (!file.ok()) continue;
        for (const auto& entry : file->entries()) {
          if (const auto count = count_elements(entry); count.ok() && *count < 100000)
            (void)read_floats(entry).ok();
        }
      }
    }
  }
}

static std::uint32_t crc32(std::uint32_t crc, const std::string& bytes) {
  crc = ~crc;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1u) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

TEST_CASE("checkpoints of other people's PyTorch and the reference networks read to the last bit") {
  if (reference_dir().empty()) return;
  const auto manifest = read_json(io_fixture("reference_manifest.json"));
  int files = 0;
  for (const auto& item : manifest.items()) {
    const std::string& name = item.key();
    const nlohmann::json& expected = item.value();
    const std::string path = reference_dir() + "/" + name;
    if (!std::filesystem::exists(path)) continue;
    INFO(name);
    const auto file = read_tensors(path);
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(file->entries().size() == expected["tensors"].get<std::size_t>());
    std::map<std::string, const TensorEntry*> sorted;
    for (const auto& entry : file->entries()) sorted[entry.name] = &entry;
    std::uint32_t crc = 0;
    for (const auto& [key, entry] : sorted) {
      const auto values = read_floats(*entry);
      REQUIRE(values.ok());
      crc = crc32(crc, key + shape_text(entry->shape));
      std::string bytes(values->size() * 4, '\0');
      if (!bytes.empty()) std::memcpy(bytes.data(), values->data(), bytes.size());
      crc = crc32(crc, bytes);
    }
    CHECK(crc == expected["crc32"].get<std::uint32_t>());
    ++files;
  }
  CHECK(files == static_cast<int>(manifest.size()));
  MESSAGE(files, " reference files compared");
}
