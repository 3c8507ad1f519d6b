#include <tinyfiqa/base/status.hpp>

#include <doctest/doctest.h>

#include <climits>
#include <memory>
#include <string>

using namespace tinyfiqa;

TEST_CASE("a status message joins text and numbers") {
  const Status s =
      Status::error(Errc::mismatch, std::string("a.pth"), ": expected ", 3, " channels, found ", -17L, '!');
  CHECK_FALSE(s.ok());
  CHECK(s.code() == Errc::mismatch);
  CHECK(std::string(s.message()) == "a.pth: expected 3 channels, found -17!");
  CHECK(std::string(Status::error(Errc::too_large, INT_MIN, ' ', ULLONG_MAX).message()) ==
        "-2147483648 18446744073709551615");
}

TEST_CASE("a message that is too long ends in dots and stays terminated") {
  const Status s = Status::error(Errc::bad_format, std::string(5000, 'x'));
  const std::string text = s.message();
  CHECK(text.size() == 799);
  CHECK(text.substr(text.size() - 4) == "x...");
}

TEST_CASE("a prefix names the file and keeps the code") {
  const Status s = Status::error(Errc::bad_format, "cut off").prefixed("x.png: ");
  CHECK(std::string(s.message()) == "x.png: cut off");
  CHECK(s.code() == Errc::bad_format);
  CHECK(Status().prefixed("x: ").ok());
}

TEST_CASE("a result holds a value or the reason why there is none") {
  Result<std::unique_ptr<int>> good(std::make_unique<int>(7));
  REQUIRE(good.ok());
  CHECK(**good == 7);
  Result<std::unique_ptr<int>> moved(std::move(good));
  CHECK(**moved == 7);
  Result<std::unique_ptr<int>> bad(Status::error(Errc::not_found, "gone"));
  CHECK_FALSE(bad.ok());
  CHECK(bad.status().code() == Errc::not_found);
  bad = std::move(moved);
  CHECK(**bad == 7);
}
