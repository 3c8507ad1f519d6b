// What several test files need.
#pragma once

#include <cstdlib>
#include <string>

/// A file of tests/fixtures.
inline std::string fixture(const std::string& name) {
  return std::string(TINYFIQA_SOURCE_DIR "/tests/fixtures/") + name;
}

/// A sanitizer makes everything several times slower. It wants to see each line once: what a test repeats for
/// the sake of the numbers it then repeats less.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// The folder of reference numbers and data named by TINYFIQA_REFERENCE_DIR; empty when there is none,
/// and tests that need it are skipped.
inline std::string reference_dir() {
  const char* dir = std::getenv("TINYFIQA_REFERENCE_DIR");
  return dir == nullptr ? "" : dir;
}
