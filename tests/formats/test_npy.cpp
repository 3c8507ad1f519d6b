#include "io_support.hpp"

#include <tinyfiqa/formats/npy.hpp>

using namespace tinyfiqa;

TEST_CASE("arrays of every supported type, order and version have NumPy's values") {
  const auto manifest = read_json(io_fixture("manifest.json"));
  int files = 0;
  for (const auto& item : manifest.items()) {
    const std::string& name = item.key();
    const nlohmann::json& expected = item.value();
    if (!contains(name, ".npy")) continue;
    INFO(name);
    const auto array = read_npy(io_fixture(name));
    REQUIRE_MESSAGE(array.ok(), array.status().message());
    CHECK(array->shape == expected["array"]["shape"].get<std::vector<std::int64_t>>());
    CHECK(array->values == expected["array"]["values"].get<std::vector<float>>());
    ++files;
  }
  CHECK(files == 12);
}

TEST_CASE("arrays that are not read are refused with what to do") {
  const auto big = read_npy(io_fixture("bad_array_big_endian.npy"));
  CHECK(big.status().code() == Errc::unsupported);
  CHECK(contains(big.status().message(), "'>f4'"));
  CHECK(contains(read_npy(io_fixture("bad_array_struct.npy")).status().message(), "structured"));
  CHECK(contains(read_npy(io_fixture("types.zip.pth")).status().message(), "not a .npy file"));
}

TEST_CASE("an array cut off anywhere or with any header byte changed is no crash") {
  const std::string whole = slurp(io_fixture("array_f4.npy"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string part = whole.substr(0, length);
    CHECK_FALSE(read_npy(as_file(part)).ok());
  }
  for (std::size_t at = 0; at < 128; ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      (void)read_npy(as_file(changed)).ok();
    }
  }
}

TEST_CASE("an array that was written reads back the same") {
  const TemporaryFile file("array.npy");
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{6}, {2, 3}, {1, 3, 1, 2}, {}, {0, 4}}) {
    std::size_t count = 1;
    for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i) - 2.5f);
    const Status written = write_npy(file.path, shape, Span<const float>(values));
    REQUIRE_MESSAGE(written.ok(), written.message());
    const auto back = read_npy(file.path);
    REQUIRE_MESSAGE(back.ok(), back.status().message());
    CHECK(back->shape == shape);
    CHECK(back->values == values);
  }
  const std::vector<float> three(3);
  CHECK(write_npy(file.path, {2, 2}, Span<const float>(three)).code() == Errc::bad_argument);
  CHECK(write_npy("/no/such/folder/x.npy", {3}, Span<const float>(three)).code() == Errc::cannot_write);
}
