// From what stands on the command line to a list of image files.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>
#include <vector>

/// One thing to score, or why it can't be.
struct InputItem {
  std::string path;
  tinyfiqa::Status status;
};

/// Files stay as they are; folders give the images in them and below (by extension, in order of name); a
/// pattern with
/// * ? [ ] that is no file is expanded; "-" reads one path a line from standard input. What gives nothing (a
/// folder without images, a pattern without matches, a missing file) becomes an item with an error.
std::vector<InputItem> list_inputs(const std::vector<std::string>& arguments);

/// True for "-", folders, patterns and names with an image's extension.
bool looks_like_input(const std::string& word);
