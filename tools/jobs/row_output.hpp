// Where the rows of a long run go: standard output, or a file that a later run can go on with.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <string>

/// Writes whole rows at once, so that a stop never leaves the rows of an image in the middle of a line, unless the disk is
/// full.
class RowOutput {
 public:
  /// Standard output.
  RowOutput() = default;
  /// Opens a file, keeps its first `keep` bytes and removes the rest. Locks it against other programs. Errors:
  /// cannot_write, also for a file that another program of this kind is writing.
  static tinyfiqa::Result<RowOutput> open(const std::string& path, std::size_t keep);
  RowOutput(RowOutput&& other) noexcept;
  RowOutput& operator=(RowOutput&&) = delete;
  ~RowOutput();

  /// Writes the text now. Errors: cannot_write (a full disk); nothing more can be written then.
  tinyfiqa::Status write(const std::string& text);

 private:
  std::string name_ = "standard output";
  int file_ = 1;
};
