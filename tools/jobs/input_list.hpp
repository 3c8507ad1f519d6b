// Expands command-line arguments into a list of image files.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <string>
#include <vector>

/// One image file, or why an argument gives none.
struct InputItem {
  std::string path;
  tinyfiqa::Status status;
};

/// - A file stays as it is.
/// - A folder gives the images in it and below, by file extension, sorted by name.
/// - A pattern with * ? [ ] that is not a file is expanded.
/// - "-" reads one path per line from standard input.
/// An argument that gives nothing (an empty folder, no match, a missing file) becomes an item with an error.
std::vector<InputItem> list_inputs(const std::vector<std::string>& arguments);

/// True for "-", folders, patterns and names with the extension of an image.
bool looks_like_input(const std::string& argument);
