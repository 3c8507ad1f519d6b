// Finds the photos in a folder and in the folders inside it.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// One image file, or why there is none.
struct InputItem {
  std::string path;
  tinyfiqa::Status status;
};

/// True for the extension of a format that photos are read of.
bool is_image_name(const std::string& path);

/// Gives the images of a folder by file extension, sorted by path. Links to folders are not followed. Holds the names of
/// one folder on each level.
class FolderWalk {
 public:
  /// What was left out, and how many files: by the kind of file.
  using LeftOut = std::map<std::string, std::size_t>;

  /// `left_out` counts the files of formats that are not read, macOS's "._" files and links to folders.
  FolderWalk(const std::string& folder, LeftOut& left_out);

  /// The next image, or an error for a folder that can't be read or, at the end, for one that has no image.
  std::optional<InputItem> next();

 private:
  struct Level {
    std::string folder;
    std::vector<std::string> names;  ///< those of folders end in /
    std::size_t next = 0;
  };

  /// Errors: unreadable.
  tinyfiqa::Status enter(const std::string& folder);

  std::string top_;
  LeftOut& left_out_;
  std::vector<Level> levels_;
  tinyfiqa::Status first_error_;
  bool found_ = false, ended_ = false;
};
