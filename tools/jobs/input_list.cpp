#include "jobs/input_list.hpp"

#include "decoders/photo.hpp"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <iterator>

namespace fs = std::filesystem;
using tinyfiqa::Errc;
using tinyfiqa::Status;

namespace {

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(std::begin(photo_extensions), std::end(photo_extensions), extension) !=
         std::end(photo_extensions);
}

std::string known_extensions() {
  std::string all;
  for (const char* extension : photo_extensions)
    all += (all.empty() ? "" : ", ") + std::string(extension + 1);
  return all;
}

void list_folder(const std::string& folder, std::vector<InputItem>& items) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
  while (!error && it != end) {
    std::error_code ignored;
    if (it->is_regular_file(ignored) && is_image_name(it->path())) found.push_back(it->path().string());
    it.increment(error);
  }
  if (error) {
    items.push_back({folder, Status::error(Errc::unreadable, folder, ": ", error.message(),
                                           " while listing the folder")});
  } else if (found.empty()) {
    items.push_back({folder, Status::error(Errc::not_found, folder, ": no image in this folder (",
                                           known_extensions(), ")")});
  }
  std::sort(found.begin(), found.end());
  for (std::string& path : found) items.push_back({std::move(path), {}});
}

bool list_pattern(const std::string& pattern, std::vector<InputItem>& items) {
  glob_t matches = {};
  const bool found = glob(pattern.c_str(), 0, nullptr, &matches) == 0;
  for (std::size_t i = 0; i < matches.gl_pathc; ++i) {
    if (fs::is_directory(matches.gl_pathv[i]))
      list_folder(matches.gl_pathv[i], items);
    else
      items.push_back({matches.gl_pathv[i], {}});
  }
  globfree(&matches);
  return found;
}

void list_argument(const std::string& argument, std::vector<InputItem>& items) {
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) return list_folder(argument, items);
  if (fs::exists(argument, ignored)) {
    items.push_back({argument, {}});
    return;
  }
  const bool pattern = argument.find_first_of("*?[") != std::string::npos;
  if (pattern && list_pattern(argument, items)) return;
  items.push_back(
      {argument, Status::error(Errc::not_found, argument,
                               pattern ? ": nothing matches this pattern" : ": no such file or folder")});
}

}  // namespace

bool looks_like_input(const std::string& argument) {
  std::error_code ignored;
  return argument == "-" || argument.find_first_of("*?[") != std::string::npos || is_image_name(argument) ||
         fs::is_directory(argument, ignored);
}

std::vector<InputItem> list_inputs(const std::vector<std::string>& arguments) {
  std::vector<InputItem> items;
  for (const std::string& argument : arguments) {
    if (argument != "-") {
      list_argument(argument, items);
      continue;
    }
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty()) list_argument(line, items);
    }
  }
  return items;
}
