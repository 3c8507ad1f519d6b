// Reading and writing whole files: pipes, devices, links, permissions, what killed programs leave behind.
#include "io_support.hpp"

#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/write_file.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// An empty folder that is removed at the end.
struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / (std::to_string(::getpid()) + "_files");
  TemporaryFolder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

Bytes bytes_of(const std::string& text) {
  return Bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

Status write_text(const std::string& path, const std::string& text) {
  const Bytes bytes = bytes_of(text);
  return write_file(path, {&bytes, 1});
}

std::string text_of(const FileBytes& file) {
  return std::string(reinterpret_cast<const char*>(file.bytes.data), file.bytes.size);
}

mode_t mode_of(const std::string& path) {
  struct stat info = {};
  ::stat(path.c_str(), &info);
  return info.st_mode & 07777u;
}

}  // namespace

TEST_CASE("an output keeps the permissions of the file that it replaces") {
  const TemporaryFolder folder;
  for (const mode_t mode : {0600u, 0640u, 0755u}) {
    const std::string path = folder.file("out.csv");
    REQUIRE(write_text(path, "old").ok());
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(write_text(path, "new").ok());
    CHECK(mode_of(path) == mode);
    CHECK(slurp(path) == "new");
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("an output that is a link replaces the file that the link names") {
  const TemporaryFolder folder;
  REQUIRE(write_text(folder.file("real"), "old").ok());
  fs::create_directory(folder.path / "sub");
  fs::create_symlink("real", folder.path / "near");
  fs::create_symlink("../real", folder.path / "sub" / "far");
  fs::create_symlink("near", folder.path / "chain");
  for (const char* name : {"near", "sub/far", "chain"}) {
    CHECK(write_text(folder.file(name), name).ok());
    CHECK(fs::is_symlink(folder.path / name));
    CHECK(slurp(folder.file("real")) == name);
  }
  fs::create_symlink("nothing", folder.path / "dangling");
  const Status dangling = write_text(folder.file("dangling"), "x");
  CHECK(dangling.code() == Errc::cannot_write);
  CHECK(contains(dangling.message(), "link"));
  CHECK_FALSE(fs::exists(folder.path / "nothing"));
}

TEST_CASE("pipes and devices are written to and stay what they are") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(check_writable(pipe).ok());
  std::string got;
  std::thread reader([&] {
    std::ifstream in(pipe);
    got.assign(std::istreambuf_iterator<char>(in), {});
  });
  CHECK(write_text(pipe, "through the pipe").ok());
  reader.join();
  CHECK(got == "through the pipe");
  CHECK(fs::is_fifo(pipe));
  fs::create_symlink("pipe", folder.path / "link");
  std::thread second([&] { got = text_of(*read_file(pipe)); });
  CHECK(write_text(folder.file("link"), "by a link").ok());
  second.join();
  CHECK(got == "by a link");
  fs::create_symlink("/dev/null", folder.path / "null");
  CHECK(write_text(folder.file("null"), "x").ok());
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(folder.files() == 3);
}

TEST_CASE("a folder is no output") {
  const TemporaryFolder folder;
  CHECK(contains(write_text(folder.path.string(), "x").message(), "is a folder"));
  CHECK(contains(check_writable(folder.path.string()).message(), "is a folder"));
  CHECK_FALSE(check_writable(folder.file("no/such/folder")).ok());
}

TEST_CASE("links under a temporary name are not followed") {
  const TemporaryFolder folder;
  REQUIRE(write_text(folder.file("victim"), "precious").ok());
  for (int i = 0; i < 100; ++i)
    fs::create_symlink("victim",
                       folder.path / ("out.tmp" + std::to_string(::getpid()) + "-" + std::to_string(i)));
  CHECK_FALSE(write_text(folder.file("out"), "x").ok());
  CHECK(slurp(folder.file("victim")) == "precious");
  fs::remove(folder.path / ("out.tmp" + std::to_string(::getpid()) + "-57"));
  CHECK(write_text(folder.file("out"), "x").ok());
  CHECK(slurp(folder.file("victim")) == "precious");
}

TEST_CASE("what a killed program left behind is removed, and nothing else") {
  const TemporaryFolder folder;
  const auto leave = [&](const std::string& name) {
    REQUIRE(write_text(folder.file(name.c_str()), "x").ok());
  };
  const std::string dead = "2147483646", alive = std::to_string(::getpid());
  leave("out.tmp" + dead + "-0");
  leave("out.tmp" + dead + "-17");
  leave("out.tmp" + alive + "-0");
  leave("out.tmp" + dead + "-0.bak");
  leave("out.tmp");
  leave("other.tmp" + dead + "-0");
  CHECK(check_writable(folder.file("out")).ok());
  CHECK(folder.files() == 4);
  CHECK_FALSE(fs::exists(folder.path / ("out.tmp" + dead + "-0")));
  CHECK(fs::exists(folder.path / ("out.tmp" + alive + "-0")));
}

TEST_CASE("a pipe is read to its end, and files have a limit") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string sent(300000, 'a');
  std::thread writer([&] {
    std::ofstream out(pipe);
    out << sent;
  });
  const auto got = read_file(pipe, FileAccess::copy);
  writer.join();
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  CHECK(text_of(*got) == sent);

  const auto nobody = read_file(pipe, FileAccess::copy);
  CHECK(nobody.status().code() == Errc::unreadable);
  CHECK(contains(nobody.status().message(), "no program writes to this pipe"));

  REQUIRE(write_text(folder.file("four"), "1234").ok());
  CHECK(read_file(folder.file("four"), FileAccess::copy, 4).ok());
  CHECK(read_file(folder.file("four"), FileAccess::map, 3).status().code() == Errc::too_large);
  const auto device = read_file("/dev/zero");
  CHECK(device.status().code() == Errc::too_large);
}
