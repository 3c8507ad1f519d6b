// What several test files need.
#pragma once

#include <cstdlib>
#include <string>

/// A file of tests/fixtures.
inline std::string fixture(const std::string& name) {
  return std::string(TINYFIQA_SOURCE_DIR "/tests/fixtures/") + name;
}

/// The folder of reference numbers and data named by TINYFIQA_REFERENCE_DIR; empty when there is none,
/// and tests that need it are skipped.
inline std::string reference_dir() {
  const char* dir = std::getenv("TINYFIQA_REFERENCE_DIR");
  return dir == nullptr ? "" : dir;
}
