// Runs over tests/fixtures/variants: unusual variants of formats and what must come out of them.
#pragma once

#include <doctest/doctest.h>

#include "image_support.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

/// The files in a folder of the variants that have one of the extensions, sorted by name.
inline std::vector<std::filesystem::path> variant_files(const std::string& folder,
                                                        std::initializer_list<const char*> extensions) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(fixture(folder))) {
    const std::string extension = entry.path().extension().string();
    for (const char* wanted : extensions)
      if (extension == wanted) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Calls check(file, expected) for each file PICTURE.VARIANT.EXTENSION; `expected` is PICTURE.png or PICTURE.jpg.
template <class Check>
void for_each_variant(std::initializer_list<const char*> extensions, const Check& check) {
  namespace fs = std::filesystem;
  int count = 0;
  for (const fs::path& file : variant_files("variants", extensions)) {
    const std::string name = file.filename().string();
    if (file.stem().extension().empty()) continue;  // this is an expected image
    fs::path expected = file.parent_path() / (name.substr(0, name.find('.')) + ".png");
    if (!fs::exists(expected)) expected.replace_extension(".jpg");
    CAPTURE(name);
    check(file.string(), expected.string());
    ++count;
  }
  CHECK(count > 5);
}

/// Calls check(file, part of the message) for each file that must be refused.
template <class Check>
void for_each_refused(std::initializer_list<const char*> extensions, const Check& check) {
  std::ifstream table(fixture("variants/refused.txt"));
  int count = 0;
  for (std::string line; std::getline(table, line);) {
    const std::string name = line.substr(0, line.find('\t'));
    const std::string extension = name.substr(name.rfind('.'));
    const bool wanted = std::any_of(extensions.begin(), extensions.end(),
                                    [&](const char* known) { return extension == known; });
    if (!wanted) continue;
    CAPTURE(name);
    check(fixture("variants/refused/" + name), line.substr(line.find('\t') + 1));
    ++count;
  }
  CHECK(count > 5);
}
