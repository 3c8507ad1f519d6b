// Helpers of the data tests: a temporary folder with generated images and tables.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/write_file.hpp>
#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

/// A new temporary folder; the destructor removes it.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tinyfiqa-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  std::string write(const std::string& name, const std::string& text) const {
    const tinyfiqa::Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    REQUIRE(tinyfiqa::write_file(file(name), {&bytes, 1}).ok());
    return file(name);
  }
  /// Writes a PPM of noise; equal seeds give equal images.
  std::string write_noise(const std::string& name, int width, int height, std::uint64_t seed) const {
    std::string text = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    tinyfiqa::Rng rng(seed);
    for (int i = 0; i < width * height * 3; ++i) text.push_back(static_cast<char>(rng.next() >> 24));
    return write(name, text);
  }

 private:
  std::string path_;
};

inline tinyfiqa::FileBytes csv_bytes(const std::string& text) {
  return tinyfiqa::FileBytes::from_memory({reinterpret_cast<const unsigned char*>(text.data()), text.size()},
                                          "table.csv");
}

inline bool mentions(const tinyfiqa::Status& status, const std::string& part) {
  return std::string(status.message()).find(part) != std::string::npos;
}
