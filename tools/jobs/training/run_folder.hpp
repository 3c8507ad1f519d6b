// The folder of a training, which one run at a time may use.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>

/// A folder that this run has to itself: another run that opens it gets an error. The lock ends with the program, however
/// that ends.
class RunFolder {
 public:
  RunFolder() = default;
  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&& other) noexcept;
  ~RunFolder();

  /// Creates the folder if it does not exist, checks that `file` can be written in it, and locks it. Removes temporary
  /// files that runs left there when they were killed. Errors: cannot_write, also if another run has the folder.
  static tinyfiqa::Result<RunFolder> open(const std::string& path, const std::string& file);

  /// Checks that the path still leads to the folder that was opened. Errors: cannot_write.
  tinyfiqa::Status check() const;

 private:
  std::string path_;
  int descriptor_ = -1;
};
