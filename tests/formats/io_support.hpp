// Helpers of the weight tests: fixtures as bytes, the manifest of their tensors, temporary files.
#pragma once

#include "../support.hpp"

#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <doctest/doctest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

inline std::string io_fixture(const std::string& name) { return fixture("io/" + name); }

inline nlohmann::json read_json(const std::string& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// A view of a string for a reader. The string must outlive everything that is read from it.
inline tinyfiqa::FileBytes as_file(const std::string& bytes) {
  return tinyfiqa::FileBytes::from_memory(
      tinyfiqa::Bytes(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), "memory");
}

/// A path in the temporary folder; the destructor removes the file.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string& name)
      : path((std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + "_" + name)).string()) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::remove(path.c_str()); }
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The lowest `count` bytes of a number, little-endian.
inline std::string le(unsigned long long value, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return out;
}

/// Checks that the tensors are exactly those of the manifest: names, shapes and all values.
inline void check_tensors(const tinyfiqa::TensorFile& file, const nlohmann::json& expected) {
  CHECK(file.entries().size() == expected.size());
  for (const auto& item : expected.items()) {
    const std::string& name = item.key();
    const nlohmann::json& tensor = item.value();
    INFO(file.path, " ", name);
    const tinyfiqa::TensorEntry* const entry = file.find(name);
    REQUIRE(entry != nullptr);
    CHECK(entry->shape == tensor["shape"].get<std::vector<std::int64_t>>());
    const auto values = tinyfiqa::read_floats(*entry);
    REQUIRE(values.ok());
    CHECK(*values == tensor["values"].get<std::vector<float>>());
  }
}
