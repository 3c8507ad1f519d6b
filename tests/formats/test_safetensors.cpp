#include "io_support.hpp"

#include <tinyfiqa/formats/safetensors.hpp>

#include <algorithm>
#include <limits>

using namespace tinyfiqa;

static std::string file_of(const std::string& header, const std::string& data = "") {
  return le(header.size(), 8) + header + data;
}
static std::string refusal(const std::string& header, const std::string& data = "") {
  const std::string bytes = file_of(header, data);
  const auto file = read_safetensors(as_file(bytes));
  return file.ok() ? "" : file.status().message();
}
static std::string tensor(const std::string& shape, const std::string& offsets,
                          const std::string& dtype = "F32") {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST_CASE("metadata and names with escapes beyond ASCII are read") {
  const auto file = read_safetensors(io_fixture("types.safetensors"));
  REQUIRE(file.ok());
  REQUIRE(file->metadata.size() == 2);
  CHECK(file->metadata[0] == std::make_pair(std::string("format"), std::string("pt")));
  CHECK(file->metadata[1].first == "quote\"d");
  CHECK(file->metadata[1].second == "line\nbreak \xc3\xa9 \xf0\x9f\x98\x80");
  const auto names = read_safetensors(io_fixture("names.safetensors"));
  REQUIRE(names.ok());
  CHECK(names->find("caf\xc3\xa9.\xf0\x9f\x98\x80") != nullptr);
}

TEST_CASE("headers that break the format are refused with the reason") {
  const std::string four(4, 'x'), eight(8, 'x');
  CHECK(refusal("{}").empty());
  CHECK(refusal("{\"a\":" + tensor("[1]", "[0,4]") + "}", four).empty());
  CHECK(refusal("{ \"a\" : " + tensor("[]", "[ 0 , 4 ]") + " }  ", four).empty());
  CHECK(contains(refusal("{\"a\":" + tensor("[1]", "[0,4]") + "}", eight), "too long"));
  CHECK(contains(refusal("{\"a\":" + tensor("[2]", "[0,8]") + "}", four), "cut off"));
  CHECK(contains(refusal("{\"a\":" + tensor("[2]", "[0,4]") + "}", four), "its shape needs 8"));
  CHECK(contains(refusal("{\"a\":" + tensor("[1]", "[4,8]") + "}", eight), "gap"));
  CHECK(contains(refusal("{\"a\":" + tensor("[1]", "[4,0]") + "}", four), "gap"));
  const std::string a = "\"a\":" + tensor("[1]", "[0,4]"), b = "\"b\":" + tensor("[1]", "[0,4]");
  CHECK(contains(refusal("{" + a + "," + b + "}", eight), "overlap"));
  CHECK(contains(refusal("{" + a + ",\"a\":" + tensor("[1]", "[4,8]") + "}", eight),
                 "two tensors have this name"));
  CHECK(contains(refusal("{\"a\":" + tensor("[4294967296,4294967296]", "[0,0]") + "}"), "overflows"));
  CHECK(refusal("{\"a\":" + tensor("[0,4611686018427387904,8]", "[0,0]") + "}")
            .empty());  // an extent of 0 makes the tensor empty, whatever the others are
  CHECK(contains(refusal("{\"a\":" + tensor("[9223372036854775808]", "[0,0]") + "}"), "too large"));
  CHECK(contains(refusal("{\"a\":" + tensor("[-1]", "[0,4]") + "}", four), "whole number"));
  CHECK(contains(refusal("{\"a\":" + tensor("[01]", "[0,4]") + "}", four), "starts with 0"));
  CHECK(contains(refusal("{\"a\":" + tensor("[1.0]", "[0,4]") + "}", four), "bracket"));
  CHECK(contains(refusal("{\"a\":" + tensor("[1]", "[0,4]", "F8_E4M3") + "}", four), "'F8_E4M3'"));
  CHECK(contains(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", four), "missing"));
  CHECK(contains(refusal("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", four), "twice"));
  CHECK(contains(refusal("{\"a\":{\"colour\":3}}", four), "no other key"));
  CHECK(contains(refusal("{\"a\":[[[[[["), "brace"));
  CHECK(contains(refusal("{\"a"), "no end"));
  CHECK(contains(refusal("{\"\\x\":1}"), "escape"));
  CHECK(contains(refusal("{\"\\ud800\":1}"), "surrogate"));
  CHECK(contains(refusal("{}{}"), "after the closing brace"));
  CHECK(contains(refusal("{\"__metadata__\":{\"a\":1}}"), "string"));
}

TEST_CASE("a header length beyond the file or the limit is refused before anything is allocated") {
  for (const unsigned long long length : {17ull, 100'000'001ull, ~0ull}) {
    const std::string bytes = le(length, 8) + "{}      ";
    CHECK_FALSE(read_safetensors(as_file(bytes)).ok());
  }
}

TEST_CASE("what is written reads back bit by bit, with names and metadata that need escapes") {
  const std::vector<float> a = {1.0f, -0.0f, 1e-40f, 3.14159265f, 65504.0f, -1e-7f}, b = {0.5f};
  const std::vector<std::pair<std::string, std::string>> metadata = {{"k\"\\", "v\n\x01"}, {"format", "pt"}};
  const TemporaryFile out("out.safetensors");
  const std::vector<FloatTensor> tensors = {{"a.\"q\"\\", {2, 3}, Span<const float>(a)},
                                            {"b", {}, Span<const float>(b)}};
  const Status written = write_safetensors(out.path, tensors, metadata);
  REQUIRE_MESSAGE(written.ok(), written.message());
  const auto file = read_safetensors(out.path);
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  REQUIRE(file->metadata.size() == metadata.size() + 1);  // and the hash
  CHECK(std::equal(metadata.begin(), metadata.end(), file->metadata.begin()));
  const TensorEntry* const entry = file->find("a.\"q\"\\");
  REQUIRE(entry != nullptr);
  CHECK(entry->shape == std::vector<std::int64_t>{2, 3});
  CHECK(*read_floats(*entry) == a);
  CHECK(std::filesystem::directory_entry(out.path).file_size() % 4 == 0);

  REQUIRE(write_safetensors(out.path, tensors, {}, DType::f16).ok());
  const auto halves = read_safetensors(out.path);
  REQUIRE(halves.ok());
  const auto rounded = read_floats(halves->entries()[0]);
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK((*rounded)[i] == detail::half_to_float(detail::float_to_half(a[i])));
}

TEST_CASE("what can't be written is refused and leaves the old file") {
  const TemporaryFile out("kept.safetensors");
  const std::vector<float> big = {70000.0f};
  const Span<const float> values(big);
  REQUIRE(write_safetensors(out.path, {{"a", {1}, values}}).ok());
  const std::string before = slurp(out.path);
  CHECK(contains(write_safetensors(out.path, {{"a", {1}, values}}, {}, DType::f16).message(), "65504"));
  CHECK(write_safetensors(out.path, {{"a", {2}, values}}).code() == Errc::bad_argument);
  CHECK(write_safetensors(out.path, {{"a", {1}, values}, {"a", {1}, values}}).code() == Errc::bad_argument);
  CHECK(write_safetensors("/no/such/folder/a.safetensors", {{"a", {1}, values}}).code() ==
        Errc::cannot_write);
  CHECK(slurp(out.path) == before);
}
