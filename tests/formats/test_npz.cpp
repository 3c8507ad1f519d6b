#include <tinyfiqa/formats/npz.hpp>

#include "io_support.hpp"
#include "recognition/npz.hpp"

#include <string>
#include <vector>

using namespace tinyfiqa;

TEST_CASE("an archive holds its arrays by name, and equal arrays give equal bytes") {
  const TemporaryFile file("arrays.npz");
  const std::string& path = file.path;
  const std::vector<NamedArray> arrays = {{"score", {2, 1}, {0.25f, 0.75f}},
                                          {"features", {1, 2, 1, 3}, {1, 2, 3, 4, 5, 6}},
                                          {"none", {0, 4}, {}}};
  for (int time = 0; time < 2; ++time) {
    REQUIRE(write_npz(path, arrays).ok());
    for (const NamedArray& array : arrays) {
      const auto bytes = npz_bytes(path, array.name + ".npy");
      const auto got = read_npy(FileBytes::from_memory({bytes.data(), bytes.size()}, array.name));
      REQUIRE_MESSAGE(got.ok(), got.status().message());
      CHECK(got->shape == array.shape);
      CHECK(got->values == array.values);
    }
  }
  const std::string first = slurp(path);
  REQUIRE(write_npz(path, arrays).ok());
  CHECK(slurp(path) == first);
}

TEST_CASE("values that don't fit their shape, and a folder that is not there, are named") {
  const Status wrong = write_npz(TemporaryFile("wrong.npz").path, {{"scores", {3}, {1, 2}}});
  CHECK(wrong.code() == Errc::bad_argument);
  CHECK(std::string(wrong.message()).find("scores") != std::string::npos);
  const Status missing = write_npz("/nonexistent/x.npz", {{"scores", {1}, {1}}});
  CHECK(missing.code() == Errc::cannot_write);
  CHECK(std::string(missing.message()).find("/nonexistent/x.npz") != std::string::npos);
}
