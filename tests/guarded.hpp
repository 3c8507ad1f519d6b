// An array of floats that ends (or begins) at a page without access. A kernel that reads or writes past its
// operand crashes.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

/// `count` floats, NaN at first. Guard::behind: the last float ends where the page without access begins;
/// Guard::before: the first float begins where it ends.
class GuardedFloats {
 public:
  enum class Guard { behind, before };

  explicit GuardedFloats(std::size_t count, Guard guard = Guard::behind) : size_(count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = count * sizeof(float), body = (bytes + page - 1) / page * page;
    total_ = body + 2 * page;
    base_ = static_cast<unsigned char*>(mmap(nullptr, total_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + page, body, PROT_READ | PROT_WRITE);
    unsigned char* first = base_ + page;
    if (guard == Guard::behind) first += body - bytes;
    data_ = reinterpret_cast<float*>(first);
    poison();
  }
  ~GuardedFloats() { munmap(base_, total_); }
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

 private:
  unsigned char* base_ = nullptr;
  float* data_ = nullptr;
  std::size_t size_ = 0, total_ = 0;
};
