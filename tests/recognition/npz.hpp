// Reads NumPy's .npz archives, for tests.
#pragma once

#include <tinyfiqa/formats/npy.hpp>

#include <doctest/doctest.h>
#include <zip.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

/// The bytes of one member; the test fails if it does not exist.
inline std::vector<unsigned char> npz_bytes(const std::string& path, const std::string& member) {
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY, nullptr);
  REQUIRE_MESSAGE(archive != nullptr, path);
  zip_stat_t info;
  REQUIRE(zip_stat(archive, member.c_str(), 0, &info) == 0);
  std::vector<unsigned char> bytes(info.size);
  zip_file_t* file = zip_fopen(archive, member.c_str(), 0);
  REQUIRE(file != nullptr);
  REQUIRE(zip_fread(file, bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size()));
  zip_fclose(file);
  zip_discard(archive);
  return bytes;
}

/// The numeric arrays of the reference archive, by name.
inline std::map<std::string, tinyfiqa::NpyArray> read_npz(const std::string& path) {
  std::map<std::string, tinyfiqa::NpyArray> arrays;
  for (const char* name : {"inputs_rgb", "embeddings_a", "embeddings_b"}) {
    const auto bytes = npz_bytes(path, std::string(name) + ".npy");
    auto array = tinyfiqa::read_npy(tinyfiqa::FileBytes::from_memory({bytes.data(), bytes.size()}, name));
    REQUIRE_MESSAGE(array.ok(), array.status().message());
    arrays.emplace(name, std::move(*array));
  }
  return arrays;
}

/// An array of strings (type '<U', ASCII only).
inline std::vector<std::string> read_npz_texts(const std::string& path, const std::string& name) {
  const auto bytes = npz_bytes(path, name + ".npy");
  const std::size_t start = 10 + bytes[8] + 256u * bytes[9];
  const std::string header(bytes.begin() + 10, bytes.begin() + static_cast<std::ptrdiff_t>(start));
  const std::size_t at = header.find("<U");
  REQUIRE(at != std::string::npos);
  const std::size_t length = std::stoul(header.substr(at + 2));
  std::vector<std::string> texts;
  for (std::size_t i = start; i + 4 * length <= bytes.size(); i += 4 * length) {
    std::string text;
    for (std::size_t k = 0; k < length && bytes[i + 4 * k] != 0; ++k)
      text.push_back(static_cast<char>(bytes[i + 4 * k]));
    texts.push_back(text);
  }
  return texts;
}
