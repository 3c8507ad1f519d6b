// Reads a list of paths from standard input.
#pragma once

#include "jobs/folder_walk.hpp"

#include <cstddef>
#include <optional>
#include <string>

/// Paths, one on each line, or separated by NUL characters (what `find -print0` writes): a NUL character in the part that
/// comes first decides. A byte order mark is left out, and carriage returns before the ends of lines. Gives each path as
/// soon as it has come.
class PathReader {
 public:
  /// `descriptor`: the open file to read, which stays open.
  explicit PathReader(int descriptor = 0) : descriptor_(descriptor) {}

  /// The next path. An error, as the last item, for what is no list: a picture, UTF-16, a line that is longer than a
  /// path can be, input that can't be read.
  std::optional<InputItem> next();

 private:
  /// Reads what has come. False at the end of the input.
  bool read_more();
  tinyfiqa::Status check_begin();
  std::optional<InputItem> wrong(tinyfiqa::Status status);

  int descriptor_;
  std::string text_;  // what was read and not given yet
  char separator_ = '\n';
  bool begun_ = false, ended_ = false;
  tinyfiqa::Status problem_;
};
