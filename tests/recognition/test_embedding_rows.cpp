#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/recognition/embedding_rows.hpp>

#include "formats/io_support.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

void write(const std::string& path, const std::string& bytes) {
  const Bytes whole(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  REQUIRE(write_file(path, Span<const Bytes>(&whole, 1)).ok());
}

/// A .npy file with this header and these bytes of elements.
std::string npy(const std::string& descr, bool fortran_order, const std::string& shape,
                const std::string& elements) {
  const std::string header = "{'descr': '" + descr +
                             "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                             ", 'shape': " + shape + ", }\n";
  return "\x93NUMPY" + le(1, 2) + le(header.size(), 2) + header + elements;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes;
  for (const T value : values) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bytes += le(bits, sizeof value);
  }
  return bytes;
}

std::vector<float> all_rows(const EmbeddingRows& rows) {
  std::vector<float> values(rows.size() * rows.dimension());
  for (std::size_t i = 0; i < rows.size(); ++i) rows.read(i, values.data() + i * rows.dimension());
  return values;
}

}  // namespace

TEST_CASE("rows are the same from memory, from files of any type and order, and from several files") {
  const TemporaryFile f4("f4.npy"), f8("f8.npy"), columns("columns.npy"), none("none.npy"), rest("rest.npy");
  const std::vector<float> values = {1, -2, 3, 4, 5, 6.5f};
  write(f4.path, npy("<f4", false, "(2, 3)", bytes_of(values)));
  write(f8.path, npy("<f8", false, "(2, 3)", bytes_of(std::vector<double>(values.begin(), values.end()))));
  write(columns.path, npy("<f4", true, "(2, 3)", bytes_of<float>({1, 4, -2, 5, 3, 6.5f})));
  write(none.path, npy("<f4", false, "(0, 3)", ""));
  write(rest.path, npy("<f4", false, "(1, 3)", bytes_of<float>({7, 8, 9})));
  CHECK(all_rows(*EmbeddingRows::from_values(values, 3)) == values);
  for (const std::string& path : {f4.path, f8.path, columns.path}) {
    const auto rows = EmbeddingRows::open({path});
    REQUIRE_MESSAGE(rows.ok(), rows.status().message());
    CHECK(rows->dimension() == 3);
    CHECK(all_rows(*rows) == values);
  }
  const auto several = EmbeddingRows::open({none.path, f4.path, none.path, rest.path, f8.path, none.path});
  REQUIRE(several.ok());
  std::vector<float> expected = values;
  expected.insert(expected.end(), {7, 8, 9});
  expected.insert(expected.end(), values.begin(), values.end());
  CHECK(all_rows(*several) == expected);
  CHECK(several->parts()[4].first == 3);
  CHECK(several->parts()[4].rows == 2);
}

TEST_CASE("arrays that are no embeddings, and files that do not belong together, are errors that name them") {
  const TemporaryFile three("three.npy"), two("two.npy"), flat("flat.npy"), empty("empty.npy"),
      cut("cut.npy");
  write(three.path, npy("<f4", false, "(1, 3)", bytes_of<float>({1, 2, 3})));
  write(two.path, npy("<f4", false, "(1, 2)", bytes_of<float>({1, 2})));
  write(flat.path, npy("<f4", false, "(3,)", bytes_of<float>({1, 2, 3})));
  write(empty.path, npy("<f4", false, "(3, 0)", ""));
  write(cut.path, npy("<f4", false, "(2, 3)", bytes_of<float>({1, 2, 3})));
  const auto error = [](const std::vector<std::string>& paths) {
    const auto rows = EmbeddingRows::open(paths);
    CHECK_FALSE(rows.ok());
    return std::string(rows.status().message());
  };
  CHECK(
      contains(error({three.path, two.path}), two.path + ": its rows have 2 values, those of " + three.path));
  CHECK(contains(error({flat.path}), "[faces, dimension]"));
  CHECK(contains(error({empty.path}), "[faces, dimension]"));
  CHECK(contains(error({cut.path}), cut.path + ": npy: 12 bytes of elements"));
  CHECK(contains(error({three.path + "x"}), "no such file"));
  CHECK(EmbeddingRows::from_values({1, 2, 3}, 2).status().code() == Errc::mismatch);
  CHECK(EmbeddingRows::from_values({}, 0).status().code() == Errc::mismatch);
}
