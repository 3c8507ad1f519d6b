// An array of floats that ends (or begins) at a page without access. A kernel that reads or writes past its
// operand crashes. WebAssembly has no such pages. There the array lies between bytes of one pattern: to compute with
// them gives NaN, and to write over them ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#ifdef __wasm__
#include <cstdio>
#include <cstdlib>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

/// `count` floats, NaN at first. Guard::behind: the last float ends where the page without access begins;
/// Guard::before: the first float begins where it ends.
class GuardedFloats {
 public:
  enum class Guard { behind, before };

  explicit GuardedFloats(std::size_t count, Guard guard = Guard::behind) : size_(count) {
    allocate(guard);
    poison();
  }
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  /// Fills with NaN, so that elements that a kernel does not write fail the comparison.
  void poison() {
    for (std::size_t i = 0; i < size_; ++i) data_[i] = std::numeric_limits<float>::quiet_NaN();
  }
  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data_[i]; }
  float* begin() { return data_; }
  float* end() { return data_ + size_; }

#ifdef __wasm__
  ~GuardedFloats() {
    for (std::size_t i = 0; i < border; ++i)
      if (base_[i] != pattern || base_[total_ - 1 - i] != pattern) {
        std::fprintf(stderr, "a kernel wrote outside of its operand of %zu floats\n", size_);
        std::abort();
      }
    std::free(base_);
  }

 private:
  static constexpr std::size_t border = 4096;
  static constexpr unsigned char pattern = 0xff;  // four of them are a NaN

  /// Borders on both sides, whatever the guard.
  void allocate(Guard) {
    total_ = size_ * sizeof(float) + 2 * border;
    base_ = static_cast<unsigned char*>(std::malloc(total_));
    std::memset(base_, pattern, total_);
    data_ = reinterpret_cast<float*>(base_ + border);
  }
#else
  ~GuardedFloats() { munmap(base_, total_); }

 private:
  void allocate(Guard guard) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = size_ * sizeof(float), body = (bytes + page - 1) / page * page;
    total_ = body + 2 * page;
    base_ = static_cast<unsigned char*>(mmap(nullptr, total_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + page, body, PROT_READ | PROT_WRITE);
    unsigned char* first = base_ + page;
    if (guard == Guard::behind) first += body - bytes;
    data_ = reinterpret_cast<float*>(first);
  }
#endif
  unsigned char* base_ = nullptr;
  float* data_ = nullptr;
  std::size_t size_ = 0, total_ = 0;
};
