#include <tinyfiqa/base/status.hpp>

#include <doctest/doctest.h>

#include <climits>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

bool no_memory = false;  // while true, nothrow new fails

struct WithoutMemory {
  WithoutMemory() { no_memory = true; }
  ~WithoutMemory() { no_memory = false; }
};

bool same(const Status& a, const Status& b) {
  return a.code() == b.code() && std::string(a.message()) == b.message();
}

}  // namespace

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The sanitizer's runtime has an operator new of its own, in the same file as what it needs.
#define TINYFIQA_THREAD_SANITIZER
#endif
#endif
#ifndef TINYFIQA_THREAD_SANITIZER
// Plain new allocates, so that the address sanitizer sees matching pairs of new and delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return no_memory ? nullptr : ::operator new(size);
}
#endif

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
  const std::string x(300, 'x');
  const Status s = Status::error(Errc::bad_format, x, x, x);
  const std::string text = s.message();
  CHECK(text.size() == 799);
  CHECK(text.substr(text.size() - 4) == "x...");
}

TEST_CASE("a part that is too long loses its middle, so that the rest of the message stays") {
  const std::string path = "/begin/" + std::string(5000, 'x') + "/end.jpg";
  const std::string text = Status::error(Errc::bad_format, "cut off").prefixed(path, ": ").message();
  CHECK(text.size() < 450);
  CHECK(text.find("/begin/xxx") == 0);
  CHECK(text.find("xxx/end.jpg: cut off") != std::string::npos);
  CHECK(std::string(Status::error(Errc::bad_format, path.substr(0, 400), "!").message()).size() == 401);
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

TEST_CASE("a status is one pointer and a result adds a flag") {
  static_assert(sizeof(Status) == sizeof(void*));
  static_assert(sizeof(Result<void*>) == 3 * sizeof(void*));
  static_assert(std::is_nothrow_default_constructible_v<Status>);
  static_assert(std::is_nothrow_move_constructible_v<Status> && std::is_nothrow_move_assignable_v<Status>);
  static_assert(std::is_copy_constructible_v<Status> && std::is_copy_assignable_v<Status>);
  CHECK(Status().ok());
  CHECK(Status().code() == Errc::ok);
  CHECK(std::string(Status().message()).empty());
  CHECK(Status::error(Errc::ok, "nothing wrong").ok());
}

TEST_CASE("a copy of an error is an error of its own") {
  Status copy;
  {
    const Status original = Status::error(Errc::unreadable, "no permission");
    copy = original;
    const Status second(original);
    CHECK(same(copy, original));
    CHECK(same(second, original));
    CHECK(copy.message() != original.message());  // its own text
  }
  CHECK(std::string(copy.message()) == "no permission");
  copy = Status();
  CHECK(copy.ok());
}

TEST_CASE("a moved error leaves a success") {
  Status first = Status::error(Errc::too_large, "four gigabytes");
  const char* const text = first.message();
  Status second(std::move(first));
  CHECK(first.ok());
  CHECK(second.message() == text);  // no new allocation
  Status third = Status::error(Errc::not_found, "replaced");
  third = std::move(second);
  CHECK(second.ok());
  CHECK(third.code() == Errc::too_large);
  CHECK(third.message() == text);
}

TEST_CASE("a status assigned to itself stays what it is") {
  Status s = Status::error(Errc::cannot_write, "disk full");
  Status& again = s;
  s = again;
  CHECK(std::string(s.message()) == "disk full");
  s = std::move(again);
  CHECK(s.code() == Errc::cannot_write);
  CHECK(std::string(s.message()) == "disk full");
}

#ifndef TINYFIQA_THREAD_SANITIZER
TEST_CASE("an error without memory for its message keeps its code") {
  const Status before = Status::error(Errc::mismatch, "5 channels");
  Status made, copied, prefixed;
  {
    const WithoutMemory guard;
    made = Status::error(Errc::bad_format, "never seen");
    copied = before;
    prefixed = before.prefixed("a.png: ");
  }
  CHECK(made.code() == Errc::bad_format);
  CHECK(copied.code() == Errc::mismatch);
  CHECK(prefixed.code() == Errc::mismatch);
  for (const Status* s : {&made, &copied, &prefixed})
    CHECK(std::string(s->message()).find("out of memory") == 0);
  const Status again(made);  // a static record is shared
  CHECK(again.message() == made.message());
  CHECK(std::string(made.prefixed("b.png: ").message()).find("b.png: out of memory") == 0);
  CHECK(std::string(before.message()) == "5 channels");
}
#endif

#ifndef TINYFIQA_THREAD_SANITIZER
TEST_CASE("every code has its own error without memory") {
  const WithoutMemory guard;
  for (int code = 1; code <= static_cast<int>(Errc::cannot_write); ++code)
    CHECK(Status::error(static_cast<Errc>(code), "x").code() == static_cast<Errc>(code));
}
#endif

TEST_CASE("threads copy one error at once") {
  const Status shared = Status::error(Errc::unsupported, "twelve bits");
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (int& count : right)
    threads.emplace_back([&shared, &count] {
      for (int i = 0; i < 200; ++i) {
        Status mine = shared;
        Status other = mine.prefixed("x: ");
        mine = other;
        count += std::string(mine.message()) == "x: twelve bits";
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(right == std::vector<int>(4, 200));
}

TEST_CASE("a result of a type that only moves is moved, and keeps its error") {
  using Owner = std::unique_ptr<int>;
  static_assert(!std::is_copy_constructible_v<Result<Owner>>);
  Result<Owner> value(std::make_unique<int>(3));
  CHECK(value.status().ok());
  const Owner taken = *std::move(value);
  CHECK(*taken == 3);
  Result<Owner> error(Status::error(Errc::bad_argument, "width 0"));
  Result<Owner> moved(std::move(error));
  CHECK_FALSE(error.ok());
  CHECK(std::string(moved.status().message()) == "width 0");
  Result<Owner> target(std::make_unique<int>(4));
  target = std::move(moved);
  CHECK(target.status().code() == Errc::bad_argument);
}
