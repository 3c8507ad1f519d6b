#include "io_support.hpp"

#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>

#include <algorithm>

using namespace tinyfiqa;

namespace {

const Metadata described_weights = {{"model", "tinyfqnet"},
                                    {"calibration", "0:0 0.5:50 1:100"},
                                    {"thresholds", "5% 14, 10% 18, 20% 26"},
                                    {"licence", "MIT"}};

/// The bytes of a file with two tensors of odd sizes.
std::string hashed_file(const Metadata& metadata, DType dtype = DType::f32) {
  const TemporaryFile out("hashed.safetensors");
  std::vector<float> a(37), b(5, 0.5f);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = 0.01f * static_cast<float>(i);
  REQUIRE(write_safetensors(out.path, {{"a", {37}, a}, {"b", {5, 1}, b}}, metadata, dtype).ok());
  return slurp(out.path);
}

std::string read_problem(const std::string& bytes) {
  const auto file = read_safetensors(as_file(bytes));
  return file.ok() ? "" : file.status().message();
}

std::string with_replaced(std::string bytes, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());  // the header keeps its length
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  return bytes.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("any bit of the weights that changes is found when the file is read") {
  for (const DType dtype : {DType::f32, DType::f16}) {
    const std::string good = hashed_file(described_weights, dtype);
    REQUIRE(read_problem(good).empty());
    const std::size_t data = good.size() - 42 * dtype_bytes(dtype);
    for (std::size_t at = data; at < good.size(); ++at)
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        if (!contains(read_problem(bad), "not those that were written")) FAIL("byte ", at, ", bit ", bit);
      }
  }
}

TEST_CASE("an edited calibration, model, name or hash is found, an edited description is not an error") {
  const std::string good = hashed_file(described_weights);
  CHECK(contains(read_problem(with_replaced(good, "0.5:50", "0.5:60")), "calibration"));
  CHECK(contains(read_problem(with_replaced(good, "10% 18", "10% 19")), weight_hash_key));
  CHECK(contains(read_problem(with_replaced(good, "\"tinyfqnet\"", "\"tinyfqnex\"")), "memory: "));
  CHECK_FALSE(read_problem(with_replaced(good, "\"a\":", "\"c\":")).empty());
  CHECK_FALSE(read_problem(with_replaced(good, "[5,1]", "[1,5]")).empty());
  CHECK(read_problem(with_replaced(good, "MIT", "BSD")).empty());
  CHECK(read_problem(with_replaced(good, weight_hash_key, "another_entry"))
            .empty());  // without a hash nothing is compared
}

TEST_CASE("the hash does not depend on the order of tensors, and is written again with new values") {
  const std::vector<float> x = {1, 2, 3}, y = {4};
  const auto hash = [](const std::vector<FloatTensor>& tensors, Metadata metadata) {
    const TemporaryFile out("order.safetensors");
    REQUIRE(write_safetensors(out.path, tensors, metadata).ok());
    const auto file = read_safetensors(out.path);
    REQUIRE(file.ok());
    CHECK(std::count_if(file->metadata.begin(), file->metadata.end(),
                        [](const auto& entry) { return entry.first == weight_hash_key; }) == 1);
    return *find_metadata(file->metadata, weight_hash_key);
  };
  const FloatTensor a{"a", {3}, x}, b{"b", {1}, y}, swapped{"a", {1}, y};
  const std::string one = hash({a, b}, {});
  CHECK(one.size() == 16);
  CHECK(one == hash({b, a}, {{"licence", "MIT"}}));
  CHECK(one == hash({a, b}, {{weight_hash_key, "an old one"}}));
  CHECK(one != hash({a, b}, {{"views", "hflip"}}));
  CHECK(one != hash({a}, {}));
  CHECK(hash({swapped}, {}) != hash({b}, {}));
}

TEST_CASE("large files are compared by check_weight_hash() alone") {
  const std::vector<float> values(hash_checked_on_load / 4 + 1, 0.25f);
  const TemporaryFile out("large.safetensors");
  REQUIRE(write_safetensors(out.path, {{"a", {static_cast<std::int64_t>(values.size())}, values}}).ok());
  std::string bytes = slurp(out.path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const auto file = read_safetensors(as_file(bytes));
  REQUIRE(file.ok());
  CHECK(check_weight_hash(*file).code() == Errc::bad_format);
}
